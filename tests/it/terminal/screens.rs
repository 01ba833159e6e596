//! Whole screens, as they are seen but for line breaks: one evening of a small installation, at the width of a machine room and at that beside a desk.
//!
//! A word stands for what differs from run to run. A screen that changes is looked at before it is taken (`INSTA_UPDATE=always`).

use crate::harness::pty::{NARROW, Size, Terminal, WIDE};
use crate::harness::{Installation, InstallationPlan, until};

const MORE: &str = "
[[source]]
name = \"hr\"
kind = \"hr-csv\"
folder = \"{folder}/drop\"
interval = \"100ms\"
";

const POLICY: &str = "protected = [\"username:user05\"]";

/// What differs from run to run, and what stands there instead.
const DIFFERS: &[(&str, &str)] = &[
    (r"(/[\w.-]+)+/\.tmp\w+", "FOLDER"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\dZ?", "TIME"),
    (r"\b((Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?\d\d \w{3} (\d{4} )?\d\d:\d\dZ?", "TIME"),
    (r"\b\d+(\.\d+)? (ms|s|m|min|h|d)( ago)?\b", "SPAN"),
    (r"\bnow\b", "SPAN"),
    (r"\b\d+(\.\d+)? ([GMk]i?B)", "SIZE"),
    (r"\b[0-9a-f]{16,}\b", "HASH"),
    (r"\b[0-9a-z]{26}\b", "ACCOUNT"),
    (r"\bs_[\w-]{20,}", "REFERENCE"),
    (r"#\d+", "#N"),
    // The columns of a table are as wide as what stands in them.
    (r"(\S) {2,}", "$1  "),
    (r"─+", "─"),
];

/// One who is contained, one who is held, two leavers of whom one is far away, and a file with a wrong row.
async fn evening() -> Installation {
    let site = Installation::new(InstallationPlan {
        more: MORE,
        policy: POLICY,
        ..InstallationPlan::default()
    })
    .await;
    std::fs::create_dir(site.path("drop")).unwrap();
    let running = site.start().await;
    let contained = site
        .revoke("user01@example.test", "compromised", &["--note", "INC-4711"])
        .await;
    assert_eq!(contained.code, 0, "{contained:?}");
    let held = site.says(&["revoke", "username:user05", "--reason", "compromised"]).await;
    assert_eq!(held.code, 14, "{held:?}");
    let file = "employee_id,email,action,last_working_day,timezone\n\
        1,user07@example.test,terminate,2099-12-30,Australia/Sydney\n\
        2,user08@example.test,terminate,2099-12-31,America/New_York\n\
        3,user09@example.test,terminate,2099-31-12,UTC\n#EOF,rows=3\n";
    std::fs::write(site.path("drop/leavers.csv"), file).unwrap();
    until("the file", async || {
        let plans = site.count("SELECT count(*) FROM cases WHERE reason = 'departed'").await;
        let told = site.count("SELECT count(*) FROM alert WHERE kind = 'quarantine'").await;
        (plans == 2 && told == 1).then_some(())
    })
    .await;
    running.stop().await;
    site
}

/// What the program prints in a terminal of that size, each line that was broken between words made whole: where it breaks depends on how long a
/// time is. That all of it fits the width is told by the other tests.
fn printed(installation: &Installation, args: &[&str], size: Size) -> String {
    let config = installation.config();
    let args = [args, &["--utc", "--config", config.to_str().unwrap()]].concat();
    let ended = Terminal::start(&args, &[], size).end();
    let text = anstream::adapter::strip_str(&ended.printed).to_string();
    let mut whole = format!("exit {}", ended.code);
    // What is broken goes on deeper than it began, with a word that had no room before.
    let (mut width, mut begun) = (0, usize::MAX);
    for line in text.lines().map(str::trim_end) {
        let first = line.split_whitespace().next().unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        if indent > begun && width + 1 + first.chars().count() > usize::from(size.0) {
            whole.push(' ');
            whole += line.trim_start();
        } else {
            whole.push('\n');
            whole += line;
            begun = indent;
        }
        width = line.chars().count();
    }
    whole
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_screens_of_an_evening_are_as_somebody_has_looked_at_them() {
    let site = evening().await;
    let mut settings = insta::Settings::clone_current();
    for (pattern, instead) in DIFFERS {
        settings.add_filter(pattern, *instead);
    }
    let own = std::process::Command::new("id").arg("-un").output().unwrap();
    let own = String::from_utf8(own.stdout).unwrap();
    settings.add_filter(&format!(r"\b{}\b", own.trim()), "OPERATOR");
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots");
    let _bound = settings.bind_to_scope();
    for (name, args) in [
        ("status", &["status"][..]),
        ("find", &["find", "user0"]),
        ("case-list", &["case", "list"]),
        ("case-show", &["case", "show", "1"]),
        ("case-report", &["case", "report", "1"]),
        ("hold-list", &["hold", "list"]),
        ("hold-show", &["hold", "show", "1"]),
        ("alert-list", &["alert", "list"]),
        ("departures-list", &["departures", "list"]),
        ("target-list", &["target", "list"]),
        ("source-list", &["source", "list"]),
        ("trail-show", &["trail", "show", "--last", "12"]),
        ("trail-verify", &["trail", "verify"]),
        ("handover", &["handover", "--since", "1h"]),
        ("check", &["check"]),
        (
            "rehearsal",
            &["revoke", "username:user02", "--reason", "compromised", "--rehearse"],
        ),
    ] {
        for (size, called) in [(NARROW, "80x24"), (WIDE, "140x40")] {
            insta::assert_snapshot!(format!("{name}-{called}"), printed(&site, args, size));
        }
    }
}
