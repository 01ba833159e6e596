//! What the deliveries of a group need to know: repetitions, whose the names are, what is at work about them, and the limits of their sources.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::sqlite::SqliteRow;

use super::hot_mutation::AcceptRequest;
use crate::model::{Disposition, Reason, Subject, Timestamp, When};
use crate::policy::{Class, Mode};
use crate::store::Result;
use crate::store::columns::Columns as _;
use crate::store::identity::resolution::{Link, Links, Members, ResolvedIdentity, read_name};
use crate::store::queue::coalesce::CONTAINED_WINDOW;
use crate::store::queue::decide::RECENT_SIGNALS;
use crate::store::transaction::set_words::{rows_of, values_of};
use crate::store::transaction::statements::Statements;

/// The smallest number that a row of these statements begins with.
pub(super) const FIRST_OF_PEOPLE: i64 = 10;
/// A delivery of more signals is stored with statements of its own.
const MOST_SIGNALS: usize = 512;

/// The signals of `[source, key]` in `$1` that are stored already.
pub(super) const REPEATED: &str = concat!(
    "SELECT 10, s.source, s.key FROM ",
    rows_of!("$1", 0 => "source", 1 => "key"),
    " n CROSS JOIN signal s WHERE s.source = n.source AND s.key = n.key"
);
/// Whom the names in `$1`, and all names of the same people, are linked to at `$2`.
pub(super) const LINKS: &str = concat!(
    "WITH asked AS (SELECT value AS name FROM ",
    values_of!("$1"),
    "), persons AS (SELECT DISTINCT i.person FROM asked a CROSS JOIN identity i WHERE i.name = a.name \
     AND (i.until IS NULL OR i.until > $2)), names AS (SELECT DISTINCT m.name FROM persons p CROSS JOIN identity m \
     WHERE m.person = p.person AND (m.until IS NULL OR m.until > $2)) \
     SELECT 11, l.name, l.person, l.target, l.disputed_at IS NOT NULL AND l.source IS NOT NULL FROM names x \
     CROSS JOIN identity l WHERE l.name = x.name AND (l.until IS NULL OR l.until > $2) ORDER BY l.id"
);
/// The references that stand for the names in `$1` and for all names of the same people.
pub(super) const REFERENCES: &str = concat!(
    "WITH asked AS (SELECT value AS name FROM ",
    values_of!("$1"),
    "), known AS (SELECT name FROM asked UNION SELECT m.name FROM asked a CROSS JOIN identity i CROSS JOIN identity m \
     WHERE i.name = a.name AND m.person = i.person) SELECT 12, p.subject, p.ref FROM known k CROSS JOIN person p \
     WHERE p.subject = k.name"
);
/// Those of the names in `$1` of whose people a case is live, or was closed after `$2`.
pub(super) const BUSY: &str = concat!(
    "WITH asked AS (SELECT value AS name FROM ",
    values_of!("$1"),
    "), known AS (SELECT name AS asked, name FROM asked UNION SELECT a.name, m.name FROM asked a \
     CROSS JOIN identity i CROSS JOIN identity m WHERE i.name = a.name AND m.person = i.person), \
     refs AS (SELECT k.asked, p.ref FROM known k CROSS JOIN person p WHERE p.subject = k.name UNION \
     SELECT k.asked, a.ref FROM known k CROSS JOIN alias a WHERE a.name = k.name) SELECT 13, r.asked FROM refs r \
     CROSS JOIN cases c WHERE c.subject_ref = r.ref AND c.state IN ('open', 'held') UNION SELECT 13, r.asked \
     FROM refs r CROSS JOIN cases c WHERE c.subject_ref = r.ref AND c.closed_at > $2"
);
/// Those of the sources in `$1` whose silence has raised an alert.
pub(super) const ALERTED: &str = concat!(
    "SELECT 15, h.source FROM (SELECT value AS source FROM ",
    values_of!("$1"),
    ") n CROSS JOIN source_health h WHERE h.source = n.source AND h.alerted_at IS NOT NULL"
);
/// Those of the inbox's rows in `$1` that wait, belong to no paused batch, and hold nothing that may be a secret.
pub(super) const INBOX: &str = concat!(
    "SELECT 16, i.id FROM (SELECT value AS id FROM ",
    values_of!("$1"),
    ") n CROSS JOIN inbox i WHERE i.id = n.id AND i.state = 'new' AND i.session IS NULL AND i.access_token IS NULL \
     AND i.leaked IS NULL AND (i.set_key IS NULL OR NOT EXISTS (SELECT 1 FROM batch_pause p WHERE p.set_key = i.set_key))"
);

/// Whether a delivery holds signals to be acted on now, and nothing else.
pub(super) fn is_plain(request: &AcceptRequest) -> bool {
    let delivery = &request.delivery;
    let limits = request.policy.limits_of(&delivery.source);
    // What is compared with more than what is read here, or kept beside it, is done alone.
    let plainly_bound = limits.compromises_per_operator.is_none()
        && request.policy.mode_of(&delivery.source) == Mode::Act
        && !Class::ALL.into_iter().any(|class| limits.has_share(class));
    plainly_bound
        && request.sealed.is_empty()
        && (1..=MOST_SIGNALS).contains(&delivery.signals.len())
        && delivery.name.is_none()
        && delivery.digest.is_none()
        && delivery.cursor.is_none()
        && !delivery.verified
        && delivery.refused.is_empty()
        && delivery.state_changes.is_empty()
        && delivery.identities.is_empty()
        && delivery.active.is_empty()
        && delivery.renamed.is_empty()
        && delivery.employments.is_empty()
        && delivery.alarms.is_empty()
        && (delivery.inbox.is_empty() || delivery.inbox.len() == delivery.signals.len())
        && delivery.signals.iter().all(|signal| {
            signal.when == When::Now
                && signal.disposition == Disposition::Act
                && signal.leaked.is_none()
                && !matches!(signal.reason, Reason::Reactivated | Reason::Noted)
        })
}

/// What is asked about the deliveries of a group.
#[derive(Default)]
pub(super) struct AskedDeliveries {
    keys: Vec<(String, String)>,
    names: BTreeSet<String>,
    /// By source and class: up to where it counts.
    windows: BTreeMap<(String, Class), usize>,
    sources: BTreeSet<String>,
    inbox: Vec<i64>,
}

impl AskedDeliveries {
    pub(super) fn ask(&mut self, request: &AcceptRequest) {
        if !is_plain(request) {
            return;
        }
        let delivery = &request.delivery;
        self.sources.insert(delivery.source.clone());
        self.inbox.extend(&delivery.inbox);
        for signal in &delivery.signals {
            self.keys.push((delivery.source.clone(), signal.key.clone()));
            let said = ResolvedIdentity::said(&signal.subject);
            self.names.extend(said.names().iter().map(Subject::to_string));
            self.names.insert(said.to_string());
            if let Some(class) = Class::of(signal.reason)
                && let Some(limit) = request.policy.limits_of(&delivery.source).within_window(class)
            {
                let counted = self.windows.entry((delivery.source.clone(), class)).or_default();
                *counted = (*counted).max(limit + 1);
            }
        }
    }

    pub(super) fn push_to(self, now: Timestamp, list: &mut Statements) {
        if self.sources.is_empty() {
            return;
        }
        let names = Vec::from_iter(self.names);
        list.push_set(REPEATED, &self.keys);
        list.push_set(LINKS, &names);
        list.bind(now.ms());
        list.push_set(REFERENCES, &names);
        list.push_set(BUSY, &names);
        list.bind(now.minus(CONTAINED_WINDOW).ms());
        for ((source, class), counted) in self.windows {
            let reasons: Vec<&str> = class.reasons().map(Reason::word).collect();
            list.push(&format!("SELECT 14, $1, $5, ({RECENT_SIGNALS})"))
                .bind(source)
                .bind_set(&reasons)
                .bind(now.minus(class.window()).ms())
                .bind(i64::try_from(counted).unwrap_or(i64::MAX))
                .bind(number_of(class));
        }
        list.push_set(ALERTED, &Vec::from_iter(self.sources));
        list.push_set(INBOX, &self.inbox);
    }
}

/// What was read about the deliveries of a group.
#[derive(Default)]
pub(super) struct People {
    /// The source and key of each signal that is stored already, or was decided in this group.
    pub(super) taken_keys: BTreeSet<(String, String)>,
    pub(super) links: Links,
    pub(super) members: Members,
    /// By the canonical form of a subject.
    pub(super) references: BTreeMap<String, String>,
    /// Names about whose people something is at work, or was decided in this group.
    pub(super) busy: BTreeSet<String>,
    pub(super) recent: BTreeMap<(String, Class), usize>,
    pub(super) alerted: BTreeSet<String>,
    pub(super) inbox: BTreeSet<i64>,
}

impl People {
    /// Takes in one row of the statements above.
    pub(super) fn take_in(&mut self, what: i64, row: &SqliteRow) -> Result<()> {
        match what {
            10 => drop(self.taken_keys.insert((row.read(1)?, row.read(2)?))),
            11 => {
                let person = row.read(2)?;
                let link = Link {
                    person,
                    disputed: row.read(4)?,
                };
                let name = (read_name(row, 1)?, row.read(3)?);
                self.links.entry(row.read(1)?).or_default().push(link);
                self.members.entry(person).or_default().push(name);
            }
            12 => drop(self.references.insert(row.read(1)?, row.read(2)?)),
            13 => drop(self.busy.insert(row.read(1)?)),
            14 => {
                let (source, class, count): (String, i64, i64) = (row.read(1)?, row.read(2)?, row.read(3)?);
                let class = Class::ALL.into_iter().find(|known| number_of(*known) == class);
                if let Some(class) = class {
                    self.recent.insert((source, class), usize::try_from(count).unwrap_or(0));
                }
            }
            15 => drop(self.alerted.insert(row.read(1)?)),
            _ => drop(self.inbox.insert(row.read(1)?)),
        }
        Ok(())
    }
}

const fn number_of(class: Class) -> i64 {
    match class {
        Class::Departures => 0,
        Class::Compromises => 1,
    }
}
