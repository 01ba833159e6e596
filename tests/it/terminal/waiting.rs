//! What is said of work that waits: for what, and what to type; never that somebody is at it.

use revoked_sandbox::{Effect, Fault};
use sqlx::Executor as _;

use crate::harness::pty::{NARROW, Terminal};
use crate::harness::{Installation, InstallationPlan, until};

fn last(text: &str) -> &str {
    text.trim_end().lines().last().unwrap()
}

/// Asks for somebody without waiting, and gives what is said of it.
async fn asked(site: &Installation, person: &str) -> String {
    let said = site.says(&["revoke", person, "--reason", "compromised"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    said.out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_paused_target_it_waits_by_name_and_the_command_that_ends_the_pause_is_never_cut() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let paused = site
        .says(&["target", "pause", "chat", "--note", "upgrade until 05:00, ticket 812"])
        .await;
    assert_eq!(paused.code, 0, "{paused:?}");
    running.until_paused().await;
    let waits = "WAITS user01: chat is paused by operator:";
    let said = asked(&site, "username:user01").await;
    assert!(
        said.starts_with(waits) && said.contains("(upgrade until 05:00, ticket 812) · revoked target resume chat"),
        "{said}"
    );
    let told = site
        .says(&["revoke", "username:user02", "--reason", "compromised", "--json"])
        .await
        .done();
    assert_eq!(
        (&told["state"], &told["next"]),
        (&"waiting".into(), &"revoked target resume chat".into()),
        "{told}"
    );
    let waited = [
        "revoke",
        "username:user03",
        "--reason",
        "compromised",
        "--wait",
        "--timeout",
        "1",
    ];
    let waited = site.says(&waited).await;
    assert_eq!(waited.code, 15, "{waited:?}");
    assert!(last(&waited.out).contains("still waits: chat is paused by "), "{waited:?}");
    assert!(waited.err.contains("· chat is paused since "), "{waited:?}");
    let shown = site.says(&["case", "show", "1"]).await;
    assert!(last(&shown.out).starts_with(waits), "{shown:?}");
    let config = site.config();
    let args = ["case", "show", "1", "--config", config.to_str().unwrap()];
    let ended = Terminal::start(&args, &[], NARROW).end();
    let printed = anstream::adapter::strip_str(&ended.printed).to_string();
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    assert!(last(&printed).ends_with("· revoked target resume chat"), "{printed}");
    let whole = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, why) = whole.rsplit_once("WAITS user01: chat is paused by ").unwrap();
    assert!(why.contains("(upgrade until 05:00, ticket 812) · revoked"), "{printed}");
    std::fs::write(site.path("people.txt"), "username:user04\nusername:user05\n").unwrap();
    let list = site.path("people.txt");
    let list = ["revoke", "--from", list.to_str().unwrap(), "--reason", "compromised"];
    let shown = site.says(&list).await;
    let (_, set) = shown.err.trim().rsplit_once("--set ").unwrap();
    let said = site.says(&[&list[..], &["--set", set]].concat()).await;
    assert!(
        last(&said.out).starts_with("2 people: 2 wait · ") && last(&said.out).ends_with("· revoked target resume chat"),
        "{said:?}"
    );
    assert_eq!(site.says(&["target", "resume", "chat"]).await.code, 0);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 5)
        .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_target_that_refuses_us_it_waits_for_a_token_and_the_file_is_named_in_one_word_everywhere() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.secret("chat-token", b"xjk4w8q8jbgwmfznqoe1i4yrhh");
    let running = site.start().await;
    asked(&site, "username:user01").await;
    running.until_paused().await;
    let said = asked(&site, "username:user02").await;
    let token = site.path("chat-token").display().to_string();
    let why = format!(
        "signing in: the server does not accept our credential: put a valid token into {token}, or look whether its database is down"
    );
    assert!(
        said.starts_with("WAITS user02: chat refuses us: ") && said.contains(&why) && said.contains("· revoked check"),
        "{said}"
    );
    let list = site.ask(&["target", "list"]).await;
    let status = site.ask(&["status"]).await;
    assert_eq!(
        (&list[0]["state"], &status["targets"][0]["state"]),
        (&"refused".into(), &"refused".into())
    );
    let status = site.says(&["status"]).await.out;
    let alert = status.lines().find(|line| line.contains("alert 1")).unwrap();
    assert!(
        alert.contains("alert 1  target chat refuses us, its jobs wait: signing in: ") && alert.ends_with("→ revoked check"),
        "{status}"
    );
    assert!(!status.contains("observation") && !status.contains("user01:"), "{status}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_target_that_is_down_or_without_a_daemon_nobody_is_at_it() {
    let mut site = Installation::new(InstallationPlan::default()).await;
    let away = site.take_down();
    let running = site.start().await;
    asked(&site, "username:user01").await;
    until("the target counts as down", async || {
        let targets = site.ask(&["target", "list"]).await;
        (targets[0]["state"] == "down").then_some(())
    })
    .await;
    let down = until("nobody tries at this moment", async || {
        let shown = site.says(&["case", "show", "1"]).await;
        (!last(&shown.out).starts_with("AT WORK")).then_some(shown)
    })
    .await;
    assert!(
        last(&down.out).starts_with("WAITS user01: chat does not answer · revoked target list"),
        "{down:?}"
    );
    running.kill().await;
    let dead = site.says(&["case", "show", "1"]).await;
    assert_eq!(
        last(&dead.out),
        "WAITS user01: the daemon does not run · systemctl start revoked",
        "{dead:?}"
    );
    site.bring_up(away).await;
}

/// A chat server that never answers the end of all sessions.
fn hang(site: &Installation) {
    let never = Effect::Latency(600_000);
    site.chat()
        .faults()
        .add(Fault::on("POST", "/api/v4/users/*/sessions/revoke/all", never));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leaver_behind_urgent_work_waits_for_that_by_number_and_an_attempt_that_hangs_says_since_when() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    hang(&site);
    for person in ["username:user01", "username:user02", "username:user03", "username:user04"] {
        let said = site.says(&["revoke", person, "--reason", "compromised"]).await;
        assert_eq!(said.code, 0, "{said:?}");
    }
    let leaver = site.says(&["revoke", "username:user05", "--reason", "departed"]).await;
    assert_eq!(leaver.code, 0, "{leaver:?}");
    let waits = until("the leaver waits", async || {
        let shown = site.says(&["case", "show", "5"]).await.out;
        shown.contains("4 more urgent").then(|| last(&shown).to_owned())
    })
    .await;
    assert!(
        waits.starts_with("WAITS user05: chat waits behind 4 more urgent (") && waits.ends_with("· revoked case show 5 --follow"),
        "{waits}"
    );
    let hangs = until("nothing was recorded for a while", async || {
        let shown = site.says(&["case", "show", "1"]).await.out;
        shown.contains("no answer on record for ").then(|| last(&shown).to_owned())
    })
    .await;
    assert!(
        hangs.starts_with("AT WORK user01: chat: to ") && hangs.contains(", no answer on record for "),
        "{hangs}"
    );
    let waited = [
        "revoke",
        "username:user01",
        "--reason",
        "compromised",
        "--wait",
        "--timeout",
        "1",
    ];
    let waited = site.says(&waited).await;
    assert!(
        waited.err.contains("case 1 · chat: to ") && waited.err.contains(", no answer on record for "),
        "{waited:?}"
    );
    running.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_whose_attempts_fail_or_that_takes_too_long_needs_somebody() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    hang(&site);
    let said = site.says(&["revoke", "username:user01", "--reason", "compromised"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    site.until_under_way("end_all_sessions").await;
    let well = site.says(&["status", "--exit-code"]).await;
    assert_eq!(well.code, 0, "{well:?}");
    let failing = "UPDATE job SET attempt = 5, error = 'ending: no answer from http://127.0.0.1:1: error sending request: operation timed out'";
    site.sql().await.execute(failing).await.unwrap();
    let needed = site.says(&["status", "--exit-code"]).await;
    assert_eq!(needed.code, 7, "{needed:?}");
    let line = needed.out.lines().find(|line| line.starts_with("  case 1  ")).unwrap();
    assert!(
        line.contains("user01 is not contained after ")
            && line.contains(", 4 attempts failed: chat: no answer (timed out)")
            && line.ends_with("→ revoked case show 1"),
        "{needed:?}"
    );
    assert!(
        last(&needed.out).starts_with("1 thing needs you · 1 case at work"),
        "{needed:?}"
    );
    let late = "UPDATE job SET attempt = 1, error = NULL; UPDATE cases SET received_at = received_at - 600000";
    site.sql().await.execute(late).await.unwrap();
    let needed = site.ask(&["status"]).await;
    assert_eq!(
        (&needed["stuck"][0]["case"], &needed["stuck"][0]["failed_attempts"]),
        (&1.into(), &0.into()),
        "{needed:#}"
    );
    let needed = site.says(&["status"]).await.out;
    assert!(
        needed.contains("  case 1  user01 is not contained after 10 m → revoked case show 1"),
        "{needed}"
    );
    running.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_for_its_approval_counts_from_there_and_from_the_signal() {
    let site = Installation::new(InstallationPlan {
        policy: "protected = [\"username:user03\"]",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    assert_eq!(site.revoke("username:user03", "compromised", &[]).await.code, 14);
    // Nobody has decided for three hours.
    site.sql()
        .await
        .execute("UPDATE cases SET received_at = received_at - 10800000")
        .await
        .unwrap();
    let shown = site.ask(&["hold", "show", "1"]).await;
    let set = shown["set"].as_str().unwrap();
    let approved = ["hold", "approve", "1", "--set", set, "--note", "ticket 812", "--wait"];
    let approved = site.says(&approved).await;
    assert_eq!(approved.code, 0, "{approved:?}");
    assert!(
        approved.out.contains(" after the approval, 3 h after the signal"),
        "{approved:?}"
    );
    let shown = site.says(&["case", "show", "1"]).await.out;
    assert!(
        last(&shown).starts_with("CONTAINED user03 at chat in ")
            && last(&shown).contains(" after its approval, 3 h after the signal, "),
        "{shown}"
    );
    assert!(
        shown.contains("  since the signal: approved after 3 h 0 m, first revoke after 3 h 0 m, contained after 3 h 0 m")
            && shown.contains("  since then: first revoke after "),
        "{shown}"
    );
    let report = site.says(&["case", "report", "1"]).await.out;
    assert!(
        report.contains(", 3 h 0 m after it was received, ") && report.contains(" after it was approved"),
        "{report}"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_nobody_knows_is_unknown_and_the_person_is_not() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let asked = ["revoke", "username:user01", "--reason", "compromised", "--session"];
    let said = site
        .says(&[&asked[..], &["xxxxxxxxxxxxxxxxxxxxxxxxxx", "--wait"]].concat())
        .await;
    assert_eq!(said.code, 12, "{said:?}");
    // What nobody has listed as an id may be a secret.
    let unknown = "UNKNOWN user01 at chat: no session of the id sha256:";
    assert!(
        last(&said.out).starts_with(unknown) && last(&said.out).contains(" was listed for this account"),
        "{said:?}"
    );
    let report = site.says(&["case", "report", "1", "--json"]).await.json();
    let told = report["summary"].to_string();
    assert!(told.contains("no session of the id") && !told.contains("Nobody"), "{told}");
    let format = site.says(&["case", "report", "1", "--format", "json"]).await.json();
    assert_eq!(format["summary"], report["summary"]);
    running.stop().await;
}
