//! An entry of the trail in words.

use serde_json::{Map, Value};

use super::words::{Mark, Moment, span, visible};
use crate::model::Timestamp;
use crate::store::TrailRow;
use crate::trail::gist;

/// An entry as a page shows it.
pub(super) struct EntryLine {
    pub(super) seq: u64,
    pub(super) at: Moment,
    pub(super) kind: String,
    pub(super) actor: String,
    pub(super) case: Option<i64>,
    pub(super) hold: Option<i64>,
    pub(super) target: Option<String>,
    pub(super) said: String,
    /// The target's ids of the requests behind it.
    pub(super) requests: String,
    pub(super) mark: Option<Mark>,
    /// The number of the action that it is about.
    pub(super) action: Option<i64>,
    /// That of the job.
    pub(super) job: Option<i64>,
    /// That of the signal.
    pub(super) signal: Option<i64>,
    /// Whom it is about, as the trail says it.
    pub(super) subject_ref: Option<String>,
}

impl EntryLine {
    pub(super) fn new(row: &TrailRow, now: Timestamp) -> Self {
        let entry: Value = serde_json::from_str(&row.body).unwrap_or_default();
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let empty = Map::new();
        let detail = entry.get("detail").and_then(Value::as_object).unwrap_or(&empty);
        let recorded_at = entry.get("at").and_then(Value::as_i64).map(Timestamp::from_ms);
        let kind = text("kind").unwrap_or("unreadable");
        let requests = detail.get("requests").and_then(Value::as_array).into_iter().flatten();
        let requests: Vec<&str> = requests.filter_map(Value::as_str).collect();
        Self {
            seq: row.seq,
            at: Moment::new(recorded_at.unwrap_or(Timestamp::from_ms(0)), now),
            kind: visible(kind),
            actor: visible(text("actor").unwrap_or("unknown")),
            case: entry.get("case").and_then(Value::as_i64),
            hold: detail.get("hold").and_then(Value::as_i64),
            target: detail.get("target").and_then(Value::as_str).map(visible),
            said: if entry.is_null() {
                visible(&row.body)
            } else {
                visible(&said(kind, detail, now))
            },
            requests: visible(&requests.join(" ")),
            mark: mark(kind, detail),
            action: detail.get("action").and_then(Value::as_i64),
            job: entry.get("job").and_then(Value::as_i64),
            signal: detail.get("signal").and_then(Value::as_i64),
            subject_ref: text("subject_ref").map(str::to_owned),
        }
    }
}

/// What happened, in words.
fn said(kind: &str, detail: &Map<String, Value>, now: Timestamp) -> String {
    if kind != "case.contained" {
        return gist(kind, detail, |at| Moment::new(at, now).clock);
    }
    let after = detail.get("received_to_contained_ms").and_then(Value::as_u64);
    let after = after.map(|ms| format!("{} after the signal", span(std::time::Duration::from_millis(ms))));
    after.unwrap_or_default()
}

/// The mark of what stands out.
fn mark(kind: &str, detail: &Map<String, Value>) -> Option<Mark> {
    match kind {
        "case.contained" | "job.settled" => detail.get("verdict").and_then(Value::as_str).map(Mark::new),
        "job.failed" => Some(Mark::new("failed")),
        "hold.placed" => Some(Mark::new("held")),
        "hold.approved" => Some(Mark::new("approved")),
        "hold.rejected" => Some(Mark::new("rejected")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: &str) -> EntryLine {
        let leaf = revoked_trail::leaf_hash(body.as_bytes());
        let row = TrailRow {
            seq: 7,
            body: body.to_owned(),
            leaf,
        };
        EntryLine::new(&row, Timestamp::from_ms(0))
    }

    #[test]
    fn an_entry_says_what_happened_by_whom_and_with_which_requests() {
        let settled = line(
            r#"{"at":0,"kind":"job.settled","actor":"daemon","case":12,"detail":{"target":"chat","says":"contained","verdict":"contained"}}"#,
        );
        assert_eq!(
            (settled.said.as_str(), settled.case, settled.target.as_deref()),
            ("contained", Some(12), Some("chat"))
        );
        assert_eq!(settled.mark.map(|mark| mark.class), Some("contained"));
        let act = line(
            r#"{"at":0,"kind":"action.finished","actor":"daemon","detail":{"action":3,"outcome":"done","requests":["r1","r2"]}}"#,
        );
        assert_eq!(
            (act.said.as_str(), act.requests.as_str(), act.action),
            ("done", "r1 r2", Some(3))
        );
    }

    #[test]
    fn what_is_no_entry_is_shown_as_it_is_and_what_came_from_outside_cannot_turn_it() {
        assert_eq!(line("no json").said, "no json");
        let said = line(r#"{"at":0,"kind":"job.failed","actor":"daemon","detail":{"error":"a\u202e<b>"}}"#).said;
        assert_eq!(said, "a\\u{202e}<b>");
    }
}
