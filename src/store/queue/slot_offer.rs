//! Slots that lanes offer for urgent jobs, and the jobs that are born in them: their first reads begin beside the commit that stores them.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::reservation::Claim;
use crate::model::Capabilities;

/// A lane's slot for one urgent job.
#[derive(Debug, Clone)]
pub struct SlotOffer {
    /// The lane's target.
    pub target: String,
    /// What the target can do: see [`crate::model::Containment::certain_action`], whose intent is stored with the job.
    pub able: Arc<Capabilities>,
}

/// What lanes offer to a delivery.
#[derive(Debug, Default)]
pub struct SlotOffers {
    /// One slot for each of these lanes.
    pub slots: Vec<SlotOffer>,
    /// Is told of a job that is born in a slot before it is committed: it may be read for at once, and nothing may be sent for it before
    /// [`Claim::is_committed`]. A job that is not told of here comes with the answer.
    pub born: Option<mpsc::UnboundedSender<Claim>>,
}

/// The jobs that are told of before they are committed.
#[derive(Debug)]
pub(in crate::store) struct Births {
    born: mpsc::UnboundedSender<Claim>,
    /// Dropped unsent where the jobs never came to be.
    commit: watch::Sender<bool>,
    /// Whether any was told of.
    pub(in crate::store) told: bool,
}

impl Births {
    pub(in crate::store) fn new(born: mpsc::UnboundedSender<Claim>) -> Self {
        Self {
            born,
            commit: watch::Sender::new(false),
            told: false,
        }
    }

    /// Tells of these claims before they are committed.
    pub(in crate::store) fn tell(&mut self, claims: impl Iterator<Item = Claim>) {
        for claim in claims {
            let commit = Some(self.commit.subscribe());
            // Whoever has gone away needs no claim: its lease brings the job back.
            drop(self.born.send(Claim { commit, ..claim }));
            self.told = true;
        }
    }

    /// What was told of is committed.
    pub(in crate::store) fn committed(&self) {
        self.commit.send_replace(true);
    }
}
