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
    for part in [
        "hold 1 · 25 people · source inbox",
        "limit 5 a minute",
        "user06, user07, user08, …  revoked hold show 1",
    ] {
        assert!(screen.contains(part), "{part} is not on\n{screen}");
    }
    assert_eq!(screen.lines().filter(|line| !line.trim().is_empty()).count(), 3, "{screen}");
    let shown = site.says(&["hold", "show", "1"]).await;
    let last = shown.out.lines().last().unwrap();
    assert!(
        last.starts_with("to have it carried out for these 25 people: revoked hold approve 1 --set "),
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
        .says(&["hold", "reject", &number, "--yes", "--note", "the break-glass account"])
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
async fn a_rejection_at_a_terminal_shows_the_set_and_asks_for_the_number_and_the_reason() {
    let site = limited().await;
    let running = site.start().await;
    site.ask_for(1..=8, "compromised").await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 3).await;
    for (script, why) in [
        (
            &["hold", "reject", "1", "--note", "x"][..],
            "say with --set which set is rejected: revoked hold show 1 prints it",
        ),
        (&["hold", "reject", "1", "--yes"], "say why with --note"),
    ] {
        let refused = site.says(script).await;
        assert!(refused.code == 2 && refused.err.contains(why), "{refused:?}");
    }
    for (answers, said) in [
        (&["8\r"][..], "nothing was decided"),
        (&["3\r", "\r"], "without a reason nothing was decided"),
    ] {
        let mut doubtful = site.typed(&["hold", "reject", "1"], WIDE);
        let screen = doubtful.until_shows("to leave these 3 people as they are, type their number (3)");
        assert!(screen.contains("username:user07"), "{screen}");
        doubtful.type_in(answers[0]);
        if let Some(note) = answers.get(1) {
            doubtful.until_shows("why, for the trail:");
            doubtful.type_in(note);
        }
        let ended = doubtful.end();
        assert!(ended.code == 1 && ended.screen.ends_with(said), "{ended:?}");
    }
    assert_eq!(site.count("SELECT count(*) FROM cases WHERE state = 'held'").await, 3);

    let mut certain = site.typed(&["hold", "reject", "1"], NARROW);
    certain.until_shows("(3)");
    certain.type_in("3\r");
    certain.until_shows("why, for the trail:");
    certain.type_in("a test of the feed\r");
    let ended = certain.end();
    assert!(
        ended.code == 0 && ended.screen.ends_with("hold 1 rejected: 3 cases are cancelled"),
        "{ended:?}"
    );
    let note = site
        .count("SELECT count(*) FROM hold WHERE state = 'rejected' AND note = 'a test of the feed'")
        .await;
    assert_eq!(note, 1);
    running.stop().await;
}

#[tokio::test]
async fn cases_are_named_by_ranges_and_people_and_every_hint_repeats_what_was_typed() {
    let site = Installation::new(InstallationPlan {
        people: 20,
        policy: "protected = [\"username:user01\", \"username:user02\", \"username:user03\", \"username:user04\", \"username:user05\"]",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    site.ask_for(1..=5, "departed").await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 5).await;
    let shown = async |choice: &[&str]| {
        let said = site.says(&[&["hold", "show", "1"][..], choice].concat()).await;
        assert_eq!(said.code, 0, "{said:?}");
        said.out
    };
    let first = site.ask(&["hold", "show", "1"]).await["cases"][0]["case"].as_i64().unwrap();
    let (second, last) = (first + 1, first + 4);
    let all_but_two = shown(&["--except", &format!("{second}-{last}")]).await;
    assert!(
        all_but_two.contains(&format!("taken out, and held on: {second}-{last}\n")) && !all_but_two.contains("user03"),
        "{all_but_two}"
    );
    let lines: Vec<&str> = all_but_two.lines().collect();
    let set = set_in(&all_but_two);
    assert_eq!(
        lines[lines.len() - 2..],
        [
            format!("to leave it: revoked hold reject 1 --except {second}-{last} --set {set}").as_str(),
            format!("to end the access of this person: revoked hold approve 1 --except {second}-{last} --set {set}").as_str(),
        ],
        "{all_but_two}"
    );
    // The others are the same set by whichever of the two it is named.
    let only = shown(&["--only", "username:user01"]).await;
    assert_eq!(set_in(&only), set, "{only}");
    assert!(
        only.contains(&format!("revoked hold approve 1 --only username:user01 --set {set}")),
        "{only}"
    );
    let bare = shown(&["--except", "user01,user02"]).await;
    assert!(
        !bare.contains("username:user02") && bare.contains("username:user03"),
        "{bare}"
    );

    for (choice, why) in [
        (
            ["--except", "900-999"],
            "no case of 900-999 waits under hold 1; look again with revoked hold show 1",
        ),
        (["--only", "999"], "case 999 does not wait under hold 1"),
        (
            ["--only", "username:user09"],
            "no case about username:user09 waits under hold 1",
        ),
        (["--except", "9-1"], "write the lower number first: 1-9"),
    ] {
        let refused = site.says(&[&["hold", "show", "1"][..], &choice].concat()).await;
        assert!(refused.code == 2 && refused.err.contains(why), "{refused:?}");
    }
    let refused = site.says(&["hold", "show", "leavers"]).await;
    assert!(
        refused.code == 2 && refused.err.contains("a hold is meant by its number"),
        "{refused:?}"
    );
    let unsaid = site.says(&["hold", "approve", "1", "--only", "username:user01"]).await;
    assert!(
        unsaid.code == 2 && unsaid.err.contains("revoked hold show 1 --only username:user01 prints it"),
        "{unsaid:?}"
    );
    let stale = site
        .says(&["hold", "approve", "1", "--only", "username:user02", "--set", &set])
        .await;
    assert!(
        stale.code == 1
            && stale
                .err
                .contains("look at it again with revoked hold show 1 --only username:user02"),
        "{stale:?}"
    );
    let approved = site
        .says(&["hold", "approve", "1", "--only", "username:user01", "--set", &set])
        .await;
    // What is held on is the set that the page shows.
    let rest = site.ask(&["hold", "show", "1"]).await["set"].as_str().unwrap().to_owned();
    assert_eq!(
        approved.out,
        format!(
            "hold 1 approved: 1 case goes on; 4 cases stay held\n\
             held on: cases {second}-{last}, which is the set {rest} now: revoked hold show 1\n\
             follow it: revoked case show 1 --follow\n"
        ),
        "{approved:?}"
    );
    let shown = shown(&[]).await;
    assert!(
        shown.contains(&format!("this is the set {rest}\n")) && set_in(&shown) == rest,
        "{shown}"
    );
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
