//! The read replica: what the server's reads see when it is behind.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::world::World;

/// Where reads are answered from. Every copy is of the whole world, so this is for small worlds.
#[derive(Debug, Clone, Default)]
pub(super) enum Replica {
    /// In step with the primary.
    #[default]
    Live,
    /// Stands still until it is released.
    Frozen(Box<World>),
    /// Behind by a fixed time: the world as it was before each change, with the time of that change.
    Lagging {
        by: Duration,
        before: VecDeque<(Instant, World)>,
    },
}

impl Replica {
    /// Remembers the world as it is before a change, where that will be needed.
    pub(super) fn before_change(&mut self, world: &World, now: Instant) {
        if let Self::Lagging { by, before } = self {
            // A change that the replica has caught up with is never read again.
            while before.front().is_some_and(|(at, _)| *at + *by <= now) {
                before.pop_front();
            }
            before.push_back((now, world.clone()));
        }
    }

    /// The world as the replica shows it at `now`.
    pub(super) fn read<'a>(&'a self, world: &'a World, now: Instant) -> &'a World {
        match self {
            Self::Live => world,
            Self::Frozen(copy) => copy,
            Self::Lagging { by, before } => before.iter().find(|(at, _)| *at + *by > now).map_or(world, |(_, copy)| copy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lagging_replica_shows_each_change_late() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut world = World::empty(1);
        let mut replica = Replica::Lagging {
            by: Duration::from_millis(100),
            before: VecDeque::new(),
        };
        for (ms, name) in [(0, "one"), (50, "two")] {
            replica.before_change(&world, at(ms));
            world.add_person(super::super::world::NewPerson::named(name), 0);
        }
        let seen = |ms| replica.read(&world, at(ms)).population();
        assert_eq!([seen(60), seen(99), seen(100), seen(149), seen(150)], [0, 0, 1, 1, 2]);
    }
}
