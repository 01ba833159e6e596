//! Sets and clears faults on a running sandbox: of single calls, of a node, of the replica, of the database.

use std::collections::VecDeque;
use std::sync::MutexGuard;
use std::time::Duration;

use super::faults::Fault;
use super::replica::Replica;
use super::state::State;

/// Faults of the server as a whole, and the list of [`Fault`]s: a lock on a running sandbox.
pub struct Faults<'a>(pub(super) MutexGuard<'a, State>);

impl Faults<'_> {
    /// Adds a fault; of several that fit a call, the first one added counts.
    pub fn add(&mut self, fault: Fault) {
        self.0.faults.push(fault);
    }

    /// Takes away all faults, of calls and of the server.
    pub fn clear(&mut self) {
        self.0.clear_faults();
    }

    /// Faults that have calls left.
    #[must_use]
    pub fn pending(&self) -> &[Fault] {
        &self.0.faults
    }

    /// Stops or starts the database: cached sessions go on, uncached ones get 401, everything else fails.
    pub fn database_down(&mut self, down: bool) {
        self.0.database_down = down;
    }

    /// Whether a node misses the cluster's messages, so that its session cache goes stale.
    pub fn deafen(&mut self, node: usize, deaf: bool) {
        if let Some(node) = self.0.nodes.get_mut(node) {
            node.deaf = deaf;
        }
    }

    /// Reads stand still from now on.
    pub fn freeze_replica(&mut self) {
        self.0.replica = Replica::Frozen(Box::new(self.0.world.clone()));
    }

    /// Reads lag by so much from now on.
    pub fn lag_replica(&mut self, by: Duration) {
        self.0.replica = Replica::Lagging {
            by,
            before: VecDeque::new(),
        };
    }

    /// Reads are in step again.
    pub fn release_replica(&mut self) {
        self.0.replica = Replica::Live;
    }
}
