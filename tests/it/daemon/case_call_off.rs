//! Calling a case off, whatever of it is still to come.

use revoked_sandbox::{Effect, Fault};

use super::hr_departures::{day, with_hr};
use super::{Installation, InstallationPlan};
use crate::harness::chat_holdings::{Holdings, changes};

async fn watched() -> Installation {
    Installation::new(InstallationPlan {
        watch: "[\"1h\", \"24h\"]",
        policy: "compromises_per_minute = \"unlimited\"\nprotected = [\"email:user02@example.test\"]",
        ..InstallationPlan::default()
    })
    .await
}

#[tokio::test]
async fn the_sweeps_of_a_case_end_and_its_verdict_stays() {
    let site = watched().await;
    let _running = site.start().await;
    let said = site.revoke("username:user04", "departed", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let case = said.json()["case"]["id"].clone();
    let cancelled = site
        .says(&["case", "cancel", &case.to_string(), "--note", "departed by mistake"])
        .await;
    assert_eq!(cancelled.code, 0, "{cancelled:?}");
    let detail = site.closed(&case).await;
    assert_eq!(
        (&detail["case"]["state"], &detail["case"]["verdict"]),
        (&"closed".into(), &"contained".into()),
        "{detail:#}"
    );
    assert_eq!(
        site.count("SELECT count(*) FROM job WHERE state NOT IN ('done', 'cancelled')")
            .await,
        0
    );
    let trail = site.trail(&case).await;
    assert!(trail.iter().any(|entry| entry == "case.called_off"), "{trail:?}");
    let shown = site.says(&["case", "show", &case.to_string()]).await;
    assert!(shown.out.contains("departed by mistake"), "{shown:?}");
    let answer = shown.out.lines().last().unwrap();
    assert!(
        answer.starts_with("CALLED OFF user04 at chat ")
            && answer.contains(": still suspended · revoked release 1 gives the account back"),
        "{answer}"
    );
    let again = site.says(&["case", "cancel", &case.to_string(), "--note", "again"]).await;
    assert!(again.code == 1 && again.err.contains("nothing of case"), "{again:?}");
    let nobody = site.says(&["case", "cancel", "4711", "--note", "x"]).await;
    assert_eq!(nobody.code, 1, "{nobody:?}");
}

#[tokio::test]
async fn a_held_case_is_cancelled_with_its_hold() {
    let site = watched().await;
    let _running = site.start().await;
    let said = site.revoke("username:user02", "departed", &[]).await;
    assert_eq!(said.code, 14, "{said:?}");
    let case = said.json()["case"]["id"].clone();
    let cancelled = site.says(&["case", "cancel", &case.to_string(), "--note", "a test"]).await;
    assert_eq!(cancelled.code, 0, "{cancelled:?}");
    assert_eq!(site.closed(&case).await["case"]["state"], "cancelled");
    assert!(site.ask(&["hold", "list"]).await.as_array().unwrap().is_empty());
    assert!(site.alerts().await.is_empty());
    assert!(changes(site.chat()).is_empty());
}

#[tokio::test]
async fn a_case_of_a_day_to_come_is_cancelled_before_it_does_anything() {
    let site = watched().await;
    let _running = site.start().await;
    let said = site
        .says(&[
            "revoke",
            "username:user04",
            "--reason",
            "departed",
            "--at",
            "2999-01-01T00:00:00Z",
            "--json",
        ])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    site.until_count("SELECT count(*) FROM job WHERE state = 'scheduled'", 1)
        .await;
    assert_eq!(site.says(&["case", "cancel", "1", "--note", "a test"]).await.code, 0);
    assert_eq!(site.closed(&1.into()).await["case"]["state"], "cancelled");
    assert!(changes(site.chat()).is_empty());
}

#[tokio::test]
async fn a_case_that_is_at_work_stops_before_its_next_change() {
    let site = watched().await;
    let _running = site.start().await;
    let before = Holdings::of(site.chat(), "user01");
    // The suspension takes long enough to call the case off in the middle of it.
    let slow = Fault::on("DELETE", "/api/v4/users/*", Effect::Latency(3000)).applied();
    site.chat().faults().add(slow);
    let row = site.write("username:user01", "departed", None).await.unwrap();
    site.until_under_way("suspend").await;
    assert_eq!(site.says(&["case", "cancel", "1", "--note", "the wrong one"]).await.code, 0);
    let detail = site.closed(&1.into()).await;
    assert!(row > 0 && detail["case"]["verdict"] != "contained", "{detail:#}");
    let sent = changes(site.chat());
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert_eq!(Holdings::of(site.chat(), "user01").tokens, before.tokens);
    // What was done is known, and can be undone.
    let rehearsed = site.says(&["release", "1"]).await;
    assert_eq!(rehearsed.code, 0, "{rehearsed:?}");
}

#[tokio::test]
async fn what_stands_in_the_ledger_is_tried_no_more() {
    let site = Installation::new(InstallationPlan {
        attempts: 1,
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    site.chat()
        .faults()
        .add(Fault::on("POST", "/api/v4/users/*/sessions/revoke/all", Effect::Nothing));
    let said = site.revoke("username:user04", "compromised", &[]).await;
    assert_eq!(said.code, 13, "{said:?}");
    assert_eq!(site.alerts().await, ["could_not_revoke"]);
    assert_eq!(site.says(&["case", "cancel", "1", "--note", "by hand"]).await.code, 0);
    assert!(site.alerts().await.is_empty());
    assert!(site.ask(&["ledger"]).await.as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_rescission_stops_a_departure_that_is_at_work() {
    let site = with_hr().await;
    let _running = site.start().await;
    let slow = Fault::on("DELETE", "/api/v4/users/*", Effect::Latency(3000)).applied();
    site.chat().faults().add(slow);
    site.drop_file("one.csv", &format!("1,user01@example.test,{},,terminate\n", day(-2)));
    site.until_under_way("suspend").await;
    site.drop_file("two.csv", &format!("1,user01@example.test,{},,rescind\n", day(-2)));
    let detail = site.closed(&1.into()).await;
    assert_ne!(detail["case"]["verdict"], "contained", "{detail:#}");
    assert_eq!(changes(site.chat()).len(), 1);
    assert!(!Holdings::of(site.chat(), "user01").is_out());
    assert_eq!(site.alerts().await, ["rescinded_too_late"]);
    let alert = site.says(&["alert", "list"]).await;
    assert!(alert.out.contains("revoked release 1"), "{alert:?}");
}

#[tokio::test]
async fn a_case_that_is_at_work_stops_within_a_wave_and_says_what_was_not_sent() {
    let site = watched().await;
    let person = Holdings::of(site.chat(), "user01").id;
    for number in 0..25 {
        site.chat().world().add_token(person, &format!("deploy {number}"));
    }
    let before = Holdings::of(site.chat(), "user01").tokens.len();
    let _running = site.start().await;
    let slow = Fault::on("POST", "/api/v4/users/tokens/revoke", Effect::Latency(1000));
    site.chat().faults().add(slow);
    site.write("username:user01", "departed", None).await.unwrap();
    // The wave that holds the tokens is under way.
    site.until_count("SELECT count(*) > 10 FROM action WHERE outcome IS NULL", 1)
        .await;
    assert_eq!(site.says(&["case", "cancel", "1", "--note", "the wrong one"]).await.code, 0);
    site.until_count("SELECT count(*) FROM job WHERE state = 'cancelled'", 1)
        .await;
    let left = Holdings::of(site.chat(), "user01").tokens.len();
    assert!(left * 2 > before, "{left} of {before} tokens are left");
    assert_ne!(site.closed(&1.into()).await["case"]["verdict"], "contained");
    let outcomes = "SELECT count(*) FROM action WHERE outcome = 'not_sent'";
    assert!(site.count(outcomes).await >= i64::try_from(left).unwrap());
    assert_eq!(
        site.count("SELECT count(*) FROM action WHERE outcome IS NULL OR outcome = 'unknown'")
            .await,
        0
    );
    let trail = site.trail(&1.into()).await;
    for kind in ["case.called_off", "job.cancelled"] {
        assert!(trail.iter().any(|entry| entry == kind), "{trail:?}");
    }
}
