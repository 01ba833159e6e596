//! What an entry of the trail says happened, in words: for the terminal and the pages alike.

use serde_json::{Map, Value};

use crate::model::{Action, Timestamp};

/// The members that say why, told first.
const REASONS: [&str; 5] = ["reason", "why", "error", "note", "code"];
/// How many further members of an entry are told.
const MOST: usize = 4;

/// Members that say nothing to a person: they stand in the whole entry.
const SILENT: &[&str] = &[
    "target",
    "lease",
    "principal",
    "requests",
    "scope",
    "step",
    "leaves",
    "action",
    "alert",
    "jti",
    "priority",
    "playbook",
    "hold",
    "departure",
    "signal",
    "row",
    "batch",
];

/// What happened, of an entry of this kind with this `detail`; `instant` writes a time as the reader has it.
#[must_use]
pub fn gist(kind: &str, detail: &Map<String, Value>, instant: impl Fn(Timestamp) -> String) -> String {
    let text = |name: &str| detail.get(name).and_then(Value::as_str);
    match kind {
        "job.settled" => text("says").or(text("verdict")).unwrap_or_default().to_owned(),
        "action.started" => detail.get("what").map_or_else(String::new, action),
        "action.finished" => {
            let why = text("why").map_or(String::new(), |why| format!(": {why}"));
            format!("{}{why}", text("outcome").unwrap_or_default().replace('_', " "))
        }
        "observation.recorded" => {
            let grants = detail.get("grants").and_then(Value::as_object).into_iter().flatten();
            let listed = grants.filter(|(_, count)| count.as_i64() != Some(0));
            let counts: Vec<String> = listed
                .map(|(grant, count)| format!("{count} {}", grant.replace('_', " ")))
                .collect();
            if counts.is_empty() {
                "nothing there".to_owned()
            } else {
                counts.join(", ")
            }
        }
        "alert.raised" | "alert.cleared" | "alert.acknowledged" => {
            let number = detail.get("alert").and_then(Value::as_i64);
            let said = [text("kind"), text("key"), text("note")].into_iter().flatten();
            let parts = number.map(|alert| format!("alert {alert}")).into_iter();
            parts.chain(said.map(str::to_owned)).collect::<Vec<_>>().join(" ")
        }
        "job.enqueued" => format!("{} {}", text("for").unwrap_or_default(), text("state").unwrap_or_default()),
        _ => told(detail, instant),
    }
}

/// An action in words, as entries hold it.
#[must_use]
pub fn action(what: &Value) -> String {
    serde_json::from_value::<Action>(what.clone()).map_or_else(|_| what.to_string(), |action| action.to_string())
}

/// The members that say something to a person, the reasons first.
fn told(detail: &Map<String, Value>, instant: impl Fn(Timestamp) -> String) -> String {
    let reasons = REASONS
        .iter()
        .filter_map(|name| detail.get(*name)?.as_str().map(str::to_owned));
    let mut parts: Vec<String> = reasons.collect();
    for (name, value) in detail {
        let is_machine = name.contains("sha256") || name.ends_with("_at") || name.ends_with("_ms");
        if is_machine || REASONS.contains(&name.as_str()) || SILENT.contains(&name.as_str()) || parts.len() >= MOST {
            continue;
        }
        let shown = name.replace('_', " ");
        match value {
            Value::Number(ms) if name == "due" => {
                let at = ms
                    .as_i64()
                    .map_or_else(|| ms.to_string(), |ms| instant(Timestamp::from_ms(ms)));
                parts.push(format!("{shown} {at}"));
            }
            Value::String(text) => parts.push(format!("{shown} {text}")),
            Value::Number(number) => parts.push(format!("{shown} {number}")),
            Value::Bool(true) => parts.push(shown),
            Value::Bool(false) | Value::Null | Value::Array(_) | Value::Object(_) => {}
        }
    }
    parts.join(", ")
}
