//! Follows the people of a list together: one line with counts while it lasts, one table and one line at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::shown_set::people;
use crate::cli::Exit;
use crate::cli::case::{interrupted, waits_longer};
use crate::cli::output::{Cell, LiveLine, LocalTimes, Meaning, hanging, json_line, line, plain, span, table};
use crate::cli::target::{Obstacle, obstacle_of};
use crate::store::Store;

/// How often those that are not over are looked at: few often, many less so.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How one of a list stands.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Person {
    subject: String,
    request: i64,
    /// `stored`, `acting`, `waiting`, `held`, `closed`, `cancelled`, `rejected`.
    state: &'static str,
    case: Option<i64>,
    verdict: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl Person {
    /// Whether nothing more comes of it by itself.
    fn is_over(&self) -> bool {
        matches!(self.state, "held" | "closed" | "cancelled" | "rejected")
    }

    /// The word of the counts.
    fn word(&self) -> String {
        match (self.state, self.verdict.as_deref()) {
            ("closed", Some("no_principal")) => "nobody".to_owned(),
            ("closed", Some(verdict)) => verdict.to_owned(),
            ("acting", _) => "at work".to_owned(),
            ("waiting", _) if self.why.is_some() => "waits".to_owned(),
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
pub(super) struct SetProgress {
    people: Vec<Person>,
    began: Instant,
}

impl SetProgress {
    /// Of rows in the inbox.
    pub(super) fn of(rows: Vec<(i64, String)>) -> Self {
        let people = rows.into_iter().map(|(request, subject)| Person {
            subject,
            request,
            state: "stored",
            case: None,
            verdict: None,
            hold: None,
            why: None,
        });
        Self {
            people: people.collect(),
            began: Instant::now(),
        }
    }

    /// Follows them until all are over, or with `answered` until the daemon has answered; at most until `deadline`. Answers whether whoever
    /// follows has had enough.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(super) async fn follow(
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
                let waits = match person.case.filter(|_| person.state == "acting") {
                    Some(case) => waits_longer(&store.case_progress(case).await?, until),
                    None => false,
                };
                if waits {
                    person.state = "waiting";
                }
                let open_still = if answered {
                    person.state == "stored"
                } else {
                    matches!(person.state, "stored" | "acting")
                };
                open += u32::from(open_still);
            }
            let text = format!("{} · {}", people(self.people.len()), self.counts());
            live.show(&text, &text, self.began.elapsed());
            if open == 0 || Instant::now() > deadline {
                live.clear();
                return Ok(false);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY * (1 + open / 20)) => {}
                _ = interrupt.recv() => {
                    live.clear();
                    return Ok(true);
                }
            }
        }
    }

    /// How many stand how: `27 contained, 2 nobody, 1 held`.
    fn counts(&self) -> String {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for person in &self.people {
            *counts.entry(person.word()).or_default() += 1;
        }
        let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let counts: Vec<String> = counts.into_iter().map(|(word, count)| format!("{count} {word}")).collect();
        counts.join(", ")
    }

    /// The worst exit code of them.
    pub(super) fn exit(&self, waited: bool) -> Exit {
        let exits = self.people.iter().map(|person| person.exit(waited));
        exits.max_by_key(|exit| exit.severity()).unwrap_or(Exit::Ok)
    }

    /// Prints who stands how, and last how many do. `more` is what to type next where the work goes on.
    ///
    /// # Errors
    /// Where the store cannot be read, or standard output not be written.
    pub(super) async fn report(&mut self, store: &Store, waited: bool, as_json: bool, more: &str) -> anyhow::Result<Exit> {
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
                    person.subject.clone().into(),
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
            if let Some(obstacle) = obstacle_of(store, &store.case_progress(case).await?).await? {
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
                format!("revoked hold approve {hold} --set {}", shown.set)
            } else {
                format!("revoked hold show {hold}")
            };
            hanging(&format!("hold {hold}: {}; nothing was done", plain(&shown.hold.detail)))?;
            return Ok(format!("{} {all} · {next}", Meaning::Waiting.paint("HELD")));
        }
        let took = if waited {
            format!(" in {}", span(self.began.elapsed()))
        } else {
            String::new()
        };
        let mut parts = vec![format!("{all}: {}{took}", self.counts())];
        if !holds.is_empty() {
            let holds: Vec<String> = holds.iter().map(|hold| format!("revoked hold show {hold}")).collect();
            parts.push(holds.join("; "));
        }
        if let Some(due) = self.first_due(store).await? {
            parts.push(format!("the first {due}"));
        }
        if let Some(obstacle) = in_the_way {
            parts.extend([plain(&obstacle.why), obstacle.next.clone()]);
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

/// Looks how one of them stands.
async fn look(store: &Store, person: &mut Person) -> anyhow::Result<()> {
    if person.case.is_none() {
        let answer = store.inbox_answer(person.request).await?;
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
    person.hold = case.hold.filter(|_| case.state == "held");
    person.verdict = case.verdict;
    Ok(())
}
