//! A message in lines, for people: the same for mail and for chats, which make each part harmless in their own way.

use super::{Told, ToldAlert};

/// How many alerts a message shows; of the others it says how many there are.
const SHOWN: usize = 10;

/// How each part of a message is written.
pub(super) struct Writing {
    /// A text that others may have written.
    pub(super) text: fn(&str) -> String,
    /// A command to type.
    pub(super) command: fn(&str) -> String,
    /// An address of ours.
    pub(super) link: fn(&str) -> String,
}

/// One line that says what it is about.
pub(super) fn subject(told: &Told, writing: &Writing) -> String {
    if let Some(only) = told.only() {
        return format!(
            "{}: {}",
            (writing.text)(&only.head()),
            (writing.text)(&short(&only.summary, 150))
        );
    }
    let urgent = if told.is_urgent() { "URGENT " } else { "" };
    format!("{urgent}{} messages: {}", told.count, (writing.text)(&kinds(told)))
}

/// The lines below it.
pub(super) fn lines(told: &Told, writing: &Writing) -> Vec<String> {
    let mut lines = Vec::new();
    for (n, alert) in told.alerts.iter().take(SHOWN).enumerate() {
        if n > 0 {
            lines.push(String::new());
        }
        lines.extend(of_one(alert, writing));
    }
    let shown = u64::try_from(told.alerts.len().min(SHOWN)).unwrap_or(u64::MAX);
    if told.count > shown {
        lines.push(String::new());
        let more = (writing.text)(&format!("and {} more.", told.count - shown));
        lines.push(format!("{more} {}", (writing.command)("revoked alert list")));
    }
    lines
}

fn of_one(alert: &ToldAlert, writing: &Writing) -> Vec<String> {
    let text = writing.text;
    let mut lines = vec![format!("{}: {}", text(&alert.head()), text(&short(&alert.summary, 1000)))];
    let mut about = Vec::new();
    if let Some(subject) = &alert.subject {
        about.push(text(&short(subject, 300)));
    }
    if let Some(target) = &alert.target {
        about.push(format!("{} {}", text("target"), text(target)));
    }
    if let Some(case) = alert.case {
        about.push(text(&format!("case {case}")));
    }
    about.push(text(&format!("since {}", alert.raised_at)));
    if alert.times > 1 {
        about.push(text(&format!("{} times", alert.times)));
    }
    if let Some(by) = &alert.acknowledged_by {
        about.push(text(&format!("looked after by {by}")));
    }
    lines.push(about.join(" · "));
    lines.push((writing.command)(&alert.next));
    lines.extend(alert.link.as_deref().map(writing.link));
    lines
}

fn kinds(told: &Told) -> String {
    let mut kinds: Vec<_> = told.kinds.iter().collect();
    kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(**count), (*kind).clone()));
    let first: Vec<String> = kinds.iter().take(4).map(|(kind, count)| format!("{count} {kind}")).collect();
    let more = if kinds.len() > first.len() { ", …" } else { "" };
    format!("{}{more}", first.join(", "))
}

/// The beginning of a text.
pub(super) fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
