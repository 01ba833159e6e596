//! A target that an operator pauses: nothing is sent to it, whatever it is about, until somebody lets it go on.

use super::under_way::with_a_call_that_hangs;
use super::{Installation, InstallationPlan};
use crate::harness::chat_holdings::Holdings;

async fn paused() -> (Installation, super::DaemonProcess) {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let said = site
        .says(&["target", "pause", "chat", "--note", "an upgrade, ticket 812"])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    running.until_paused().await;
    (site, running)
}

impl Installation {
    fn requests(&self) -> usize {
        self.chat().requests().len()
    }
}

#[tokio::test]
async fn urgent_work_waits_too_a_restart_changes_nothing_and_it_goes_on_when_told() {
    let (site, running) = paused().await;
    let before = site.requests();
    site.ask_for(1..=3, "compromised").await;
    site.until_count("SELECT count(*) FROM job WHERE state = 'queued'", 3).await;
    running.stop().await;
    let running = site.start().await;
    site.ask_for(4..=4, "compromised").await;
    site.until_count("SELECT count(*) FROM job WHERE state = 'queued'", 4).await;
    running.until_paused().await;
    assert_eq!(site.requests(), before, "something was sent");
    assert_eq!(site.alerts().await, ["target_paused"]);

    let list = site.ask(&["target", "list"]).await;
    assert_eq!(
        (&list[0]["state"], &list[0]["waiting"]),
        (&"paused".into(), &4.into()),
        "{list:#}"
    );
    assert!(
        list[0]["why"].as_str().unwrap().contains("an upgrade, ticket 812"),
        "{list:#}"
    );
    let status = site.says(&["status"]).await.out;
    assert!(status.contains("ticket 812"), "{status}");
    let case = site.says(&["case", "show", "1"]).await.out;
    assert!(
        case.contains("target chat is paused") && case.contains("revoked target resume chat"),
        "{case}"
    );

    let resumed = site.says(&["target", "resume", "chat", "--note", "done"]).await;
    assert_eq!(resumed.out, "target chat goes on\n", "{resumed:?}");
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 4)
        .await;
    assert_eq!(site.count("SELECT max(attempt) FROM job").await, 1, "waiting cost an attempt");
    assert!(site.alerts().await.is_empty());
    assert_eq!(
        (site.entries("target.paused").await, site.entries("target.resumed").await),
        (1, 1)
    );
    running.stop().await;
}

#[tokio::test]
async fn a_clean_check_and_a_cleared_alert_do_not_end_an_operators_pause() {
    let (site, running) = paused().await;
    let checked = site.says(&["check"]).await;
    assert_eq!(checked.code, 0, "{checked:?}");
    let again = site.says(&["target", "pause", "chat", "--note", "again"]).await;
    assert!(again.code == 1 && again.err.contains("an upgrade, ticket 812"), "{again:?}");
    site.says(&["alert", "clear", "1"]).await;
    site.ask_for(1..=1, "compromised").await;
    site.until_count("SELECT count(*) FROM job WHERE state = 'queued'", 1).await;
    running.until_paused().await;
    assert!(!Holdings::of(site.chat(), "user01").is_out());
    running.stop().await;
}

#[tokio::test]
async fn what_is_at_work_is_cut_off_and_comes_back_without_an_attempt_lost() {
    let (site, running) = with_a_call_that_hangs().await;
    site.says(&["target", "pause", "chat", "--note", "it is on fire"]).await;
    site.until_count("SELECT count(*) FROM job WHERE state = 'queued'", 1).await;
    site.chat().faults().clear();
    site.says(&["target", "resume", "chat"]).await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    running.stop().await;
}

#[tokio::test]
async fn a_target_that_is_not_there_cannot_be_paused_nor_one_resumed_that_nobody_paused() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let unknown = site.says(&["target", "pause", "caht", "--note", "x"]).await;
    assert!(unknown.code == 2 && unknown.err.contains("did you mean chat?"), "{unknown:?}");
    let idle = site.says(&["target", "resume", "chat"]).await;
    assert!(
        idle.code == 1 && idle.err.contains("no operator has paused target chat"),
        "{idle:?}"
    );
}
