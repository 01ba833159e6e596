//! What the nodes of a sandbox share, behind one lock.

use super::faults::Fault;
use super::node::Node;
use super::replica::Replica;
use super::request_log::RequestLog;
use super::world::World;
use super::{Id, Ids};

#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) world: World,
    pub(super) replica: Replica,
    pub(super) nodes: Vec<Node>,
    pub(super) faults: Vec<Fault>,
    /// Cached sessions go on, everything else fails.
    pub(super) database_down: bool,
    pub(super) log: RequestLog,
    /// Draws request ids, apart from the world's so that a look at it does not change what it makes next.
    pub(super) request_ids: Ids,
}

impl State {
    /// Tells the whole cluster to forget a person's cached sessions. The node that says so always does.
    pub(super) fn forget_person(&mut self, on: usize, person: Id) {
        for (number, node) in self.nodes.iter_mut().enumerate() {
            if number == on || !node.deaf {
                node.forget_person(person);
            }
        }
    }

    /// Tells the whole cluster to forget every cached session.
    pub(super) fn forget_all(&mut self, on: usize) {
        for (number, node) in self.nodes.iter_mut().enumerate() {
            if number == on || !node.deaf {
                node.forget_all();
            }
        }
    }

    /// Takes away all faults, of calls and of the server.
    pub(super) fn clear_faults(&mut self) {
        self.faults.clear();
        self.database_down = false;
        self.replica = Replica::Live;
        for node in &mut self.nodes {
            node.deaf = false;
        }
    }
}
