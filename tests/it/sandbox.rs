//! The sandbox where no recording reaches: its faults, its nodes and replica, newer versions, and how fast it is.

mod faults;
mod nodes;
mod speed;
mod test_server;
mod versions;

use revoked::clock::Clock;

/// The clock of a sandbox whose hands are those of `clock`.
pub(crate) fn clock_of(clock: &Clock) -> revoked_sandbox::Clock {
    let clock = clock.clone();
    revoked_sandbox::Clock::new(move || clock.now().ms())
}
