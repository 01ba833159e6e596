//! The lines of the status in the room that there is: what is well in a line, what waits, what is at work, and last what needs somebody.

use super::needs::Need;
use super::{Status, TargetState, TargetStatus};
use crate::cli::case::cause;
use crate::cli::output::{LocalTimes, Meaning, bare, coarse, fit, fit_words, padded, stopwatch, width_of};
use crate::model::Timestamp;
use crate::store::{CaseAtWork, SourceHealth, Store};

/// How wide the names of the sections stand.
const LABEL: usize = 9;
/// What stands between two columns.
const GAP: usize = 2;
/// What stands before each thing that needs somebody.
const INDENT: &str = "  ";
/// The narrowest text that is worth reading.
const LEAST_TEXT: usize = 8;

/// How much room there is; in a pipe there is no bound.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ScreenRoom {
    pub(super) width: Option<usize>,
    pub(super) height: Option<usize>,
}

/// The whole screen, a line each, in colours; with what is `new`, the newest last, where that is watched.
pub(super) fn lines(status: &Status, store: &Store, room: ScreenRoom, new: Option<&[(Meaning, String)]>) -> Vec<String> {
    let now = store.clock().now();
    let times = LocalTimes::at(now);
    let needs = status.needs(store);
    let troubled: Vec<&SourceHealth> = status.sources.iter().filter(|source| source.alerted_at.is_some()).collect();
    let busy: Vec<&TargetStatus> = status.targets.iter().filter(|target| is_to_be_told(target)).collect();
    let is_idle = status.targets.len() > busy.len() || busy.is_empty();
    let needed = (needs.len(), usize::from(!needs.is_empty()));
    let (work, targets, sources) = (
        (status.work.len(), 0),
        (busy.len(), usize::from(is_idle)),
        (troubled.len(), 1),
    );
    let (shares, of_new) = match new {
        None => (shares(room.height, [needed, work, targets, sources]), None),
        // What is new gets what all others leave.
        Some(new) => {
            let [needed, work, targets, sources, new] = shares(room.height, [needed, work, targets, sources, (new.len(), 0)]);
            ([needed, work, targets, sources], new)
        }
    };
    let page = Page { room, times: &times };
    let mut lines = vec![page.line("trail", Meaning::Quiet, &trail(status, now))];
    lines.push(page.line("disk", disk_meaning(status), &disk(status)));
    lines.extend(page.sources(status, &troubled, shares[3]));
    lines.extend(page.targets(status, &busy, shares[2]));
    lines.push(page.line("plans", Meaning::Quiet, &plans(status, &times, page.text_width())));
    if let Some(new) = new {
        lines.extend(page.fresh(new, of_new));
    }
    lines.extend(page.work(status, shares[1]));
    lines.extend(page.needs(&needs, shares[0]));
    lines.push(sum(status, needs.len(), room.width));
    lines
}

/// How many lines each of the lists gets, the first as many as it can have; `None` where all fit. Each has `beside` more that always stand.
fn shares<const N: usize>(height: Option<usize>, lists: [(usize, usize); N]) -> [Option<usize>; N] {
    // The trail, the disk, the plans and the sum.
    const ALWAYS: usize = 4;
    let Some(height) = height else { return [None; N] };
    let beside: usize = lists.iter().map(|(_, beside)| beside).sum();
    let mut left = height.saturating_sub(ALWAYS + beside);
    let mut reserved: usize = lists.iter().map(|(count, _)| usize::from(*count > 0)).sum();
    // An empty list that nothing stands beside says so in a line.
    left = left.saturating_sub(lists.iter().filter(|(count, beside)| count + beside == 0).count());
    lists.map(|(count, _)| {
        reserved = reserved.saturating_sub(usize::from(count > 0));
        let share = count.min(left.saturating_sub(reserved)).max(usize::from(count > 0));
        left = left.saturating_sub(share);
        (share < count).then_some(share)
    })
}

struct Page<'a> {
    room: ScreenRoom,
    times: &'a LocalTimes,
}

impl Page<'_> {
    /// A line under the name of a section, or without it.
    fn line(&self, label: &str, meaning: Meaning, text: &str) -> String {
        let text = fit_words(text, self.text_width());
        format!("{} {}", Meaning::Strong.paint(padded(label, LABEL)), meaning.paint(text))
    }

    fn text_width(&self) -> Option<usize> {
        self.room.width.map(|width| width.saturating_sub(LABEL + 1))
    }

    /// A list under the name of a section: the last `share` of it, and how many more there are.
    fn list<T>(
        &self,
        label: &str,
        items: &[T],
        share: Option<usize>,
        more: &str,
        shown: impl Fn(&T) -> (Meaning, String),
    ) -> Vec<String> {
        let kept = share.map_or(items.len(), |share| share.saturating_sub(1).min(items.len()));
        let left_out = items.len() - kept;
        let mut texts = Vec::new();
        if left_out > 0 {
            let and = if kept > 0 { "and " } else { "" };
            texts.push((Meaning::Quiet, format!("{and}{left_out} more: {more}")));
        }
        texts.extend(items.iter().skip(left_out).map(shown));
        let labels = std::iter::once(label).chain(std::iter::repeat(""));
        labels
            .zip(texts)
            .map(|(label, (meaning, text))| self.line(label, meaning, &text))
            .collect()
    }

    fn sources(&self, status: &Status, troubled: &[&SourceHealth], share: Option<usize>) -> Vec<String> {
        let well = status.sources.iter().filter(|source| source.alerted_at.is_none());
        let well: Vec<String> = well
            .map(|source| match source.spoke_at.or(source.looked_at) {
                _ if source.rehearses() => format!("{} rehearses", source.source),
                Some(at) => format!("{} {}", source.source, self.times.away(at)),
                None => format!("{} not heard yet", source.source),
            })
            .collect();
        let well = match (well.is_empty(), status.sources.is_empty()) {
            (_, true) => "none has been heard".to_owned(),
            (true, false) => "none is well".to_owned(),
            (false, false) => format!("heard: {}", well.join(", ")),
        };
        let mut lines = vec![self.line("sources", Meaning::Quiet, &well)];
        lines.extend(self.list("", troubled, share, "revoked source list", |source| {
            let silent = coarse(self.times.now().since(source.silent_since()));
            (Meaning::Bad, format!("{} has said nothing for {silent}", source.source))
        }));
        lines
    }

    fn targets(&self, status: &Status, busy: &[&TargetStatus], share: Option<usize>) -> Vec<String> {
        let idle: Vec<&str> = status
            .targets
            .iter()
            .filter(|target| !is_to_be_told(target))
            .map(|target| target.lane.target.as_str())
            .collect();
        let mut lines = Vec::new();
        if !idle.is_empty() {
            let state = if status.daemon_running {
                "up, nothing waits"
            } else {
                "not asked, nothing waits"
            };
            lines.push(self.line("targets", Meaning::Quiet, &format!("{}: {state}", idle.join(", "))));
        } else if busy.is_empty() {
            lines.push(self.line("targets", Meaning::Quiet, "none is known yet"));
        }
        let label = if lines.is_empty() { "targets" } else { "" };
        let widest = busy
            .iter()
            .map(|target| width_of(&fit(&target.lane.target, None)))
            .max()
            .unwrap_or(0);
        lines.extend(self.list(label, busy, share, "revoked status --json", |target| {
            let (meaning, text) = self.target(target);
            (
                meaning,
                format!("{}  {text}", padded(&fit(&target.lane.target, None), widest.min(24))),
            )
        }));
        lines
    }

    fn target(&self, target: &TargetStatus) -> (Meaning, String) {
        let TargetStatus { state, rate, lane } = target;
        let now = self.times.now();
        let (meaning, mut parts) = match state {
            TargetState::Up => (Meaning::Strong, vec!["up".to_owned()]),
            TargetState::Slow => (Meaning::Waiting, vec!["slow".to_owned()]),
            TargetState::Down => (Meaning::Bad, vec!["down: it does not answer".to_owned()]),
            TargetState::Unwatched => (Meaning::Quiet, vec!["not asked".to_owned()]),
            TargetState::Paused | TargetState::Refused => {
                let word = if *state == TargetState::Paused { "paused" } else { "refused" };
                let since = lane
                    .paused_at
                    .map_or(String::new(), |at| format!(" for {}", coarse(now.since(at))));
                let why = lane.paused_why.as_deref().unwrap_or_default();
                (Meaning::Bad, vec![format!("{word}{since}: {why}")])
            }
        };
        // A sweep is no case at work.
        match lane.running - lane.sweeping {
            0 => {}
            1 => parts.push("1 job at work".to_owned()),
            jobs => parts.push(format!("{jobs} jobs at work")),
        }
        match lane.sweeping {
            0 => {}
            1 => parts.push("1 sweep under way".to_owned()),
            sweeps => parts.push(format!("{sweeps} sweeps under way")),
        }
        let waiting = lane.waiting + lane.repeating;
        if waiting > 0 {
            let oldest = lane
                .oldest
                .map_or(String::new(), |at| format!(", the oldest for {}", coarse(now.since(at))));
            parts.push(format!("{waiting} waiting{oldest}"));
        }
        if let Some(at) = lane
            .next_attempt_at
            .filter(|at| *at > now && lane.waiting == 0 && lane.running == 0)
        {
            parts.push(format!("next try {}", self.times.away(at)));
        }
        match (rate, lane.next_permit_at.filter(|at| *at > now)) {
            (Some(rate), None) => parts.push(format!("permits {rate}")),
            (Some(rate), Some(at)) => parts.push(format!("permits {rate}, the next {}", self.times.away(at))),
            (None, Some(at)) => parts.push(format!("next permit {}", self.times.away(at))),
            (None, None) => {}
        }
        (meaning, parts.join(" · "))
    }

    fn fresh(&self, new: &[(Meaning, String)], share: Option<usize>) -> Vec<String> {
        if new.is_empty() {
            return vec![self.line("new", Meaning::Quiet, "nothing within 10 min")];
        }
        self.list("new", new, share, "revoked trail show", Clone::clone)
    }

    fn work(&self, status: &Status, share: Option<usize>) -> Vec<String> {
        if status.work.is_empty() {
            return vec![self.line("at work", Meaning::Quiet, "nothing")];
        }
        // The most urgent last, as everywhere on this screen.
        let cases: Vec<&CaseAtWork> = status.work.iter().rev().collect();
        let listed = i64::try_from(cases.len()).unwrap_or(i64::MAX);
        let more = if status.at_work > listed {
            format!("revoked case list --state open ({} in all)", status.at_work)
        } else {
            "revoked case list --state open".to_owned()
        };
        self.list("at work", &cases, share, &more, |case| {
            let who = bare(case.subject.as_deref().unwrap_or("erased"));
            let clock = stopwatch(self.times.now().since(case.received_at));
            let at: Vec<String> = case
                .at
                .iter()
                .map(|at| match (at.state.as_str(), &at.error) {
                    ("running", None) => format!("{} at work", at.target),
                    ("queued", None) => format!("{} waits", at.target),
                    (state, error) => {
                        let cause = error.as_deref().map_or(String::new(), |error| format!(": {}", cause(error)));
                        let next = match (state, at.due) {
                            ("running", _) => " at work".to_owned(),
                            (_, Some(due)) => format!(", again {}", self.times.away(due)),
                            (_, None) => String::new(),
                        };
                        format!("{}{cause}; attempt {}{next}", at.target, at.attempt)
                    }
                })
                .collect();
            let text = format!("{clock}  case {} {who} ({}): {}", case.case, case.reason, at.join("; "));
            (Meaning::Strong, text)
        })
    }

    /// Under a line of their own, so that each has all the room for what is the matter; the commands end where the screen does.
    fn needs(&self, needs: &[Need], share: Option<usize>) -> Vec<String> {
        if needs.is_empty() {
            return vec![self.line("act now", Meaning::Good, "nothing needs you")];
        }
        let names = needs.iter().map(|need| width_of(&need.name));
        let widest = names.max().unwrap_or(0);
        let kept = kept(needs, share.map(|share| share.saturating_sub(1)));
        let left_out = needs.len() - kept.len();
        let mut lines = vec![Meaning::Strong.paint("act now")];
        if left_out > 0 {
            let decisions = |needs: &mut dyn Iterator<Item = &Need>| needs.filter(|need| need.decision).count();
            let shown_by = match decisions(&mut needs.iter()) - decisions(&mut kept.iter().copied()) {
                0 => "revoked alert list",
                all if all == left_out => "revoked hold list",
                _ => "revoked hold list, revoked alert list",
            };
            let more = format!("{INDENT}and {left_out} more: {shown_by}");
            lines.push(Meaning::Waiting.paint(fit(&more, self.room.width)));
        }
        lines.extend(kept.into_iter().map(|need| {
            let meaning = if need.urgent { Meaning::Bad } else { Meaning::Waiting };
            let name = meaning.paint(padded(&need.name, widest));
            let command = fit(&need.command, None);
            let Some(width) = self.room.width else {
                return format!("{INDENT}{name}  {} → {command}", fit(&need.text, None));
            };
            let room = width.saturating_sub(INDENT.len() + widest + GAP);
            let text = room.saturating_sub(width_of(&command) + GAP);
            if text < LEAST_TEXT {
                // What to type says what it is about too.
                return format!("{INDENT}{name}  {}", Meaning::Strong.paint(fit(&command, Some(room))));
            }
            let said = fit_words(&need.text, Some(text));
            format!("{INDENT}{name}  {}  {}", padded(&said, text), Meaning::Strong.paint(command))
        }));
        lines
    }
}

/// What of it there is room for, in its order: what waits for a decision gets half of the room, and what is left of that goes to the most urgent
/// of the rest.
fn kept(needs: &[Need], room: Option<usize>) -> Vec<&Need> {
    let Some(room) = room.filter(|room| *room < needs.len()) else {
        return needs.iter().collect();
    };
    let decisions = needs.iter().filter(|need| need.decision).count();
    let others = (needs.len() - decisions).min(room - decisions.min(room.div_ceil(2)));
    let (mut decisions, mut others) = (room - others, others);
    let mut kept: Vec<&Need> = needs
        .iter()
        .rev()
        .filter(|need| {
            let left = if need.decision { &mut decisions } else { &mut others };
            let fits = *left > 0;
            *left = left.saturating_sub(1);
            fits
        })
        .collect();
    kept.reverse();
    kept
}

/// Whether a target gets a line of its own.
fn is_to_be_told(target: &TargetStatus) -> bool {
    let is_well = matches!(target.state, TargetState::Up | TargetState::Unwatched);
    !is_well || target.lane.oldest.is_some()
}

fn trail(status: &Status, now: Timestamp) -> String {
    let counts = &status.counts;
    let signed = match (counts.signed, counts.signed_at) {
        (Some(size), _) if size < counts.trail => format!("the first {size} of them signed"),
        (Some(_), Some(at)) => format!("all signed, last {}", ago(at, now)),
        (Some(_), None) => "all signed".to_owned(),
        (None, _) => "none signed yet".to_owned(),
    };
    format!("{} entries, {signed}", counts.trail)
}

fn disk(status: &Status) -> String {
    match status.room {
        Some(bytes) if status.disk_full => format!("full, {} KiB are left", bytes / 1024),
        Some(bytes) if bytes >= 10 << 30 => format!("{} GiB are left", bytes >> 30),
        Some(bytes) => format!("{} MiB are left", bytes >> 20),
        None => "it cannot be told how much is left".to_owned(),
    }
}

fn disk_meaning(status: &Status) -> Meaning {
    match status.room {
        Some(_) if status.disk_full => Meaning::Bad,
        Some(bytes) if bytes < 256 << 20 => Meaning::Waiting,
        _ => Meaning::Quiet,
    }
}

fn plans(status: &Status, times: &LocalTimes, width: Option<usize>) -> String {
    let cases = i64::try_from(status.planned_cases).unwrap_or(i64::MAX);
    let all = status.counts.planned.saturating_add(cases);
    if all == 0 {
        return "nobody leaves, nothing waits for a day".to_owned();
    }
    let waits = if all == 1 { "waits for its day" } else { "wait for their day" };
    let said = match status.next_plan_at {
        Some(at) => format!("{all} {waits}, next {} ({})", times.time(at), times.away(at)),
        None => format!("{all} {waits}"),
    };
    // Half a command is none.
    let whole = format!("{said}: revoked departures list");
    if width.is_none_or(|width| width_of(&whole) <= width) {
        whole
    } else {
        said
    }
}

/// The answer, in a line.
fn sum(status: &Status, needs: usize, width: Option<usize>) -> String {
    let (meaning, needs) = match needs {
        0 => (Meaning::Good, "nothing needs you".to_owned()),
        1 => (Meaning::Bad, "1 thing needs you".to_owned()),
        needs => (Meaning::Bad, format!("{needs} things need you")),
    };
    let work = match status.at_work {
        0 => "nothing at work".to_owned(),
        1 => "1 case at work".to_owned(),
        cases => format!("{cases} cases at work"),
    };
    let daemon = if status.daemon_running {
        "daemon running"
    } else {
        "daemon not running"
    };
    meaning.paint(fit(&format!("{needs} · {work} · {daemon}"), width))
}

/// The same without colours, for a line in a pipe.
pub(super) fn plain_sum(status: &Status, needs: usize) -> String {
    anstream::adapter::strip_str(&sum(status, needs, None)).to_string()
}

/// How long ago.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    LocalTimes::at(now).away(at)
}

#[cfg(test)]
mod tests {
    use super::{Need, kept, shares};
    use crate::model::Timestamp;

    #[test]
    fn however_much_there_is_what_waits_for_a_decision_is_shown() {
        let need = |number: i64, decision: bool| Need {
            name: number.to_string(),
            cause: number.to_string(),
            number,
            text: String::new(),
            command: String::new(),
            urgent: !decision,
            decision,
            at: Timestamp::from_ms(number),
        };
        let shown = |decisions: i64, others: i64, room: usize| -> Vec<i64> {
            let needs: Vec<Need> = (1..=decisions + others).map(|n| need(n, n <= decisions)).collect();
            kept(&needs, Some(room)).iter().map(|need| need.number).collect()
        };
        assert_eq!(shown(2, 30, 6), [1, 2, 29, 30, 31, 32]);
        assert_eq!(shown(9, 9, 5), [7, 8, 9, 17, 18]);
        assert_eq!(shown(9, 1, 5), [6, 7, 8, 9, 10]);
        assert_eq!(shown(1, 1, 9), [1, 2]);
        assert_eq!(shown(1, 1, 0), [0; 0]);
    }

    #[test]
    fn what_needs_somebody_gets_the_room_that_there_is_and_each_list_a_line() {
        // Ten needs, a case, two targets beside the idle ones, no troubled source beside the well: 23 lines are enough for all.
        assert_eq!(shares(Some(23), [(10, 0), (1, 0), (2, 1), (0, 1)]), [None; 4]);
        // 4 always, 2 beside; 17 are left for 30 needs, of which a line goes to the work and one to the targets.
        assert_eq!(
            shares(Some(23), [(30, 0), (9, 0), (2, 1), (0, 1)]),
            [Some(15), Some(1), Some(1), None]
        );
        assert_eq!(shares(None, [(30, 0), (9, 0)]), [None; 2]);
        // However small it is, each says that there is something.
        assert_eq!(shares(Some(3), [(5, 0), (2, 0)]), [Some(1), Some(1)]);
    }
}
