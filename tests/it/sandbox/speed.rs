//! Large worlds: benchmarks start with one of these, so that it must not be what they measure.

use std::time::Duration;

use revoked_sandbox::{Options, World};
use tokio::time::Instant;

use super::test_server::TestServer;

/// A release build makes a fixture of 100,000 in under a second, and looks somebody up in less than a millisecond; unoptimised code on a busy
/// machine is given far more for a fifth of it. Whoever searched all the people for each would take longer still.
const GENEROUS: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_large_fixture_is_built_and_searched_quickly() {
    let start = Instant::now();
    let world = World::fixture(1, 20_000);
    let built = start.elapsed();
    println!("built in {built:?}");
    assert!(built < GENEROUS, "{built:?}");
    assert!(world.population() > 20_000);
    let server = TestServer::with(world, Options::default()).await;
    let start = Instant::now();
    for number in (1..=20_000).step_by(200) {
        let path = format!("/api/v4/users/username/user{number:05}");
        assert_eq!(server.status("GET", &path).await, 200);
    }
    let searched = start.elapsed();
    println!("a hundred look-ups in {searched:?}");
    assert!(searched < GENEROUS, "{searched:?}");
}
