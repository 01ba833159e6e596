//! Whole lanes against the Mattermost stand-in over real HTTP.

use std::sync::Arc;
use std::time::Duration;

use revoked::backoff::Retries;
use revoked::clock::Clock;
use revoked::model::{GrantKind, Scope, Verdict};
use revoked::settings::Settings;
use revoked::targets::mattermost::KIND;
use revoked::targets::{Target, TargetRole};
use revoked::worker::{LaneSettings, Lanes, Rate, WorkSettings};
use revoked_sandbox::world::{Browser, SessionKind};
use revoked_sandbox::{Effect, Fault, Options, RateSettings, Sandbox, World};

use super::harness::{Harness, ROUTINE, URGENT, everything, open_account, quick};
use crate::wait::BOUND;

const REVOKE_ALL: &str = "/api/v4/users/*/sessions/revoke/all";

/// A town, and the target that the config would build for it.
pub(crate) struct SandboxFixture {
    pub(crate) sandbox: Sandbox,
    pub(crate) target: Arc<dyn Target>,
    _folder: tempfile::TempDir,
}

async fn fixture(options: Options) -> SandboxFixture {
    fixture_of(World::fixture(7, 12), options).await
}

/// A world on the network.
pub(crate) async fn fixture_of(mut world: World, options: Options) -> SandboxFixture {
    let token = world.operator_token().unwrap();
    // The town's own sessions may have run out by the day of the test.
    let people: Vec<_> = world.people().map(|person| person.id).collect();
    for person in people {
        world.open_session(person, SessionKind::Login(Browser::web()), Clock::system().now().ms());
    }
    let sandbox = Sandbox::start(world, options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, token.to_string()).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let text = format!("url = \"{}\"\ntoken = {{ file = \"{}\" }}\n", sandbox.url(), file.display());
    let table = toml::de::DeTable::parse(&text).unwrap();
    let target = (KIND.build)(&Settings { name: "chat", table }, &Clock::system());
    SandboxFixture {
        sandbox,
        target: target.unwrap_or_else(|complaints| panic!("{complaints:?}")),
        _folder: folder,
    }
}

pub(crate) async fn lanes(harness: &Harness, fixture: &SandboxFixture, rate: f64) -> Lanes {
    lanes_with(harness, fixture, rate, quick()).await
}

async fn lanes_with(harness: &Harness, fixture: &SandboxFixture, rate: f64, work: WorkSettings) -> Lanes {
    let lane = LaneSettings {
        role: TargetRole::Application,
        name: "chat".to_owned(),
        target: Arc::clone(&fixture.target),
        rate: Rate::per_second(rate).unwrap(),
        burst: 0,
        concurrency: 4,
    };
    let guard = Arc::new(harness.policy.clone());
    Lanes::start(&harness.store, vec![lane], guard, work, harness.shutdown.clone())
        .await
        .unwrap()
}

/// What a person still holds: sessions, access tokens, OAuth grants.
fn held(sandbox: &Sandbox, username: &str) -> (usize, usize, usize) {
    let world = sandbox.world();
    let person = world.person(username).unwrap().id;
    (
        world.sessions_of(person).len(),
        world.tokens_of(person).count(),
        world.grants().filter(|grant| grant.person == person).count(),
    )
}

#[tokio::test]
async fn whoever_holds_everything_is_contained_with_proof() {
    let harness = Harness::demanding(everything()).await;
    let fixture = fixture(Options::default()).await;
    lanes(&harness, &fixture, 1000.0).await;
    assert_ne!(held(&fixture.sandbox, "user01"), (0, 0, 0));
    let case = harness.signal("email:user01@example.test", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!(job.verdict, Some(Verdict::Contained), "{:?}", job.error);
    assert_eq!(held(&fixture.sandbox, "user01"), (0, 0, 0));
    assert!(!fixture.sandbox.world().person("user01").unwrap().is_active());
    let evidence = job.evidence.unwrap();
    assert_eq!(evidence.after.values().sum::<usize>(), 0, "{:?}", evidence.after);
    assert!(evidence.before[&GrantKind::Session] >= 1 && evidence.before[&GrantKind::AccessToken] == 1);
    assert!(!evidence.requests.is_empty() && !evidence.not_covered.is_empty());
    let actions = harness.detail(case).await.actions;
    assert!(
        actions
            .iter()
            .all(|action| action.outcome.as_deref() == Some("done") || action.outcome.as_deref() == Some("already"))
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_server_that_answers_ok_and_does_nothing_gets_failed() {
    let harness = Harness::demanding(open_account()).await;
    let fixture = fixture(Options::default()).await;
    fixture
        .sandbox
        .faults()
        .add(Fault::on("POST", "/api/v4/users/**", Effect::Nothing));
    lanes(&harness, &fixture, 1000.0).await;
    let case = harness.signal("username:user02", URGENT).await;
    let job = harness.over(case).await;
    assert!(
        matches!(&job.verdict, Some(Verdict::Failed { why }) if why.contains("session")),
        "{job:?}"
    );
    assert_ne!(held(&fixture.sandbox, "user02").0, 0);
    harness.stop().await;
}

#[tokio::test]
async fn a_session_opened_while_the_others_end_is_ended_too() {
    let harness = Harness::demanding(open_account()).await;
    let fixture = fixture(Options {
        latency: Duration::from_millis(5),
        ..Options::default()
    })
    .await;
    lanes(&harness, &fixture, 1000.0).await;
    let case = harness.signal("username:user02", URGENT).await;
    let back = fixture
        .sandbox
        .until(|_, requests| requests.iter().any(|seen| seen.is("POST", "/sessions/revoke/all")));
    tokio::time::timeout(BOUND, back).await.unwrap();
    {
        let mut world = fixture.sandbox.world();
        let person = world.person("user02").unwrap().id;
        world.open_session(person, SessionKind::Login(Browser::web()), Clock::system().now().ms());
    }
    assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    assert_eq!(held(&fixture.sandbox, "user02").0, 0);
    harness.stop().await;
}

#[tokio::test]
async fn a_replica_that_lags_does_not_spoil_the_verdict() {
    let harness = Harness::demanding(open_account()).await;
    let fixture = fixture(Options::default()).await;
    fixture.sandbox.faults().lag_replica(Duration::from_millis(30));
    lanes(&harness, &fixture, 1000.0).await;
    let case = harness.signal("username:user02", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!(job.verdict, Some(Verdict::Contained), "{:?}", job.error);
    harness.stop().await;
}

#[tokio::test]
async fn the_three_seed_operations_end_exactly_their_grant() {
    let harness = Harness::demanding(everything()).await;
    let fixture = fixture(Options::default()).await;
    lanes(&harness, &fixture, 1000.0).await;
    let before = held(&fixture.sandbox, "user01");
    let (session, token) = {
        let world = fixture.sandbox.world();
        let person = world.person("user01").unwrap().id;
        let token = world.tokens_of(person).next().unwrap().id.to_string();
        (world.sessions_by_activity(person)[0].id.to_string(), token)
    };
    for (scope, left) in [
        (Scope::Session(session.clone()), (before.0 - 1, before.1)),
        (Scope::AllSessions, (0, before.1)),
        (Scope::AccessToken(token), (0, before.1 - 1)),
    ] {
        let case = harness.signal_about("username:user01", URGENT, scope.clone()).await;
        let job = harness.over(case).await;
        assert_eq!(job.verdict, Some(Verdict::Contained), "{scope:?}: {:?}", job.error);
        let held = held(&fixture.sandbox, "user01");
        assert_eq!((held.0, held.1), left, "{scope:?}");
    }
    let case = harness.signal_about("username:user01", URGENT, Scope::Session(session)).await;
    assert!(matches!(harness.over(case).await.verdict, Some(Verdict::NoPrincipal { .. })));
    assert!(fixture.sandbox.world().person("user01").unwrap().is_active());
    harness.stop().await;
}

#[tokio::test]
async fn a_server_error_in_the_middle_is_overcome() {
    let harness = Harness::demanding(open_account()).await;
    let fixture = fixture(Options::default()).await;
    fixture
        .sandbox
        .faults()
        .add(Fault::on("POST", REVOKE_ALL, Effect::Status(500)).times(2));
    fixture
        .sandbox
        .faults()
        .add(Fault::on("GET", "/api/v4/users/*/sessions", Effect::Reset).times(1));
    fixture
        .sandbox
        .faults()
        .add(Fault::on("GET", "/api/v4/users/*/tokens", Effect::Truncated).times(1));
    lanes(&harness, &fixture, 1000.0).await;
    let case = harness.signal("username:user04", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!(job.verdict, Some(Verdict::Contained), "{:?}", job.error);
    assert_eq!(held(&fixture.sandbox, "user04"), (0, 0, 0));
    harness.stop().await;
}

#[tokio::test]
async fn an_outage_burns_nothing_out() {
    let harness = Harness::demanding(open_account()).await;
    let fixture = fixture(Options::default()).await;
    fixture
        .sandbox
        .faults()
        .add(Fault::on("GET", "/api/v4/**", Effect::Status(502)));
    // As by default: the breaker opens before one job alone has used up its attempts.
    let work = WorkSettings {
        retries: Retries {
            attempts: 8,
            ..quick().retries
        },
        ..quick()
    };
    let lanes = lanes_with(&harness, &fixture, 1000.0, work).await;
    let mut cases = vec![harness.signal("username:user01", URGENT).await];
    for name in ["user02", "user03", "user04", "user05", "user06"] {
        cases.push(harness.signal(&format!("username:{name}"), ROUTINE).await);
    }
    harness
        .until("an open breaker", || async { lanes.status()[0].down.then_some(()) })
        .await;
    let enough = fixture.sandbox.until(|_, requests| requests.len() > 60);
    tokio::time::timeout(BOUND, enough).await.unwrap();
    fixture.sandbox.faults().clear();
    for case in cases {
        let job = harness.over(case).await;
        assert_eq!(job.verdict, Some(Verdict::Contained), "{:?}", job.error);
    }
    harness.stop().await;
}

#[tokio::test]
async fn a_revoked_credential_pauses_the_lane_and_another_resumes_it() {
    let harness = Harness::demanding(open_account()).await;
    let fixture = fixture(Options::default()).await;
    let lanes = lanes(&harness, &fixture, 1000.0).await;
    let first = harness.signal("username:user02", URGENT).await;
    assert_eq!(harness.over(first).await.verdict, Some(Verdict::Contained));
    fixture
        .sandbox
        .faults()
        .add(Fault::on("GET", "/api/v4/**", Effect::Status(401)));
    let second = harness.signal("username:user04", URGENT).await;
    harness.until("a pause", || async { lanes.status()[0].paused.clone() }).await;
    assert_ne!(held(&fixture.sandbox, "user04").0, 0);
    fixture.sandbox.faults().clear();
    lanes.resume("chat").await.unwrap();
    let job = harness.over(second).await;
    assert_eq!((job.verdict, job.attempt), (Some(Verdict::Contained), 1), "{:?}", job.error);
    harness.stop().await;
}

#[tokio::test]
async fn a_server_that_limits_below_our_rate_slows_us_down_and_all_is_done() {
    let harness = Harness::demanding(open_account()).await;
    let fixture = fixture(Options {
        rate: Some(RateSettings {
            per_second: 50,
            burst: 10,
            ..RateSettings::default()
        }),
        ..Options::default()
    })
    .await;
    lanes(&harness, &fixture, 1000.0).await;
    let mut cases = Vec::new();
    for name in ["user01", "user02", "user03"] {
        cases.push(harness.signal(&format!("username:{name}"), URGENT).await);
    }
    for case in cases {
        let job = harness.over(case).await;
        assert_eq!(
            (job.verdict, job.state.as_str()),
            (Some(Verdict::Contained), "done"),
            "{:?}",
            job.error
        );
    }
    harness.stop().await;
}

#[tokio::test]
async fn the_operator_itself_is_left_alone_and_no_approval_is_offered() {
    let harness = Harness::demanding(everything()).await;
    let fixture = fixture(Options::default()).await;
    lanes(&harness, &fixture, 1000.0).await;
    let case = harness.signal("username:revoked-operator", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!(job.state, "failed");
    assert!(job.error.unwrap().contains("the account that revoked itself uses"));
    assert!(fixture.sandbox.world().person("revoked-operator").unwrap().is_active());
    harness.stop().await;
}

#[tokio::test]
async fn one_broken_list_keeps_nobody_in_by_the_others_and_is_no_success() {
    let harness = Harness::demanding(everything()).await;
    let fixture = fixture(Options::default()).await;
    let person = fixture.sandbox.world().person("user01").unwrap().id;
    let tokens = format!("/api/v4/users/{person}/tokens");
    fixture.sandbox.faults().add(Fault::on("GET", &tokens, Effect::Truncated));
    lanes(&harness, &fixture, 1000.0).await;
    let case = harness.signal("email:user01@example.test", URGENT).await;
    let ended = fixture.sandbox.until(|world, _| world.sessions_of(person).is_empty());
    tokio::time::timeout(BOUND, ended)
        .await
        .expect("the sessions are ended although the tokens cannot be listed");
    assert_ne!(harness.store.case(case).await.unwrap().verdict.as_deref(), Some("contained"));
    assert!(held(&fixture.sandbox, "user01").1 > 0, "the tokens are still there");
    fixture.sandbox.faults().clear();
    let job = harness.over(case).await;
    assert_eq!(job.verdict, Some(Verdict::Contained));
    assert_eq!(held(&fixture.sandbox, "user01"), (0, 0, 0));
}
