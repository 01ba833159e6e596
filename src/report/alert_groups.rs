//! Alerts of one kind and one cause as one: thirty-five people at whom access came back are a line, and not a screen.

use std::collections::BTreeMap;

use crate::store::{Alert, LISTED_OF_A_KIND};
use crate::wording::{bare, listed};

/// How many people are named.
const NAMED: usize = 3;
/// Numbers on a line that are longer than this tell nobody anything.
const NUMBERS: usize = 12;

/// Alerts that say the same of several: of one kind, at one target, in the same words but for the numbers in them.
#[derive(Debug)]
pub struct AlertGroup<'a> {
    /// The newest of them.
    pub newest: &'a Alert,
    /// All of them, by their numbers.
    alerts: Vec<&'a Alert>,
}

/// The groups of these alerts, each where the newest of it stood; who looks after some of them, or has cleared them, parts them.
pub fn grouped<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> Vec<AlertGroup<'a>> {
    let mut groups: Vec<AlertGroup<'a>> = Vec::new();
    let mut places = BTreeMap::new();
    for alert in alerts {
        let care = (alert.acknowledged_by.as_deref(), alert.acknowledged_note.as_deref());
        let cause = (alert.kind.as_str(), alert.target.as_deref(), without_numbers(&alert.summary));
        let place = *places.entry((cause, care, alert.cleared_by.as_deref())).or_insert_with(|| {
            groups.push(AlertGroup {
                newest: alert,
                alerts: Vec::new(),
            });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.alerts.push(alert);
            if (alert.last_at, alert.id) > (group.newest.last_at, group.newest.id) {
                group.newest = alert;
            }
        }
    }
    for group in &mut groups {
        group.alerts.sort_by_key(|alert| alert.id);
    }
    groups
}

impl AlertGroup<'_> {
    /// The one alert that it is, where it is no more.
    #[must_use]
    pub fn only(&self) -> Option<&Alert> {
        (self.alerts.len() == 1).then_some(self.newest)
    }

    /// What they have in common, in a word that stays while they become more or fewer.
    #[must_use]
    pub fn cause(&self) -> String {
        let target = self.newest.target.as_deref().unwrap_or_default();
        format!("{} {target} {}", self.newest.kind, without_numbers(&self.newest.summary))
    }

    /// The least number.
    #[must_use]
    pub fn first(&self) -> i64 {
        self.alerts.first().map_or(self.newest.id, |alert| alert.id)
    }

    /// `35 alerts`; of more than are listed how many there are at least.
    #[must_use]
    pub fn count(&self) -> String {
        match self.alerts.len() {
            1 => "1 alert".to_owned(),
            count if count >= LISTED_OF_A_KIND => format!("at least {count} alerts"),
            count => format!("{count} alerts"),
        }
    }

    /// `5-39`; the least and the greatest number alone, with dots between them, where all of them would take a line.
    #[must_use]
    pub fn numbers(&self) -> String {
        let numbers: Vec<i64> = self.alerts.iter().map(|alert| alert.id).collect();
        let listed = listed(&numbers);
        match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) if listed.len() > NUMBERS => format!("{first}…{last}"),
            _ => listed,
        }
    }

    /// The first of the people whom they are about, and the target.
    #[must_use]
    pub fn about(&self) -> Option<String> {
        let mut people: Vec<String> = Vec::new();
        for subject in self.alerts.iter().filter_map(|alert| alert.subject.as_deref()) {
            let name = bare(subject);
            if !people.contains(&name) {
                people.push(name);
            }
        }
        if people.len() > NAMED {
            people.truncate(NAMED);
            people.push("…".to_owned());
        }
        let who = people.join(", ");
        match (&self.newest.target, who.is_empty()) {
            (Some(target), true) => Some(format!("target {target}")),
            (Some(target), false) => Some(format!("{who} at {target}")),
            (None, true) => None,
            (None, false) => Some(who),
        }
    }

    /// The command that shows each of them.
    #[must_use]
    pub fn shown_by(&self) -> String {
        format!("revoked alert list --kind {}", self.newest.kind)
    }

    /// The command that acknowledges these, and none that is raised later.
    #[must_use]
    pub fn acknowledged_by(&self) -> String {
        let last = self.alerts.last().map_or(self.newest.id, |alert| alert.id);
        format!("revoked alert ack {}-{last} --kind {}", self.first(), self.newest.kind)
    }
}

/// A sentence with a mark for each word that has a digit: numbers of cases, ids of requests, instants. What stands in quotes is a name, as of a file,
/// and another one is another cause.
fn without_numbers(sentence: &str) -> String {
    let words = sentence.split(' ').map(|word| {
        if !word.contains('"') && word.bytes().any(|byte| byte.is_ascii_digit()) {
            "#"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::without_numbers;

    #[test]
    fn two_sentences_that_differ_by_numbers_alone_are_of_one_cause() {
        assert_eq!(
            without_numbers("case 7: access at chat came back (revoked case show 7)"),
            without_numbers("case 12: access at chat came back (revoked case show 12)")
        );
        assert_ne!(
            without_numbers("case 7 came back at chat"),
            without_numbers("case 7 came back at mail")
        );
    }
}
