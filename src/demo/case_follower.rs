//! Follows the store while the daemon works, and tells what changes: the same rows that `case list` and `case show` read.

use std::collections::BTreeSet;
use std::time::Duration;

use super::intruder::Intruder;
use super::people::{DemoPerson, People};
use super::{Progress, ProgressSender};
use crate::model::{Evidence, Timestamp};
use crate::store::{CaseView, JobView, ListFilter, Store};

/// How often the store is looked at.
const EVERY: Duration = Duration::from_millis(25);
/// How often each stolen thing must have been tried after containment before the intruder may give up.
pub(super) const TRIES: usize = 15;

/// Reads the cases again and again, and tells what is new.
pub(super) struct CaseFollower<'a> {
    store: Store,
    people: &'a People,
    progress: &'a ProgressSender,
    told: BTreeSet<(i64, &'static str)>,
}

impl<'a> CaseFollower<'a> {
    pub(super) fn new(store: Store, people: &'a People, progress: &'a ProgressSender) -> Self {
        Self {
            store,
            people,
            progress,
            told: BTreeSet::new(),
        }
    }

    /// Returns once every case that is due is over, the victim was looked at again by the first sweep, and the intruder has tried often
    /// enough since. It has no limit of its own.
    pub(super) async fn follow(&mut self, intruder: &Intruder) {
        loop {
            match self.look().await {
                Ok(Some(contained_at)) if intruder.least_used_since(contained_at) >= TRIES => return,
                Ok(_) => {}
                Err(error) => self.progress.line(format!("the store cannot be read: {error}")),
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Tells what is new; when the victim was contained, once everything that is awaited has come.
    async fn look(&mut self) -> Result<Option<Timestamp>, crate::store::StoreError> {
        let cases = self
            .store
            .cases(&ListFilter {
                limit: 200,
                ..ListFilter::default()
            })
            .await?;
        let mut over = 0;
        let mut contained_at = None;
        let mut swept = false;
        // Oldest first, as they came.
        for case in cases.iter().rev() {
            self.tell(case).await?;
            if case.state != "closed" {
                continue;
            }
            over += 1;
            if is_about(case, &self.people.victim) {
                contained_at = case.contained_at;
                swept = self.sweep(case).await?;
            }
        }
        let all = self.people.cases();
        if self.told.insert((i64::try_from(over).unwrap_or_default(), "over")) {
            self.progress.send(Progress::Cases { over, all });
        }
        Ok(contained_at.filter(|_| swept && over >= all))
    }

    async fn tell(&mut self, case: &CaseView) -> Result<(), crate::store::StoreError> {
        let whom = case.subject.as_deref().unwrap_or("somebody");
        if case.state == "held" && self.told.insert((case.id, "held")) {
            self.progress.line(format!("case {}: {whom} is held for a human", case.id));
        }
        if let Some(first) = case.first_revoke_at
            && is_about(case, &self.people.victim)
            && self.told.insert((case.id, "first"))
        {
            self.progress.line(format!(
                "case {}: the first revocation is through {} ms after the signal",
                case.id,
                first.since(case.received_at).as_millis()
            ));
        }
        if case.state == "closed" && self.told.insert((case.id, "closed")) {
            let jobs = self.jobs(case.id).await?;
            let evidence = jobs
                .iter()
                .filter(|job| job.kind == "contain")
                .find_map(|job| job.evidence.as_ref());
            let after = case.contained_at.map_or_else(String::new, |at| {
                format!(" {} ms after the signal", at.since(case.received_at).as_millis())
            });
            self.progress.line(format!(
                "case {}: {whom} ({}): {}{after}{}",
                case.id,
                case.reason,
                case.verdict.as_deref().unwrap_or("no verdict"),
                evidence.map_or_else(String::new, |evidence| format!("; {}", counted(evidence)))
            ));
        }
        Ok(())
    }

    /// Whether the first sweep is over; tells of it.
    async fn sweep(&mut self, case: &CaseView) -> Result<bool, crate::store::StoreError> {
        if self.told.contains(&(case.id, "swept")) {
            return Ok(true);
        }
        let jobs = self.jobs(case.id).await?;
        let Some(sweep) = jobs.iter().find(|job| job.kind == "watch" && job.finished_at.is_some()) else {
            return Ok(false);
        };
        self.told.insert((case.id, "swept"));
        let found: usize = sweep.evidence.as_ref().map_or(0, |evidence| evidence.before.values().sum());
        self.progress.line(format!(
            "case {}: the first sweep looks again: {}",
            case.id,
            if found == 0 {
                "nothing has come back".to_owned()
            } else {
                format!("{found} grants had come back")
            }
        ));
        Ok(true)
    }

    async fn jobs(&self, case: i64) -> Result<Vec<JobView>, crate::store::StoreError> {
        let jobs = self
            .store
            .jobs(&ListFilter {
                case: Some(case),
                limit: 100,
                ..ListFilter::default()
            })
            .await?;
        Ok(jobs.rows)
    }
}

fn is_about(case: &CaseView, who: &DemoPerson) -> bool {
    case.subject.as_deref() == Some(&format!("email:{}", who.email))
}

/// `5 session -> 0, 1 access_token -> 0`, of the kinds that were there.
fn counted(evidence: &Evidence) -> String {
    let kinds: Vec<String> = evidence
        .before
        .iter()
        .filter(|(_, before)| **before > 0)
        .map(|(kind, before)| format!("{kind} {before} -> {}", evidence.after.get(kind).copied().unwrap_or_default()))
        .collect();
    let mut text = if kinds.is_empty() {
        "nothing was there".to_owned()
    } else {
        kinds.join(", ")
    };
    if evidence.suspended.1 {
        text.push_str(", the account is suspended");
    }
    if evidence.refused_at.is_some() {
        text.push_str(", the credential itself is refused");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use crate::model::GrantKind;

    #[test]
    fn evidence_is_told_by_what_was_there() {
        let mut evidence = Evidence::default();
        assert_eq!(counted(&evidence), "nothing was there");
        evidence.before = BTreeMap::from([(GrantKind::Session, 3), (GrantKind::Bot, 0)]);
        evidence.after = BTreeMap::from([(GrantKind::Session, 0)]);
        evidence.suspended = (false, true);
        assert_eq!(counted(&evidence), "session 3 -> 0, the account is suspended");
    }
}
