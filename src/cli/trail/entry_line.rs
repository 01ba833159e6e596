//! An entry of the trail on one line, in words.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::cli::output::{LocalTimes, Meaning, bare, fit, padded, plain, terminal};
use crate::model::Timestamp;
use crate::trail::gist;

/// The widest kind that others stand in line with.
const KIND: usize = 20;
/// How wide the columns of some entries are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    time: usize,
    kind: usize,
}

impl Widths {
    pub(super) fn of(entries: &[EntryLine], times: &LocalTimes) -> Self {
        Self {
            time: entries.iter().map(|entry| entry.time(times).len()).max().unwrap_or(0),
            kind: entries.iter().map(|entry| entry.kind().len().min(KIND)).max().unwrap_or(0),
        }
    }
}

/// An entry as it is shown.
#[derive(Debug)]
pub(in crate::cli) struct EntryLine {
    seq: u64,
    body: String,
    entry: Option<Map<String, Value>>,
}

impl EntryLine {
    pub(in crate::cli) fn of(seq: u64, body: &str) -> Self {
        Self {
            seq,
            body: body.to_owned(),
            entry: serde_json::from_str(body).ok(),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.entry.as_ref()?.get(name)?.as_str()
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.entry.as_ref()?.get(name)?.as_i64()
    }

    /// What kind of entry it is.
    pub(in crate::cli) fn kind(&self) -> &str {
        self.text("kind").unwrap_or("-")
    }

    /// Its place.
    pub(in crate::cli) const fn seq(&self) -> u64 {
        self.seq
    }

    /// When it was written.
    pub(in crate::cli) fn at(&self) -> Option<Timestamp> {
        self.number("at").map(Timestamp::from_ms)
    }

    /// Its case.
    pub(in crate::cli) fn case(&self) -> Option<i64> {
        self.number("case")
    }

    fn time(&self, times: &LocalTimes) -> String {
        self.number("at")
            .map_or_else(|| "-".to_owned(), |ms| times.time(Timestamp::from_ms(ms)))
    }

    /// Whom it is about.
    pub(in crate::cli) fn subject_ref(&self) -> Option<&str> {
        self.text("subject_ref")
    }

    /// Its place, its time, its kind, whose case it is, what happened, and who did it: on one line of the screen.
    pub(super) fn in_words(&self, times: &LocalTimes, people: &BTreeMap<String, String>, widths: Widths) -> String {
        if self.entry.is_none() {
            return fit(&format!("{:>6}  {}", self.seq, self.body), width());
        }
        let time = self
            .number("at")
            .map_or_else(|| "-".to_owned(), |ms| times.time(Timestamp::from_ms(ms)));
        let head = format!(
            "{:>6}  {}  {}  ",
            self.seq,
            padded(&time, widths.time),
            padded(&plain(self.kind()), widths.kind)
        );
        let rest = width().map(|width| width.saturating_sub(head.chars().count()));
        let text = fit(&self.said(times, people), rest);
        if text.is_empty() {
            return head.trim_end().to_owned();
        }
        self.meaning().map_or_else(
            || format!("{head}{text}"),
            |meaning| format!("{head}{}", meaning.paint(&text)),
        )
    }

    /// The colour of what stands out.
    pub(in crate::cli) fn meaning(&self) -> Option<Meaning> {
        meaning(self.kind(), &self.detail())
    }

    /// Whose case it is, what happened, and who did it.
    pub(in crate::cli) fn said(&self, times: &LocalTimes, people: &BTreeMap<String, String>) -> String {
        let kind = self.kind();
        let mut about = Vec::new();
        if let Some(case) = self.number("case") {
            about.push(format!("case {case}"));
        }
        if let Some(person) = self.subject_ref().and_then(|reference| people.get(reference)) {
            about.push(bare(person));
        }
        let mut parts = Vec::new();
        if !about.is_empty() {
            parts.push(about.join(" "));
        }
        let gist = self.gist(kind, times);
        if !gist.is_empty() {
            parts.push(gist);
        }
        match self.text("actor") {
            None | Some("daemon") => {}
            Some(actor) => parts.push(format!("by {}", actor.replacen(':', " ", 1))),
        }
        parts.join(" · ")
    }

    /// What stands in it beyond its line.
    pub(super) fn rest(&self) -> String {
        let detail = self.entry.as_ref().and_then(|entry| entry.get("detail"));
        let of = |name: &str| self.number(name).map(|number| format!("{name} {number} "));
        let reference = self.subject_ref().map(|reference| format!("subject_ref {reference} "));
        let head: String = [of("job"), reference].into_iter().flatten().collect();
        let detail = detail.map_or_else(|| self.body.clone(), Value::to_string);
        plain(&format!("        {head}{detail}"))
    }

    /// What else it says.
    pub(in crate::cli) fn detail(&self) -> Map<String, Value> {
        let detail = self.entry.as_ref().and_then(|entry| entry.get("detail")?.as_object());
        detail.cloned().unwrap_or_default()
    }

    /// What happened, in words.
    fn gist(&self, kind: &str, times: &LocalTimes) -> String {
        let detail = self.detail();
        let text = |name: &str| detail.get(name).and_then(Value::as_str);
        let number = |name: &str| detail.get(name).and_then(Value::as_i64);
        let said = match kind {
            "case.contained" => {
                let after = number("received_to_contained_ms").and_then(|ms| u64::try_from(ms).ok());
                let after = after.map(|ms| format!(" after {}", crate::cli::output::span(std::time::Duration::from_millis(ms))));
                format!("{}{}", text("verdict").unwrap_or_default(), after.unwrap_or_default())
            }
            _ => gist(kind, &detail, |at| times.time(at)),
        };
        let mut parts = Vec::new();
        for name in ["hold", "departure"] {
            parts.extend(number(name).map(|number| format!("{name} {number}")));
        }
        let target = text("target").map(|target| format!("{target}: ")).unwrap_or_default();
        parts.push(format!("{target}{said}").trim_end_matches([':', ' ']).to_owned());
        parts.retain(|part| !part.is_empty());
        parts.join(" · ")
    }
}

/// The colour of what stands out.
fn meaning(kind: &str, detail: &Map<String, Value>) -> Option<Meaning> {
    match kind {
        "case.contained" | "job.settled" => Some(Meaning::of_verdict(detail.get("verdict")?.as_str()?)),
        "case.reopened" | "job.failed" | "alert.raised" | "action.unknown" | "trail.key_lost" | "lane.breaker_opened" => {
            Some(Meaning::Bad)
        }
        "hold.placed" | "delivery.held" | "job.retried" | "lane.paused" | "file.quarantined" | "delivery.rejected" => {
            Some(Meaning::Waiting)
        }
        "job.claimed" | "job.due" | "observation.recorded" | "job.snoozed" => Some(Meaning::Quiet),
        _ => None,
    }
}

fn width() -> Option<usize> {
    terminal().width.map(usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(body: &str) -> String {
        let people = BTreeMap::from([("s_1".to_owned(), "email:ann@example.org\nusername:ann".to_owned())]);
        let times = LocalTimes::at(Timestamp::from_ms(0));
        let line = EntryLine::of(7, body);
        let widths = Widths::of(std::slice::from_ref(&line), &times);
        let line = line.in_words(&times, &people, widths);
        anstream::adapter::strip_str(&line).to_string()
    }

    #[test]
    fn an_entry_says_whom_it_is_about_what_happened_and_who_did_it() {
        let said = words(
            r#"{"seq":7,"at":0,"kind":"job.settled","actor":"daemon","case":12,"job":3,"subject_ref":"s_1","detail":{"target":"chat","says":"contained","verdict":"contained"}}"#,
        );
        assert!(
            said.ends_with("job.settled  case 12 ann@example.org, ann · chat: contained"),
            "{said}"
        );
        let said = words(
            r#"{"seq":7,"at":0,"kind":"hold.approved","actor":"operator:alice(1000)","detail":{"hold":3,"cases":2,"set":"5f0c","note":"confirmed with HR"}}"#,
        );
        assert!(
            said.ends_with("hold.approved  hold 3 · confirmed with HR, cases 2, set 5f0c · by operator alice(1000)"),
            "{said}"
        );
        let said = words(
            r#"{"seq":7,"at":0,"kind":"action.started","actor":"daemon","case":1,"detail":{"action":1,"target":"chat","what":{"do":"end_all_sessions"}}}"#,
        );
        assert!(said.ends_with("case 1 · chat: end all sessions"), "{said}");
        let said = words(
            r#"{"seq":7,"at":0,"kind":"action.started","actor":"daemon","case":1,"detail":{"action":2,"target":"chat","what":{"do":"end","id":"s1","kind":"session"}}}"#,
        );
        assert!(said.ends_with("case 1 · chat: end session s1"), "{said}");
        let said = words(
            r#"{"seq":7,"at":0,"kind":"observation.recorded","actor":"daemon","detail":{"target":"chat","grants":{"session":4,"access_token":0}}}"#,
        );
        assert!(said.ends_with("chat: 4 session"), "{said}");
    }

    #[test]
    fn what_came_from_outside_moves_no_cursor_and_what_is_no_entry_is_shown_as_it_is() {
        let said = words(r#"{"seq":7,"at":0,"kind":"job.failed","actor":"daemon","detail":{"error":"a\u001b[2J"}}"#);
        assert!(said.ends_with("a\\u{1b}[2J"), "{said}");
        assert_eq!(words("no json"), "     7  no json");
    }
}
