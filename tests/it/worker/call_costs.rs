//! What a case costs at the target, in calls, by the playbooks as they are built in: the table of docs/targets/mattermost.md.

use std::time::Duration;

use revoked::model::{Containment, Reason, Verdict};
use revoked::policy::Policy;
use revoked_sandbox::{LoggedRequest, Options, World};

use super::harness::Harness;
use super::sandbox::{SandboxFixture, fixture_of, lanes};

/// People of a server with so many teams.
fn world(people: usize, teams: usize) -> World {
    let mut world = World::fixture(7, people);
    for n in 1..teams {
        world.add_team(&format!("Team {n}"), &format!("team-{n}"), 0);
    }
    world
}

fn built_in(reason: Reason) -> Containment {
    Policy::standard(&["chat"]).playbooks[reason.word()]["chat"].clone()
}

/// The playbook of a reason, as it is built in, without its sweeps.
async fn once(reason: Reason) -> Harness {
    Harness::demanding(Containment {
        watch: Vec::new(),
        ..built_in(reason)
    })
    .await
}

/// Has the lane learn who we are, which it asks once in its life.
async fn warm(harness: &Harness, fixture: &SandboxFixture) {
    let nobody = harness.signal("username:nobody-of-this-name", Reason::Departed).await;
    assert!(matches!(
        harness.over(nobody).await.verdict,
        Some(Verdict::NoPrincipal { .. })
    ));
    assert!(fixture.sandbox.request_count() > 0);
}

/// The calls since a number of them.
fn since(fixture: &SandboxFixture, before: u64) -> Vec<LoggedRequest> {
    fixture.sandbox.requests().split_off(usize::try_from(before).unwrap())
}

/// How many calls one person costs alone, and how many of them it took until no session and no token was left.
async fn alone(reason: Reason, username: &str, teams: usize) -> (usize, usize) {
    let harness = once(reason).await;
    let fixture = fixture_of(world(40, teams), Options::default()).await;
    lanes(&harness, &fixture, 500.0).await;
    warm(&harness, &fixture).await;
    let before = fixture.sandbox.request_count();
    let case = harness.signal(&format!("username:{username}"), reason).await;
    let job = harness.over(case).await;
    assert_eq!(job.verdict, Some(Verdict::Contained), "{:?}", job.error);
    let calls = since(&fixture, before);
    harness.stop().await;
    let ends = ["/sessions/revoke/all", "/tokens/revoke"];
    let dead = calls.iter().rposition(|seen| ends.iter().any(|end| seen.is("POST", end)));
    (calls.len(), dead.expect("nothing was ended") + 1)
}

#[tokio::test]
async fn a_departure_alone_costs_twenty_calls_at_most_and_seven_before_every_session_and_token_is_dead() {
    for teams in 1..=5 {
        let (calls, dead) = alone(Reason::Departed, "user13", teams).await;
        assert!(
            calls <= 20 && dead <= 7,
            "{teams} teams: {calls} calls, {dead} of them until all was dead"
        );
    }
}

#[tokio::test]
async fn a_compromise_alone_costs_no_more_than_a_departure_may() {
    for teams in [1, 5] {
        let (calls, dead) = alone(Reason::Compromised, "user13", teams).await;
        assert!(
            calls <= 20 && dead <= 7,
            "{teams} teams: {calls} calls, {dead} of them until all was dead"
        );
    }
}

#[tokio::test]
async fn a_token_of_a_bot_that_went_with_its_owner_costs_no_second_look_at_everything() {
    // Four more than without: the bot's tokens and their end, and after it the bots and the tokens again.
    let (without, _) = alone(Reason::Departed, "user03", 5).await;
    let (with, _) = alone(Reason::Departed, "user33", 5).await;
    assert!(with <= without + 4, "{with} calls, {without} without a bot");
}

#[tokio::test]
async fn leavers_of_a_batch_share_their_readings_and_cost_eleven_calls_each_at_most() {
    const PEOPLE: usize = 60;
    let harness = once(Reason::Departed).await;
    let fixture = fixture_of(world(PEOPLE, 5), Options::default()).await;
    lanes(&harness, &fixture, 200.0).await;
    warm(&harness, &fixture).await;
    let before = fixture.sandbox.request_count();
    // At once, as a file brings them: on a slow disk they would come so far apart that they had little to share.
    let subjects: Vec<String> = (1..=PEOPLE).map(|n| format!("username:user{n:02}")).collect();
    let signals = subjects.iter().map(|subject| harness.signal(subject, Reason::Departed));
    for case in futures_util::future::join_all(signals).await {
        let job = harness.over(case).await;
        assert_eq!(job.verdict, Some(Verdict::Contained), "{:?}", job.error);
    }
    let calls = since(&fixture, before).len();
    assert!(calls <= 11 * PEOPLE, "{calls} calls for {PEOPLE} people");
    harness.stop().await;
}

/// The sweeps of so many leavers, from `first` on: how many calls they took in all.
async fn sweeps(first: usize, people: usize) -> usize {
    let harness = Harness::demanding(Containment {
        watch: vec![3],
        ..built_in(Reason::Departed)
    })
    .await;
    let fixture = fixture_of(world(people.max(20), 1), Options::default()).await;
    lanes(&harness, &fixture, 200.0).await;
    let mut cases = Vec::new();
    for n in first..first + people {
        cases.push(harness.signal(&format!("username:user{n:02}"), Reason::Departed).await);
    }
    for case in &cases {
        harness
            .until("a verdict", || async {
                harness.jobs(*case).await.pop().filter(|job| job.state == "done")
            })
            .await;
    }
    let before = fixture.sandbox.request_count();
    let watched = cases.len();
    harness
        .until("every sweep", || async {
            let mut over = 0;
            for case in &cases {
                over += harness
                    .jobs(*case)
                    .await
                    .iter()
                    .filter(|job| job.kind == "watch" && job.state == "done")
                    .count();
            }
            (over == watched).then_some(())
        })
        .await;
    let calls = since(&fixture, before);
    assert!(
        calls.iter().all(|seen| seen.method == "GET" || seen.is("POST", "/users/ids")),
        "a sweep changed something"
    );
    harness.stop().await;
    calls.len()
}

#[tokio::test]
async fn a_sweep_alone_costs_ten_calls_at_most() {
    let calls = sweeps(13, 1).await;
    assert!(calls <= 10, "{calls} calls");
}

#[tokio::test]
async fn sweeps_of_a_batch_share_their_readings_and_cost_four_calls_each_at_most() {
    let calls = sweeps(1, 40).await;
    assert!(calls <= 4 * 40, "{calls} calls for 40 sweeps");
}

#[tokio::test]
async fn the_last_of_twenty_who_are_compromised_at_once_is_cut_off_before_anybody_is_looked_at_in_depth() {
    const PEOPLE: usize = 20;
    let harness = once(Reason::Compromised).await;
    let fixture = fixture_of(
        world(PEOPLE, 5),
        Options {
            // Slower than the signals come in, so that all twenty compete.
            latency: Duration::from_millis(5),
            ..Options::default()
        },
    )
    .await;
    let mut cases = Vec::new();
    for n in 1..=PEOPLE {
        cases.push(harness.signal(&format!("username:user{n:02}"), Reason::Compromised).await);
    }
    lanes(&harness, &fixture, 200.0).await;
    for case in cases {
        let job = harness.over(case).await;
        assert_eq!(job.verdict, Some(Verdict::Contained), "{:?}", job.error);
    }
    let calls = fixture.sandbox.requests();
    let ids: Vec<String> = (1..=PEOPLE)
        .map(|n| fixture.sandbox.world().person(&format!("user{n:02}")).unwrap().id.to_string())
        .collect();
    let first_revokes = ids.iter().map(|id| {
        calls
            .iter()
            .position(|seen| seen.method != "GET" && seen.path.contains(id.as_str()))
            .expect("somebody was not cut off")
    });
    let last = first_revokes.max().unwrap() + 1;
    // At ten calls a second: thirteen seconds.
    assert!(last <= 130, "the last first revoke was call {last}");
    harness.stop().await;
}
