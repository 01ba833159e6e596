//! A list of people that an operator pauses, lets go on, calls off, and reports.

use serde_json::Value;

use super::under_way::with_a_call_that_hangs;
use super::{CommandOutput, Installation, InstallationPlan};
use crate::harness::chat_holdings::Holdings;

impl Installation {
    /// Asks for these people as one, and answers the id of the batch.
    async fn asks_for_list(&self, people: std::ops::RangeInclusive<usize>) -> String {
        let list: Vec<String> = people.map(|n| format!("username:user{n:02}")).collect();
        let file = self.path("people");
        std::fs::write(&file, list.join("\n")).unwrap();
        let file = file.display().to_string();
        let args = ["revoke", "--from", &file, "--reason", "compromised"];
        let shown = self.says(&args).await;
        let (_, set) = shown.err.trim().rsplit_once("--set ").unwrap();
        self.says(&[&args[..], &["--set", set]].concat()).await;
        let batches = self.says(&["batch", "list", "--json"]).await.rows();
        let newest = batches.as_array().unwrap().first().unwrap().clone();
        assert!(newest["batch"].as_str().unwrap().starts_with(set), "{newest:#}");
        newest["batch"].as_str().unwrap().to_owned()
    }

    async fn batch_shown(&self, batch: &str) -> Value {
        self.says(&["batch", "show", batch, "--json"]).await.json()
    }

    async fn pauses_batch(&self, batch: &str, note: &str) -> CommandOutput {
        self.says(&["batch", "pause", batch, "--note", note]).await
    }
}

#[tokio::test]
async fn nothing_of_a_paused_batch_begins_but_what_another_asks_for_too_and_a_kill_changes_nothing() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    // What is asked for stays in the queue until the pause is there.
    site.says(&["target", "pause", "chat", "--note", "for the test"]).await;
    running.until_paused().await;
    let batch = site.asks_for_list(1..=4).await;
    site.until_count("SELECT count(*) FROM job WHERE state = 'queued'", 4).await;
    let paused = site.pauses_batch(&batch[..6], "half of them are not phished").await;
    assert_eq!(paused.code, 0, "{paused:?}");
    assert!(
        paused.out.contains("4 cases of it wait") && paused.out.contains(&format!("revoked batch resume {batch}")),
        "{paused:?}"
    );
    let again = site.pauses_batch(&batch, "again").await;
    assert!(
        again.code == 1 && again.err.contains("half of them are not phished"),
        "{again:?}"
    );
    assert_eq!(site.count("SELECT count(*) FROM job WHERE state = 'queued'").await, 0);

    // Asked for by itself, somebody of the list is as urgent as anybody.
    site.ask_for(2..=2, "compromised").await;
    site.until_count("SELECT count(*) FROM job WHERE state = 'queued'", 1).await;
    running.kill().await;
    let running = site.start().await;
    site.says(&["target", "resume", "chat"]).await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user02").is_out());
    for waits in ["user01", "user03", "user04"] {
        assert!(!Holdings::of(site.chat(), waits).is_out(), "{waits} was acted on");
    }
    assert_eq!(site.entries("case.goes_on").await, 1);

    let shown = site.batch_shown(&batch).await;
    assert_eq!(
        (&shown["kept_back"], &shown["unfinished"], &shown["paused"]["note"]),
        (&3.into(), &3.into(), &"half of them are not phished".into()),
        "{shown:#}"
    );
    assert_eq!(site.alerts().await, ["batch_paused"]);
    let status = site.says(&["status"]).await.out;
    assert!(status.contains(&format!("revoked batch show {batch}")), "{status}");
    let case = site.says(&["case", "show", "1"]).await.out;
    assert!(
        case.contains("is paused by") && case.contains(&format!("revoked batch resume {batch}")),
        "{case}"
    );

    let resumed = site.says(&["batch", "resume", &batch, "--note", "asked back"]).await;
    assert_eq!(resumed.code, 0, "{resumed:?}");
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 4)
        .await;
    assert!(site.alerts().await.is_empty());
    assert_eq!(
        (site.entries("batch.paused").await, site.entries("batch.resumed").await),
        (1, 1)
    );
    let over = site.pauses_batch(&batch, "too late").await;
    assert!(
        over.code == 1 && over.err.contains("nothing of it is left to begin"),
        "{over:?}"
    );
    assert_eq!(
        site.count("SELECT count(*) FROM batch_pause").await,
        0,
        "a refused pause leaves nothing"
    );

    let report = site.says(&["batch", "report", &batch, "--json"]).await.json();
    let people = report["people"].as_array().unwrap();
    assert_eq!((people.len(), &report["sums"]["people"]), (4, &4.into()), "{report:#}");
    for person in people {
        assert_eq!(person["verdict"], "contained", "{person:#}");
        assert!(
            person["first_revoke_at"].is_string() && person["contained_at"].is_string(),
            "{person:#}"
        );
    }
    let sheet = site.path("report.csv");
    let args = [
        "batch",
        "report",
        &batch,
        "--format",
        "csv",
        "--out",
        &sheet.display().to_string(),
    ];
    assert_eq!(site.says(&args).await.code, 0);
    let sheet = std::fs::read_to_string(sheet).unwrap();
    assert_eq!(sheet.lines().count(), 5, "{sheet}");
    assert!(
        sheet.lines().all(|line| line.starts_with('"') && line.ends_with('"')),
        "{sheet}"
    );
    let page = site.says(&["batch", "report", &batch]).await.out;
    assert!(page.contains("4 of 4 have ended: 4 contained"), "{page}");
    // What is not covered is the same of all, and is said once.
    assert!(
        page.matches(" | 1, 2").count() == 4 && page.matches("links that plugins hold").count() == 1,
        "{page}"
    );
    assert_eq!(site.entries("people.read").await, 4, "of each once within an hour");
    running.stop().await;
}

#[tokio::test]
async fn a_batch_can_be_paused_before_the_daemon_has_seen_it_and_calling_the_rest_off_ends_the_pause() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let batch = site.asks_for_list(1..=3).await;
    let paused = site.pauses_batch(&batch, "the wrong list").await;
    assert!(paused.out.contains("3 cases of it wait"), "{paused:?}");
    let early = site.says(&["batch", "cancel", &batch, "--yes", "--note", "x"]).await;
    assert!(early.code == 1 && early.err.contains("have no case yet"), "{early:?}");
    let running = site.start().await;
    site.until_count("SELECT count(*) FROM job WHERE state = 'held'", 3).await;
    // Somebody who is asked for by another way meanwhile has a case that goes on.
    site.ask_for(3..=3, "compromised").await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(!Holdings::of(site.chat(), "user01").is_out());
    let unconfirmed = site.says(&["batch", "cancel", &batch, "--note", "the wrong list"]).await;
    assert_eq!(unconfirmed.code, 2, "{unconfirmed:?}");
    let off = site
        .says(&[
            "batch",
            "cancel",
            &batch,
            "--yes",
            "--note",
            "the wrong list, ticket 812",
            "--json",
        ])
        .await
        .json();
    assert_eq!((&off["cases"], &off["left"]), (&2.into(), &0.into()), "{off:#}");
    assert!(site.alerts().await.is_empty(), "nothing waits any more");
    let shown = site.batch_shown(&batch).await;
    assert!(shown["paused"].is_null() && shown["unfinished"] == 0, "{shown:#}");
    let report = site.says(&["batch", "report", &batch, "--json"]).await.json();
    assert_eq!(report["people"][0]["why"], "the wrong list, ticket 812", "{report:#}");
    let unknown = site.says(&["batch", "show", "ffff"]).await;
    assert!(unknown.code == 2 && unknown.err.contains("no batch is called"), "{unknown:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_kill_in_the_midst_of_a_paused_batch_leaves_what_was_at_work_waiting_with_it() {
    let (site, running) = with_a_call_that_hangs().await;
    // The first of the two hangs under another request already, and is no case that a pause keeps back.
    let batch = site.asks_for_list(1..=2).await;
    site.until_count("SELECT count(DISTINCT job_id) FROM action WHERE outcome IS NULL", 2)
        .await;
    let paused = site.pauses_batch(&batch, "wait").await;
    assert!(paused.out.contains("what is at work ends as it would: 2 jobs"), "{paused:?}");
    assert!(paused.out.contains("1 case goes on"), "{paused:?}");
    running.kill().await;
    site.chat().faults().clear();
    let running = site.start().await;
    // The lease of the one that the pause keeps back is taken back at the start, and its job waits with the batch.
    site.until_count("SELECT count(*) FROM job WHERE state = 'held'", 1).await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    site.says(&["batch", "resume", &batch]).await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 2)
        .await;
    running.stop().await;
}
