//! `revoked watch`: what is seen at three sizes, that the terminal is given back, one case as it goes, and the lines of a pipe.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use super::status::in_trouble;
use crate::harness::pty::{NARROW, Size, Terminal};
use crate::harness::{Installation, InstallationPlan, until};

/// A window in a corner of the desk.
const CORNER: Size = Size(40, 15);
const DESK: Size = Size(120, 40);

fn watch(installation: &Installation, more: &[&str], size: Size) -> Terminal {
    let config = installation.config();
    let args = [&["watch", "--config", config.to_str().unwrap()], more].concat();
    Terminal::start(&args, &[], size)
}

/// The lines that another program reads.
fn piped(site: &Installation, more: &[&str]) -> (std::process::Child, impl Iterator<Item = String> + use<>) {
    let config = site.config();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_revoked"))
        .args(["watch", "--config", config.to_str().unwrap()])
        .args(more)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    (child, lines)
}

#[tokio::test]
async fn what_needs_somebody_is_on_every_screen_and_what_does_not_fit_is_counted() {
    let site = in_trouble().await;
    let mut watched = watch(&site, &[], NARROW);
    let first = watched.until_shows("13 things need you");
    let new = first.lines().find(|line| line.starts_with("new ")).unwrap();
    assert!(
        new.contains("daemon.stopped") || new.contains(" more: revoked trail show"),
        "{first}"
    );
    for size in [CORNER, DESK, NARROW] {
        watched.resize(size);
        // Of the size before nothing is left: the sum stands on a line of its own, wherever that is now.
        let sum = if size.0 < 60 {
            "13 things need you · nothing"
        } else {
            "13 things need you · nothing at work · daemon not running"
        };
        let screen = watched.until(|screen| {
            let lines: Vec<&str> = screen.lines().collect();
            let is_new = if size.1 > 24 {
                lines.len() > 24
            } else {
                lines.len() <= usize::from(size.1)
            };
            is_new
                && lines.iter().all(|line| line.chars().count() <= usize::from(size.0))
                && lines.last().is_some_and(|line| line.starts_with(sum))
        });
        let hold = screen
            .lines()
            .any(|line| line.trim_start().starts_with("hold 1 ") && line.contains("revoked hold show 1"));
        assert!(hold, "the decision is pushed out at {size:?}:\n{screen}");
        assert!(screen.contains("systemctl start revoked"), "{size:?}:\n{screen}");
        let alerts = screen.lines().filter(|line| line.starts_with("  alert ")).count();
        assert_eq!(
            alerts == 11,
            !screen.contains("more: revoked alert list"),
            "{size:?}:\n{screen}"
        );
    }
    watched.type_in("x\x1aq");
    let ended = watched.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    let (_, after) = ended.printed.split_once("\x1b[?1049l").unwrap();
    assert!(ended.takes_lines && ended.printed.contains("\x1b[?25h"), "{ended:?}");
    assert!(after.contains("13 things need you") && !after.contains('q'), "{after:?}");
}

#[tokio::test]
async fn however_it_ends_the_terminal_is_given_back() {
    let site = in_trouble().await;
    for end in ["q", "\x03", ""] {
        let mut watched = watch(&site, &[], NARROW);
        watched.until_shows("13 things need you");
        if end.is_empty() {
            watched.terminate();
        } else {
            watched.type_in(end);
        }
        let ended = watched.end();
        assert_eq!(ended.code, 0, "{end:?}: {ended:?}");
        assert!(ended.takes_lines, "{end:?}: {ended:?}");
        let shown_again = ended.printed.rfind("\x1b[?25h").unwrap();
        assert!(ended.printed[shown_again..].contains("\x1b[?1049l"), "{end:?}: {ended:?}");
    }
    // A terminal that cannot be drawn on gets lines.
    let config = site.config();
    let args = ["watch", "--config", config.to_str().unwrap()];
    let mut plain = Terminal::start(&args, &[("TERM", "dumb")], NARROW);
    plain.until_shows("13 things need you");
    plain.terminate();
    let ended = plain.end();
    assert!(ended.takes_lines && !ended.printed.contains("\x1b[?1049h"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_is_seen_from_its_signal_to_its_proof() {
    let mut site = Installation::new(InstallationPlan::default()).await;
    let away = site.take_down();
    let running = site.start().await;
    let mut watched = watch(&site, &[], DESK);
    watched.until_shows("nothing at work · daemon running");
    site.says(&["revoke", "username:user01", "--reason", "compromised"]).await;
    let at_work = watched.until_shows("1 case at work");
    assert!(at_work.contains("case 1 user01 (compromised): chat"), "{at_work}");
    assert!(at_work.contains("case.opened  case 1 user01"), "{at_work}");
    let mut followed = watch(&site, &["--case", "1"], NARROW);
    let course = followed
        .until(|screen| screen.contains("case.opened") && screen.lines().last().is_some_and(|line| line.contains("user01")));
    assert!(
        course
            .lines()
            .next()
            .unwrap()
            .contains("case 1 · user01 · compromised · open"),
        "{course}"
    );
    site.bring_up(away).await;
    let contained = followed.until_shows("CONTAINED");
    assert!(contained.lines().next().unwrap().contains("· closed"), "{contained}");
    assert!(contained.contains("case.contained"), "{contained}");
    followed.type_in("q");
    let ended = followed.end();
    assert!(ended.code == 0 && ended.takes_lines, "{ended:?}");
    watched.until_shows("case.contained  case 1 user01");
    // The number of a case leads to it and back.
    watched.type_in("12");
    watched.until_shows("case 12_");
    watched.type_in("\x7f\r");
    watched.until_shows("case 1 · user01 · compromised · closed");
    watched.type_in("q");
    watched.until_shows("nothing at work · daemon running");
    watched.type_in("4711\r");
    watched.until_shows("there is no case 4711");
    watched.type_in("\x03");
    assert_eq!(watched.end().code, 0);
    let none = site.says(&["watch", "--case", "4711"]).await;
    assert!(none.code != 0 && none.err.contains("4711"), "{none:?}");
    let read = site.ask(&["trail", "show", "--kind", "people.read"]).await;
    assert!(read.to_string().contains("watch --case"), "{read}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_pipe_each_change_is_a_line_and_for_programs_an_object() {
    let site = Installation::new(InstallationPlan {
        policy: "protected = [\"username:user05\"]",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    let (mut child, mut lines) = piped(&site, &["--json"]);
    let (mut text, mut texts) = piped(&site, &[]);
    let sum: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!(
        (&sum["change"], &sum["needs"], &sum["daemon_running"]),
        (&"sum".into(), &0.into(), &true.into()),
        "{sum}"
    );
    assert!(
        texts
            .next()
            .unwrap()
            .ends_with("nothing needs you · nothing at work · daemon running")
    );
    let contained = site.revoke("username:user01", "compromised", &[]).await;
    assert_eq!(contained.code, 0, "{contained:?}");
    let held = site.says(&["revoke", "username:user05", "--reason", "compromised"]).await;
    assert_eq!(held.code, 14, "{held:?}");
    let mut seen = Vec::new();
    for line in lines.by_ref() {
        let change: Value = serde_json::from_str(&line).unwrap();
        let is_last = change["change"] == "need";
        seen.push(change);
        if is_last {
            break;
        }
    }
    let of = |kind: &str| seen.iter().filter(|change| change["change"] == kind).count();
    assert_eq!(
        (of("case.opened"), of("case.contained"), of("need"), of("hold.placed")),
        (2, 1, 1, 0),
        "{seen:#?}"
    );
    let need = seen.last().unwrap();
    assert_eq!(
        (&need["name"], &need["decision"], &need["command"]),
        (&"hold 1".into(), &true.into(), &"revoked hold show 1".into())
    );
    assert!(texts.by_ref().any(|line| line.contains(" case.contained case 1 user01")));
    assert!(
        texts
            .by_ref()
            .any(|line| line.contains(" hold 1: ") && line.ends_with("→ revoked hold show 1"))
    );
    drop((lines, texts));
    for child in [&mut child, &mut text] {
        let ended = until("it ends with its reader", async || child.try_wait().unwrap()).await;
        assert!(ended.success(), "{ended:?}");
    }
    let (mut child, mut course) = piped(&site, &["--case", "1"]);
    assert!(course.any(|line| line.contains(" case.contained ")));
    drop(course);
    let ended = until("it ends with its reader", async || child.try_wait().unwrap()).await;
    assert!(ended.success(), "{ended:?}");
    running.stop().await;
}
