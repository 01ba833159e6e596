//! Times as people type them, by every command that looks back or ahead: a time of day is the last one, or the next.

use crate::harness::{CommandOutput, Installation, InstallationPlan};

/// A time of day so many minutes from now, in UTC.
fn clock(minutes: i64) -> String {
    let ms = revoked::clock::Clock::system().now().ms() + minutes * 60_000;
    let at = jiff::Timestamp::from_millisecond(ms).unwrap();
    jiff::tz::TimeZone::UTC.to_datetime(at).strftime("%H:%M").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_of_day_that_is_still_to_come_is_yesterdays_for_who_looks_back() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    assert_eq!(site.revoke("username:user01", "compromised", &[]).await.code, 0);
    let says = async |args: &[&str]| -> CommandOutput { site.says(&[args, &["--utc"]].concat()).await };
    let soon = clock(20);
    let listed = says(&["case", "list", "--since", &soon, "--json"]).await;
    assert_eq!(listed.rows().as_array().unwrap().len(), 1, "{listed:?}");
    let trail = says(&["trail", "show", "--since", &soon, "--kind", "case."]).await;
    assert!(trail.out.contains("case.contained"), "{trail:?}");
    let handover = says(&["handover", "--since", &soon]).await;
    assert!(handover.code == 0 && handover.out.contains("user01"), "{handover:?}");
    let night = says(&["case", "list", "--since", &clock(20), "--until", &clock(10), "--json"]).await;
    assert!(night.code == 0 && night.out.is_empty(), "it ends before the case: {night:?}");
    for (args, said) in [
        (&["case", "list", "--since", "tomorrow"][..], "which is in the future"),
        (&["trail", "show", "--since", "tomorrow"], "which is in the future"),
        (&["handover", "--since", "tomorrow"], "which is in the future"),
        (
            &["case", "list", "--since", "1h", "--until", "2h"],
            "it would end before it begins",
        ),
        (
            &["trail", "show", "--since", "1h", "--until", "1h"],
            "it would end before it begins",
        ),
    ] {
        let refused = says(args).await;
        assert!(refused.code == 2 && refused.err.contains(said), "{args:?}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_of_day_that_is_over_is_tomorrows_for_who_looks_ahead() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let over = clock(-20);
    let args = ["revoke", "username:user01", "--reason", "departed", "--at", &over, "--utc"];
    let waits = site.says(&args).await;
    assert!(
        waits.code == 0 && waits.out.contains(" waits until ") && waits.out.contains("(in 23 h)"),
        "{waits:?}"
    );
    assert_eq!(site.count("SELECT count(*) FROM action").await, 0);
}
