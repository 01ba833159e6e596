//! Follows the people of a list together: one line with counts while it lasts, one table and one line at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::shown_set::people;
use crate::cli::Exit;
use crate::cli::batch::{counts as batch_counts, pace};
use crate::cli::case::{interrupted, trouble, waits_longer};
use crate::cli::output::{Cell, LiveLine, LocalTimes, Meaning, bare, coarse, hanging, json_line, line, plain, span, table};
use crate::cli::target::{Obstacle, obstacle_of};
use crate::model::Timestamp;
use crate::store::{CaseBegins, Store, daemon_runs};

/// How often those that are not over are looked at: few often, many less so.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often all of them are counted in between.
const COUNT_EVERY: Duration = Duration::from_millis(500);

/// How one of a list stands.
#[derive(Debug, Clone, Serialize)]
struct Person {
    subject: String,
    /// The request; none of a case that was followed from a hold on.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<i64>,
    /// `stored`, `acting`, `waiting`, `held`, `closed`, `cancelled`, `rejected`.
    state: &'static str,
    case: Option<i64>,
    verdict: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<i64>,
    /// Why it was rejected, or what keeps it from going on.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Since when its case is known, and since when it may be acted on.
    #[serde(skip)]
    begins: Option<CaseBegins>,
    #[serde(skip)]
    contained_at: Option<Timestamp>,
}

impl Person {
    fn new(subject: String, request: Option<i64>, case: Option<i64>) -> Self {
        Self {
            subject,
            request,
            state: if case.is_some() { "acting" } else { "stored" },
            case,
            verdict: None,
            hold: None,
            why: None,
            begins: None,
            contained_at: None,
        }
    }

    /// Whether nothing more comes of it by itself.
    fn is_over(&self) -> bool {
        matches!(self.state, "held" | "closed" | "cancelled" | "rejected")
    }

    /// The word of the counts.
    fn word(&self) -> String {
        match (self.state, self.verdict.as_deref()) {
            ("closed", Some("no_principal")) => "nobody".to_owned(),
            ("closed", Some(verdict)) => verdict.to_owned(),
            ("acting" | "waiting", _) if self.why.is_some() => "waits".to_owned(),
            ("acting", _) => "at work".to_owned(),
            ("waiting", _) => "waits for its time".to_owned(),
            ("stored", _) => "not taken up".to_owned(),
            (state, _) => state.to_owned(),
        }
    }

    fn exit(&self, waited: bool) -> Exit {
        match (self.state, self.verdict.as_deref()) {
            ("held", _) => Exit::Held,
            ("rejected" | "cancelled", _) => Exit::Rejected,
            ("closed", Some(verdict)) if waited => Exit::of_verdict(verdict),
            ("acting" | "waiting" | "stored", _) if waited => Exit::Waiting,
            _ => Exit::Ok,
        }
    }
}

/// The people of a list, and how they stand.
pub(in crate::cli) struct SetProgress {
    people: Vec<Person>,
    /// By what the list is found, where it was asked for as one.
    batch: Option<String>,
    /// When they were asked for, as far as is known before the first case.
    asked_at: Timestamp,
    /// Whether whoever followed them had enough.
    interrupted: bool,
}

impl SetProgress {
    /// Of rows in the inbox, which were written at `asked_at`.
    pub(super) fn of(batch: String, rows: Vec<(i64, String)>, asked_at: Timestamp) -> Self {
        let people = rows
            .into_iter()
            .map(|(request, subject)| Person::new(subject, Some(request), None));
        Self {
            people: people.collect(),
            batch: Some(batch),
            asked_at,
            interrupted: false,
        }
    }

    /// Of cases that go on `now`, each with whom it is about.
    pub(in crate::cli) fn of_cases(cases: impl Iterator<Item = (i64, String)>, now: Timestamp) -> Self {
        let people = cases.map(|(case, subject)| Person::new(subject, None, Some(case)));
        Self {
            people: people.collect(),
            batch: None,
            asked_at: now,
            interrupted: false,
        }
    }

    /// Since when they are at work: since the first signal about one of them, or since the first of them was approved.
    fn since(&self) -> Timestamp {
        let begins = self.people.iter().filter_map(|person| person.begins);
        begins.map(|begins| begins.at).min().unwrap_or(self.asked_at)
    }

    /// For how long they had waited for that, where it was an approval.
    fn waited(&self) -> String {
        let begins = || self.people.iter().filter_map(|person| person.begins);
        let first = begins().min_by_key(|begins| begins.at);
        match (first, begins().map(|begins| begins.received_at).min()) {
            (Some(first), Some(received)) if first.is_by_approval() => {
                format!(" after the approval, {} after the signal", coarse(first.at.since(received)))
            }
            _ => String::new(),
        }
    }

    /// Follows them until all are over, or with `answered` until the daemon has answered; at most until `deadline`. Answers whether whoever
    /// follows has had enough.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(in crate::cli) async fn follow(
        &mut self,
        store: &Store,
        deadline: Instant,
        answered: bool,
        live: &mut LiveLine,
    ) -> anyhow::Result<bool> {
        let mut interrupt = interrupted()?;
        loop {
            let now = store.clock().now();
            let until = now.plus(deadline.saturating_duration_since(Instant::now()));
            let mut open = 0;
            for person in self.people.iter_mut().filter(|person| !person.is_over()) {
                look(store, person).await?;
                if let Some(case) = person.case.filter(|_| person.state == "acting") {
                    let jobs = store.case_progress(case).await?;
                    person.why = jobs.iter().find_map(trouble);
                    if waits_longer(&jobs, until) {
                        person.state = "waiting";
                    }
                }
                let open_still = if answered {
                    person.state == "stored"
                } else {
                    matches!(person.state, "stored" | "acting")
                };
                open += u32::from(open_still);
            }
            let mut text = format!("{} · {}", people(self.people.len()), self.counts_with_causes());
            if self.people.iter().any(|person| person.state == "stored") && !daemon_runs(store.path()) {
                text.push_str(" · the daemon is not running");
            }
            let change = text.clone();
            text.push_str(&self.rate(store).await?);
            live.show(&change, &text, now.since(self.since()));
            if open == 0 || Instant::now() > deadline {
                live.clear();
                return Ok(false);
            }
            let again = Instant::now() + LOOK_EVERY * (1 + open / 20);
            while Instant::now() < again.min(deadline) {
                let until = again.min(Instant::now() + COUNT_EVERY);
                tokio::select! {
                    () = tokio::time::sleep_until(until) => {}
                    _ = interrupt.recv() => {
                        live.clear();
                        self.interrupted = true;
                        return Ok(true);
                    }
                }
                // Of many people one is looked at seldom, and all are counted often.
                if until < again && self.counts_again(store, live).await? {
                    break;
                }
            }
        }
    }

    /// How fast it goes and how long the rest takes, where that is known.
    async fn rate(&self, store: &Store) -> anyhow::Result<String> {
        let Some(batch) = &self.batch else { return Ok(String::new()) };
        let told = store.batch_counts(batch).await?.pace;
        Ok(told.map_or(String::new(), |told| format!(" · {}", pace(&told))))
    }

    /// Shows how many stand how, by the store's own count. Answers whether all have ended, or wait for a decision.
    async fn counts_again(&self, store: &Store, live: &mut LiveLine) -> anyhow::Result<bool> {
        let Some(batch) = &self.batch else { return Ok(false) };
        let progress = store.batch_counts(batch).await?;
        let change = format!("{} · {}", people(self.people.len()), batch_counts(&progress));
        let told = progress.pace.map_or(String::new(), |told| format!(" · {}", pace(&told)));
        live.show(&change, &format!("{change}{told}"), store.clock().now().since(self.since()));
        Ok(progress.new + progress.unfinished - progress.held == 0)
    }

    /// How many stand how: `27 contained, 2 nobody, 1 held`.
    fn counts(&self) -> String {
        counted(self.people.iter().map(Person::word))
    }

    /// The same, with what those wait for that cannot go on: `27 contained, 3 wait: chat does not answer`.
    fn counts_with_causes(&self) -> String {
        counted(self.people.iter().map(|person| match &person.why {
            Some(why) if person.state == "acting" => format!("waits: {}", plain(why)),
            _ => person.word(),
        }))
    }

    /// The worst exit code of them.
    fn exit(&self, waited: bool) -> Exit {
        let exits = self.people.iter().map(|person| person.exit(waited));
        exits.max_by_key(|exit| exit.severity()).unwrap_or(Exit::Ok)
    }

    /// Prints who stands how, and last how many do. `more` is what to type next where the work goes on.
    ///
    /// # Errors
    /// Where the store cannot be read, or standard output not be written.
    pub(in crate::cli) async fn report(&mut self, store: &Store, waited: bool, as_json: bool, more: &str) -> anyhow::Result<Exit> {
        let in_the_way = self.held_up(store).await?;
        let exit = self.exit(waited);
        if as_json {
            for person in &self.people {
                json_line(person)?;
            }
            return Ok(exit);
        }
        if waited {
            let rows = self.people.iter().map(|person| {
                let word = person.word();
                let meaning = match person.exit(true) {
                    Exit::Ok | Exit::VerdictNoPrincipal => Meaning::Good,
                    Exit::VerdictFailed | Exit::Rejected => Meaning::Bad,
                    _ => Meaning::Waiting,
                };
                vec![
                    bare(&person.subject).into(),
                    person.case.map_or_else(|| "-".to_owned(), |case| case.to_string()).into(),
                    Cell::meaning(word, meaning),
                    person.why.clone().unwrap_or_default().into(),
                ]
            });
            let headings: &[&str] = if self.people.iter().any(|person| person.why.is_some()) {
                &["person", "case", "verdict", "why…"]
            } else {
                &["person", "case", "verdict"]
            };
            table(headings, rows.collect(), "nobody")?;
        }
        line(self.sum(store, waited, exit, (more, in_the_way.as_ref())).await?)?;
        Ok(exit)
    }

    /// Says of those on whom nobody is at work what is in the way, and answers the first such thing.
    async fn held_up(&mut self, store: &Store) -> anyhow::Result<Option<Obstacle>> {
        let mut first = None;
        for person in self.people.iter_mut().filter(|person| person.state == "acting") {
            let Some(case) = person.case else { continue };
            if let Some(obstacle) = obstacle_of(store, &store.case_progress(case).await?) {
                person.state = "waiting";
                person.why = Some(obstacle.why.clone());
                first.get_or_insert(obstacle);
            }
        }
        Ok(first)
    }

    async fn sum(
        &self,
        store: &Store,
        waited: bool,
        exit: Exit,
        (more, in_the_way): (&str, Option<&Obstacle>),
    ) -> anyhow::Result<String> {
        let mut holds: Vec<i64> = self.people.iter().filter_map(|person| person.hold).collect();
        holds.sort_unstable();
        holds.dedup();
        let held = self.people.iter().filter(|person| person.state == "held").count();
        let all = people(self.people.len());
        if held == self.people.len()
            && held > 0
            && let [hold] = holds[..]
        {
            let shown = store.hold(hold).await?;
            // What was confirmed is exactly what waits: the next command can be said whole.
            let next = if shown.cases.len() == held {
                let wait = if waited { " --wait" } else { "" };
                format!("revoked hold approve {hold} --set {}{wait}", shown.set)
            } else {
                format!("revoked hold show {hold}")
            };
            hanging(&format!("hold {hold}: {}; nothing was done", plain(&shown.hold.detail)))?;
            return Ok(format!("{} {all} · {next}", Meaning::Waiting.paint("HELD")));
        }
        let mut parts = vec![format!("{all}: {}{}", self.counts(), self.took(store, waited))];
        if !holds.is_empty() {
            let holds: Vec<String> = holds.iter().map(|hold| format!("revoked hold show {hold}")).collect();
            parts.push(holds.join("; "));
        }
        if let Some(due) = self.first_due(store).await? {
            parts.push(format!("the first {due}"));
        }
        if let Some(obstacle) = in_the_way {
            let next = if self.interrupted {
                more.to_owned()
            } else {
                obstacle.next.clone()
            };
            parts.extend([plain(&obstacle.why), next]);
        } else if !more.is_empty() && self.people.iter().any(|person| !person.is_over()) {
            parts.push(more.to_owned());
        }
        let meaning = match exit {
            Exit::Ok if waited => Meaning::Good,
            Exit::Ok => Meaning::Strong,
            Exit::VerdictFailed | Exit::Rejected => Meaning::Bad,
            _ => Meaning::Waiting,
        };
        Ok(meaning.paint(parts.join(" · ")))
    }

    /// How long it took from the first signal, or its approval, to the last proof, which is not how long somebody looked on; or how long it takes already.
    fn took(&self, store: &Store, waited: bool) -> String {
        if !waited {
            return String::new();
        }
        let goes_on =
            |person: &Person| matches!(person.state, "acting" | "stored") || person.state == "waiting" && person.why.is_some();
        if self.people.iter().any(goes_on) {
            return format!(", for {}", span(store.clock().now().since(self.since())));
        }
        let proved = self.people.iter().filter_map(|person| person.contained_at).max();
        proved.map_or(String::new(), |at| {
            format!(" in {}{}", span(at.since(self.since())), self.waited())
        })
    }

    /// When the first of those that wait for their time begins.
    async fn first_due(&self, store: &Store) -> anyhow::Result<Option<String>> {
        let Some(case) = self
            .people
            .iter()
            .find(|person| person.state == "waiting")
            .and_then(|person| person.case)
        else {
            return Ok(None);
        };
        let times = LocalTimes::at(store.clock().now());
        let due = store.case(case).await?.due;
        Ok(due.map(|due| format!("{} ({})", times.time(due), times.away(due))))
    }
}

/// How often each word comes, the most frequent first.
fn counted(words: impl Iterator<Item = String>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let counts: Vec<String> = counts
        .into_iter()
        .map(|(word, count)| match word.strip_prefix("waits") {
            Some(rest) if count > 1 => format!("{count} wait{rest}"),
            _ => format!("{count} {word}"),
        })
        .collect();
    counts.join(", ")
}

/// Looks how one of them stands.
async fn look(store: &Store, person: &mut Person) -> anyhow::Result<()> {
    if let (None, Some(request)) = (person.case, person.request) {
        let answer = store.inbox_answer(request).await?;
        match (answer.state.as_str(), answer.case) {
            ("new", _) => return Ok(()),
            (_, Some(case)) => person.case = Some(case.0),
            _ => {
                person.state = "rejected";
                person.why = answer.why;
                return Ok(());
            }
        }
    }
    let Some(number) = person.case else { return Ok(()) };
    let case = store.case(number).await?;
    person.state = match case.state.as_str() {
        "open" => "acting",
        "held" => "held",
        "closed" => "closed",
        _ => "cancelled",
    };
    person.why = None;
    person.hold = case.hold.filter(|_| case.state == "held");
    person.verdict = case.verdict;
    if person.begins.is_none() && person.state != "held" {
        person.begins = Some(store.case_begins(number).await?);
    }
    person.contained_at = case.contained_at;
    Ok(())
}
