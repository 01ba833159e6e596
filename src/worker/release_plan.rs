//! What a release would bring back, at every target that the case has suspended somebody at: rehearsed first, bound by one hash.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Serialize;

use super::reactivation::Reactivation;
use crate::model::{Subject, Timestamp, digest_of};
use crate::store::{OtherDemand, Releasable, ReleaseRequest, Store, StoreError};

/// Whoever can ask targets what enabling accounts again would bring back.
#[async_trait]
pub trait AsksReactivation: Send + Sync {
    /// For each account of `suspensions`, in their order: what would come back, with the names of the account; nothing where it is not suspended as it
    /// was then.
    async fn reactivations(
        &self,
        target: &str,
        suspensions: &BTreeMap<String, Timestamp>,
    ) -> anyhow::Result<Vec<Option<(Reactivation, Vec<Subject>)>>>;
}

/// What would come back to life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ReleasePlan {
    /// The case.
    pub case: i64,
    /// At each target.
    pub targets: Vec<ReleaseAt>,
    /// A hash of all of it: a release is about what was seen.
    pub set: String,
}

/// What would come back at one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ReleaseAt {
    /// The target.
    pub target: String,
    /// The accounts that would be enabled again.
    pub accounts: Vec<Reactivation>,
    /// Other cases that ask for the same suspension.
    pub others: Vec<OtherDemand>,
    #[serde(skip)]
    request: Option<ReleaseRequest>,
}

/// Why nothing can be released.
#[derive(Debug)]
pub enum Unreleasable {
    /// The store does not answer, or there is no such case.
    Store(StoreError),
    /// There is nothing to release, or not any more.
    Refused(String),
    /// A target cannot be asked.
    Unasked(anyhow::Error),
}

impl From<StoreError> for Unreleasable {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl ReleasePlan {
    /// Asks what releasing a case would bring back, at all targets or at `only` one.
    ///
    /// # Errors
    /// Where nothing of it can be released.
    pub async fn of(store: &Store, case: i64, only: Option<&str>, asks: &dyn AsksReactivation) -> Result<Self, Unreleasable> {
        let mut releasable = store.releasable(case).await?;
        releasable.retain(|one| only.is_none_or(|target| target == one.target));
        if releasable.is_empty() {
            let at = only.map_or_else(String::new, |target| format!(" at {target}"));
            return Err(Unreleasable::Refused(match store.case(case).await?.released_at {
                Some(released) => format!("nothing more of case {case} is to be released{at}: it was undone {released} already"),
                None => format!("case {case} has suspended nobody{at} that it could release"),
            }));
        }
        let mut targets = Vec::with_capacity(releasable.len());
        for suspension in releasable {
            targets.push(at(store, case, suspension, asks).await?);
        }
        let sets: Vec<&str> = targets
            .iter()
            .filter_map(|at| Some(at.request.as_ref()?.set.as_str()))
            .collect();
        // One hash for all that is in it: each target is bound to its own in the end.
        let set = match sets.as_slice() {
            [only] if !only.contains(' ') => (*only).to_owned(),
            several => digest_of(&several.join(" "))
                .trim_start_matches("sha256:")
                .chars()
                .take(16)
                .collect(),
        };
        Ok(Self { case, targets, set })
    }

    /// What the store is asked for.
    #[must_use]
    pub fn into_requests(self) -> Vec<ReleaseRequest> {
        self.targets.into_iter().filter_map(|at| at.request).collect()
    }
}

async fn at(store: &Store, case: i64, suspension: Releasable, asks: &dyn AsksReactivation) -> Result<ReleaseAt, Unreleasable> {
    let target = &suspension.target;
    let found = asks
        .reactivations(target, &suspension.suspensions)
        .await
        .map_err(Unreleasable::Unasked)?;
    if found.len() != suspension.suspensions.len() {
        return Err(Unreleasable::Unasked(anyhow::anyhow!(
            "what the case has suspended has changed meanwhile: try again"
        )));
    }
    let (mut accounts, mut names) = (Vec::with_capacity(found.len()), Vec::new());
    for (id, found) in suspension.suspensions.keys().zip(found) {
        let (account, called) = found.ok_or_else(|| {
            Unreleasable::Refused(format!(
                "the account {id} at {target} is not suspended as the case suspended it: somebody has enabled it, or suspended it again, since"
            ))
        })?;
        accounts.push(account);
        names.extend(called);
    }
    let others = store.other_demands(case, &suspension, &names).await?;
    let sets = accounts.iter().map(|account| account.set.clone());
    let set: Vec<String> = sets.chain(others.iter().map(OtherDemand::token)).collect();
    Ok(ReleaseAt {
        target: target.clone(),
        accounts,
        others,
        request: Some(ReleaseRequest {
            set: set.join(" "),
            suspension,
        }),
    })
}
