//! Deciding about what waits, as it is typed and read.

use std::process::Stdio;

use crate::harness::pty::{NARROW, Terminal, WIDE};
use crate::harness::{Installation, InstallationPlan};

/// An installation with its daemon's limits as they are unless somebody says otherwise.
async fn limited() -> Installation {
    Installation::new(InstallationPlan {
        people: 40,
        policy: "",
        ..InstallationPlan::default()
    })
    .await
}

impl Installation {
    fn shown(&self, args: &[&str], size: crate::harness::pty::Size) -> crate::harness::pty::Ended {
        self.typed(args, size).end()
    }

    fn typed(&self, args: &[&str], size: crate::harness::pty::Size) -> Terminal {
        let config = self.config();
        let args: Vec<&str> = args.iter().copied().chain(["--config", config.to_str().unwrap()]).collect();
        Terminal::start(&args, &[], size)
    }
}

/// The set in the last line that shows it.
fn set_in(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words
        .iter()
        .rposition(|word| *word == "--set")
        .unwrap_or_else(|| panic!("no set in {text}"));
    words[at + 1].to_owned()
}

#[tokio::test]
async fn thirty_requests_by_hand_over_a_limit_are_one_hold_and_two_commands() {
    let site = limited().await;
    let running = site.start().await;
    for n in 1..=30 {
        let asked = site
            .says(&["revoke", &format!("username:user{n:02}"), "--reason", "compromised"])
            .await;
        assert!(matches!(asked.code, 0 | 14), "{asked:?}");
    }
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 25).await;
    let holds = site.ask(&["hold", "list"]).await;
    assert_eq!(holds.as_array().unwrap().len(), 1, "{holds:#}");
    assert_eq!(
        (&holds[0]["people"], &holds[0]["limit"]),
        (&25.into(), &"5 a minute".into()),
        "{holds:#}"
    );
    assert_eq!(site.alerts().await, ["hold"]);

    let screen = site.shown(&["hold", "list"], NARROW).screen;
    for part in ["25:", "inbox", "username:user06", "revoked hold show 1"] {
        assert!(screen.contains(part), "{part} is not on\n{screen}");
    }
    let shown = site.says(&["hold", "show", "1"]).await;
    let last = shown.out.lines().last().unwrap();
    assert!(
        last.starts_with("to let these 25 people go on: revoked hold approve 1 --set "),
        "{last}"
    );
    let approved = site.says(&["hold", "approve", "1", "--set", &set_in(last)]).await;
    assert_eq!(
        approved.out, "hold 1 approved: 25 cases go on\nfollow them: revoked status --watch\n",
        "{approved:?}"
    );
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 30)
        .await;
    running.stop().await;
}

#[tokio::test]
async fn at_a_terminal_an_approval_shows_the_set_and_asks_for_the_number_of_people() {
    let site = limited().await;
    let running = site.start().await;
    site.ask_for(1..=8, "compromised").await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 3).await;
    let script = site.says(&["hold", "approve", "1"]).await;
    assert!(
        script.code == 2 && script.err.contains("say with --set") && script.out.is_empty(),
        "{script:?}"
    );

    let mut doubtful = site.typed(&["hold", "approve", "1"], WIDE);
    let screen = doubtful.until_shows("type their number (3)");
    assert!(screen.contains("username:user07"), "{screen}");
    doubtful.type_in("y\r");
    let ended = doubtful.end();
    assert!(ended.code == 1 && ended.screen.ends_with("nothing was decided"), "{ended:?}");
    assert_eq!(site.count("SELECT count(*) FROM cases WHERE state = 'held'").await, 3);

    let mut certain = site.typed(&["hold", "approve", "1"], NARROW);
    certain.until_shows("(3)");
    certain.type_in("3\r");
    let ended = certain.end();
    assert!(
        ended.code == 0 && ended.screen.contains("hold 1 approved: 3 cases go on"),
        "{ended:?}"
    );
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 8)
        .await;
    running.stop().await;
}

#[tokio::test]
async fn what_is_confirmed_is_what_was_shown_and_not_what_has_come_since() {
    let site = limited().await;
    let running = site.start().await;
    site.ask_for(1..=7, "compromised").await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 2).await;
    let mut asked = site.typed(&["hold", "approve", "1"], WIDE);
    asked.until_shows("(2)");
    site.ask_for(8..=8, "compromised").await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 3).await;
    asked.type_in("2\r");
    let ended = asked.end();
    assert!(
        ended.code == 1 && ended.screen.contains("now covers another set"),
        "{ended:?}"
    );
    assert_eq!(site.count("SELECT count(*) FROM cases WHERE state = 'held'").await, 3);
    running.stop().await;
}

#[tokio::test]
async fn all_of_a_source_is_rehearsed_decided_in_part_and_rejected_for_the_rest() {
    let site = Installation::new(InstallationPlan {
        people: 20,
        policy: "protected = [\"username:user12\"]",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    site.ask_for(1..=8, "compromised").await;
    site.ask_for(12..=12, "departed").await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 4).await;
    let listed = site.says(&["hold", "list"]).await.out;
    assert!(
        listed.contains("all 2 of inbox as one decision: revoked hold approve --all-of inbox"),
        "{listed}"
    );

    let protected = site
        .count("SELECT id FROM cases WHERE hold = (SELECT id FROM hold WHERE why = 'protected')")
        .await
        .to_string();
    let rehearsed = site
        .says(&["hold", "approve", "--all-of", "inbox", "--except", &protected])
        .await;
    assert_eq!(rehearsed.code, 0, "{rehearsed:?}");
    assert!(
        rehearsed.out.contains(&format!("taken out, and held on: {protected}")),
        "{rehearsed:?}"
    );
    assert_eq!(
        site.count("SELECT count(*) FROM cases WHERE state = 'held'").await,
        4,
        "nothing is decided by a look"
    );
    let set = set_in(&rehearsed.out);
    let args = ["hold", "approve", "--all-of", "inbox", "--except", &protected, "--set", &set];
    let approved = site.says(&args).await;
    assert!(approved.out.contains("3 cases go on; case"), "{approved:?}");
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 1).await;

    let unknown = site.says(&["hold", "approve", "--all-of", "siem"]).await;
    assert!(
        unknown.code == 2 && unknown.err.contains("nothing of source siem waits"),
        "{unknown:?}"
    );
    let number = site.ask(&["hold", "list"]).await[0]["id"].to_string();
    let rejected = site
        .says(&["hold", "reject", &number, "--note", "the break-glass account"])
        .await;
    assert_eq!(
        rejected.out,
        format!("hold {number} rejected: 1 case is cancelled\n"),
        "{rejected:?}"
    );
    assert!(site.alerts().await.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn of_two_approvers_at_once_one_decides_and_the_other_is_told_who() {
    let site = limited().await;
    let running = site.start().await;
    site.ask_for(1..=9, "compromised").await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 4).await;
    let set = site.ask(&["hold", "show", "1"]).await["set"].as_str().unwrap().to_owned();
    let approve = || {
        let mut command = site.command(&["hold", "approve", "1", "--set", &set]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
    };
    let (one, other) = tokio::join!(approve(), approve());
    let outputs = [one.unwrap(), other.unwrap()].map(crate::harness::CommandOutput::of);
    let refused: Vec<_> = outputs.iter().filter(|output| output.code != 0).collect();
    assert_eq!(refused.len(), 1, "{outputs:?}");
    assert!(refused[0].err.contains("was approved by operator:"), "{refused:?}");
    assert_eq!(site.entries("hold.approved").await, 1);
    running.stop().await;
}
