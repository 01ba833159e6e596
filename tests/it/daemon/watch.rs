//! The sweeps after the verdict.

use revoked::sandbox::world::{Browser, SessionKind};

use super::chat::{Holdings, changes};
use super::{Plan, Site};

async fn watched() -> Site {
    Site::new(Plan {
        watch: "[\"1s\", \"4s\"]",
        ..Plan::default()
    })
    .await
}

#[tokio::test]
async fn a_session_that_appears_after_the_verdict_is_ended_again_and_somebody_is_told() {
    let site = watched().await;
    let _running = site.start().await;
    let said = site.revoke("username:user01", "compromised", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let person = Holdings::of(site.chat(), "user01");
    assert!(person.is_out());
    let now = revoked::clock::Clock::system().now().ms();
    site.chat()
        .world()
        .open_session(person.id, SessionKind::Login(Browser::web()), now);
    site.until_count("SELECT count(*) FROM cases WHERE reopened = 1 AND verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user01").is_out());
    assert_eq!(site.alerts().await, ["came_back"]);
    let case = said.json()["case"]["id"].clone();
    let trail = site.trail(&case).await;
    let place = |kind: &str| {
        trail
            .iter()
            .position(|entry| entry == kind)
            .unwrap_or_else(|| panic!("{kind} in {trail:?}"))
    };
    assert!(place("case.contained") < place("case.reopened"));
    assert_eq!(trail.iter().filter(|entry| *entry == "case.contained").count(), 2);
    // The last sweep finds nothing, changes nothing and ends the chain.
    let sent = changes(site.chat()).len();
    site.until_count("SELECT count(*) FROM job WHERE kind = 'watch' AND state = 'done'", 2)
        .await;
    assert_eq!(changes(site.chat()).len(), sent);
    assert_eq!(site.count("SELECT count(*) FROM job").await, 3);
    let detail = site.closed(&case).await;
    assert_eq!(detail["case"]["reopened"], 1);
}

#[tokio::test]
async fn an_account_that_was_enabled_again_is_suspended_again() {
    let site = watched().await;
    let _running = site.start().await;
    let said = site.revoke("username:user02", "departed", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let person = Holdings::of(site.chat(), "user02").id;
    let now = revoked::clock::Clock::system().now().ms();
    site.chat().world().set_active(person, true, now);
    site.until_count("SELECT count(*) FROM cases WHERE reopened = 1 AND verdict = 'contained'", 1)
        .await;
    assert!(!Holdings::of(site.chat(), "user02").active);
    assert_eq!(site.alerts().await, ["came_back"]);
}
