//! What stands in the way, a line for each target, source and receiver, and the answer last; and what a file of leavers would do.

use sqlx::Executor as _;

use crate::harness::pty::{NARROW, Terminal};
use crate::harness::{Installation, InstallationPlan};

const HR: &str = "
[[source]]
name = \"hr\"
kind = \"hr-csv\"
folder = \"{folder}/drop\"
";

async fn with_hr() -> Installation {
    Installation::new(InstallationPlan {
        more: HR,
        ..InstallationPlan::default()
    })
    .await
}

// The chat server answers on a thread of its own while this one waits for the screen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_folder_that_is_not_there_is_not_ready() {
    let site = with_hr().await;
    let said = site.says(&["check"]).await;
    assert_eq!(said.code, 6, "{said:?}");
    assert!(said.out.contains("error: cannot look into the drop folder "), "{said:?}");
    let last = said.out.lines().last().unwrap();
    assert!(
        last.starts_with("not ready: 1 error above (1 target, 2 sources, 0 receivers; "),
        "{last}"
    );
    assert_eq!(site.says(&["check", "--offline"]).await.code, 0, "the config alone is sound");

    std::fs::create_dir(site.path("drop")).unwrap();
    let config = site.config();
    let ended = Terminal::start(&["check", "--config", config.to_str().unwrap()], &[], NARROW).end();
    assert_eq!(ended.code, 0, "{ended:?}");
    let printed = anstream::adapter::strip_str(&ended.printed).to_string();
    assert!(printed.contains("source hr (hr-csv): is looked at every 1s"), "{printed}");
    assert!(
        printed
            .lines()
            .last()
            .unwrap()
            .starts_with("ready: 1 target, 2 sources, 0 receivers; "),
        "{printed}"
    );
    let checked = site.says(&["check", "--json"]).await.done();
    assert_eq!(
        (&checked["sources"][1]["name"], &checked["ok"]),
        (&"hr".into(), &true.into()),
        "{checked:#}"
    );
}

#[tokio::test]
async fn a_preview_says_whom_nobody_knows_and_its_answer_stands_last() {
    let site = with_hr().await;
    std::fs::create_dir(site.path("drop")).unwrap();
    site.start().await.stop().await;
    let file = site.path("leavers.csv");
    let rows = "employee_id,email,action,last_working_day\n1,user01@example.test,terminate,2099-12-31\n2,zoe@example.test,terminate,2099-12-31\n";
    std::fs::write(&file, rows).unwrap();
    let file = file.to_str().unwrap();
    let preview = ["source", "hr", "preview", file];
    let nothing_known = site.says(&preview).await;
    assert!(
        nothing_known.out.ends_with("nothing was changed\n2 rows: 2 planned\n"),
        "{nothing_known:?}"
    );
    let asked = site.says(&[&preview[..], &["--ask"]].concat()).await;
    assert_eq!(asked.code, 0, "{asked:?}");
    let zoe = asked.out.lines().find(|line| line.contains("zoe@")).unwrap();
    assert!(
        zoe.contains("planned") && zoe.contains("no target knows anybody by these names"),
        "{asked:?}"
    );
    assert!(
        asked.out.ends_with("2 rows: 2 planned; of these 1 known at no target\n"),
        "{asked:?}"
    );
    // A directory names others, and neither of these.
    site.sql()
        .await
        .execute("INSERT INTO identity (person, name, source, since, seen_at) VALUES (1, 'username:ann', 'scim', 1, 1)")
        .await
        .unwrap();
    let known = site.says(&preview).await;
    assert_eq!(known.out.matches("new here").count(), 2, "{known:?}");
    assert!(
        known
            .out
            .ends_with("2 rows: 2 planned; of these 2 named by no source before\n"),
        "{known:?}"
    );
    let asked = site.says(&[&preview[..], &["--ask"]].concat()).await;
    assert_eq!(
        (
            asked.out.matches("new here").count(),
            asked.out.matches("no target knows anybody").count()
        ),
        (0, 1),
        "a target knows one of them: {asked:?}"
    );
}

#[tokio::test]
async fn a_header_that_nobody_knows_comes_with_the_mapping_to_write() {
    let site = with_hr().await;
    let file = site.path("export.csv");
    std::fs::write(
        &file,
        "Employee Number,Work Email,Termination Date,Status\n1,zoe@example.test,2026-12-31,Active\n",
    )
    .unwrap();
    let config = site.config();
    let args = [
        "source",
        "hr",
        "preview",
        file.to_str().unwrap(),
        "--config",
        config.to_str().unwrap(),
    ];
    let ended = Terminal::start(&args, &[], NARROW).end();
    assert_eq!(ended.code, 16, "{ended:?}");
    let printed = anstream::adapter::strip_str(&ended.printed).to_string();
    for word in [
        "\"Employee Number\", \"Work Email\", \"Termination Date\"",
        "  employee_id = \"Employee Number\"",
        "more: revoked source hr map ",
    ] {
        assert!(printed.contains(word), "{word}: {printed}");
    }
    assert!(
        printed
            .lines()
            .last()
            .unwrap()
            .starts_with("rejected whole, nothing in it would be acted on: the header lacks employee_id"),
        "{printed}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_somebody_has_paused_is_said_to_be() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let paused = site.says(&["target", "pause", "chat", "--note", "upgrade"]).await;
    assert_eq!(paused.code, 0, "{paused:?}");
    let said = site.says(&["check"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let words = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("(upgrade) and is sent nothing, whatever it answers: revoked target resume chat"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_says_that_no_daemon_runs_or_that_one_runs_with_another_config() {
    let site = Installation::new(InstallationPlan::default()).await;
    let offline = site.says(&["check", "--offline"]).await;
    assert_eq!(offline.code, 0, "{offline:?}");
    assert!(
        offline.out.contains("1 target not asked (--offline)")
            && offline
                .out
                .ends_with("ready: 1 target, 1 source, 0 receivers, none of them asked; 1 warning\n"),
        "{offline:?}"
    );
    let running = site.start().await;
    let well = site.says(&["check"]).await;
    assert!(well.code == 0 && well.out.ends_with("; 1 warning\n"), "{well:?}");
    let text = std::fs::read_to_string(site.config()).unwrap();
    std::fs::write(site.config(), format!("{text}\n# changed\n")).unwrap();
    let changed = site.says(&["check"]).await;
    assert!(
        changed.code == 0
            && changed.out.contains("the running daemon has another config than this one")
            && changed.out.ends_with("; 2 warnings\n"),
        "{changed:?}"
    );
    running.kill().await;
    let dead = site.says(&["check", "--json"]).await.done();
    assert!(
        dead["host"].to_string().contains("the daemon does not run")
            && dead["host"].to_string().contains("systemctl start revoked"),
        "{dead:#}"
    );
}
