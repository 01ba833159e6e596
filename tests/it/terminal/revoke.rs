//! What `revoke` says: at once whether it acts, waits or is held; one line while it lasts; the answer last. And lists of people as one set.

use revoked_sandbox::{Effect, Fault};
use serde_json::Value;

use crate::harness::chat_holdings::Holdings;
use crate::harness::pty::{NARROW, Terminal, WIDE};
use crate::harness::{CommandOutput, Installation, InstallationPlan, until};

/// Up to five compromises a minute, as a config says that says nothing, and one protected person.
async fn limited(people: usize) -> Installation {
    Installation::new(InstallationPlan {
        people,
        policy: "protected = [\"username:user02\"]",
        ..InstallationPlan::default()
    })
    .await
}

impl Installation {
    /// A command in a terminal.
    fn in_terminal(&self, args: &[&str], variables: &[(&str, &str)], size: crate::harness::pty::Size) -> Terminal {
        let config = self.config();
        let mut args = args.to_vec();
        args.extend(["--config", config.to_str().unwrap()]);
        Terminal::start(&args, variables, size)
    }

    /// Writes a list of people, and gives its path.
    fn list(&self, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path("people.csv");
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// `revoke --from` in a script.
    async fn revoke_list(&self, list: &str, more: &[&str]) -> CommandOutput {
        let mut args = vec!["revoke", "--from", list, "--reason", "compromised"];
        args.extend(more);
        self.says(&args).await
    }

    /// The hash of the set that a list is shown as.
    async fn set_of(&self, list: &str) -> String {
        let shown = self.revoke_list(list, &[]).await;
        assert_eq!(shown.code, 2, "{shown:?}");
        let (_, set) = shown.err.trim().rsplit_once("--set ").unwrap();
        set.to_owned()
    }
}

/// The addresses of people of the chat server, one a line.
fn addresses(people: impl Iterator<Item = usize>) -> String {
    people
        .map(|n| format!("user{n:02}@example.test\n"))
        .collect::<Vec<_>>()
        .concat()
}

fn last(text: &str) -> &str {
    // A terminal shows Ctrl-C itself, now and then behind what the program said last.
    text.trim_end().lines().last().unwrap().trim_end_matches("^C").trim_end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_waiting_it_says_at_once_whether_it_acts_waits_or_is_held() {
    let site = limited(12).await;
    site.start().await.stop().await;
    let stored = site.says(&["revoke", "username:user01", "--reason", "compromised"]).await;
    assert!(
        stored.code == 0 && stored.out.contains("request 1 is stored; the daemon is not running"),
        "{stored:?}"
    );
    let _running = site.start().await;
    let acts = site.says(&["revoke", "username:user03", "--reason", "compromised"]).await;
    assert_eq!(acts.code, 0, "{acts:?}");
    // It may be over before it can be said that it acts.
    assert!(
        acts.out == "case 2 · acting on user03 at chat (follow: revoked case show 2 --follow)\n"
            || acts.out.starts_with("case 2 · CONTAINED user03 at chat"),
        "{acts:?}"
    );
    let waits = site
        .says(&["revoke", "username:user04", "--reason", "departed", "--at", "2h"])
        .await;
    assert_eq!(waits.code, 0, "{waits:?}");
    assert!(
        waits.out.starts_with("case 3 · user04 at chat waits until ") && waits.out.contains("revoked case cancel 3"),
        "{waits:?}"
    );
    let held = site.says(&["revoke", "username:user02", "--reason", "compromised"]).await;
    assert_eq!(held.code, 14, "{held:?}");
    assert_eq!(
        held.out,
        "HELD: hold 1 (a protected subject is never acted on without a human): nothing was done · revoked hold show 1\n"
    );
    let told = site
        .says(&["revoke", "username:user02", "--reason", "compromised", "--json"])
        .await;
    assert_eq!(told.code, 14, "{told:?}");
    let told = told.json();
    assert_eq!(
        (&told["state"], &told["hold"], &told["case"]),
        (&"held".into(), &1.into(), &4.into())
    );
    let rejected = site
        .says(&["revoke", "username:user05", "--reason", "compromised", "--key", "k"])
        .await;
    assert_eq!(rejected.code, 0, "{rejected:?}");
    let rejected = site
        .says(&["revoke", "username:user06", "--reason", "compromised", "--key", "k"])
        .await;
    assert!(
        rejected.code == 16 && rejected.out.starts_with("REJECTED: request "),
        "{rejected:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_verdict_is_the_last_line_of_a_small_screen_and_what_is_not_covered_is_counted() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    for size in [NARROW, WIDE] {
        let ended = site
            .in_terminal(&["revoke", "username:user01", "--reason", "compromised", "--wait"], &[], size)
            .end();
        assert_eq!(ended.code, 0, "{ended:?}");
        let answer = last(&ended.screen);
        assert!(
            answer.starts_with("CONTAINED user01 at chat in ") && answer.contains(" ended"),
            "{}",
            ended.screen
        );
        assert!(!ended.screen.contains("not covered at"), "{}", ended.screen);
        assert!(ended.printed.contains("\x1b[32mCONTAINED"), "{}", ended.printed);
    }
    let piped = site.says(&["case", "show", "1"]).await.out;
    assert!(
        piped.contains("not covered: ") && !piped.contains("not covered at chat"),
        "{piped}"
    );
    let explained = site.says(&["case", "show", "1", "--explain"]).await.out;
    assert!(explained.contains("  not covered at chat: "), "{explained}");
    assert_eq!(last(&piped), last(&explained));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_an_answer_of_its_own_with_its_own_exit_code() {
    let site = Installation::new(InstallationPlan::default()).await;
    let rehearsed = site
        .says(&["revoke", "username:ghost", "--reason", "compromised", "--rehearse"])
        .await;
    assert_eq!(rehearsed.code, 12, "{rehearsed:?}");
    assert_eq!(
        last(&rehearsed.out),
        "NOBODY to act on: username:ghost is no account at chat; nothing was changed"
    );
    assert!(!rehearsed.out.contains("not covered"), "{rehearsed:?}");
    let there = site
        .says(&["revoke", "username:user01", "--reason", "compromised", "--rehearse"])
        .await;
    assert!(
        there.code == 0 && last(&there.out).starts_with("REHEARSED username:user01 at chat: "),
        "{there:?}"
    );
    assert!(there.out.contains("(--explain)"), "{there:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_the_way_is_said_in_a_line_and_ctrl_c_leaves_the_work_running() {
    let mut site = Installation::new(InstallationPlan {
        attempts: 8,
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    let away = site.take_down();
    let mut waiting = site.in_terminal(
        &["revoke", "username:user01", "--reason", "compromised", "--wait"],
        &[],
        NARROW,
    );
    let screen = waiting.until_shows("next in ");
    // The cause stands where no narrow screen cuts it.
    assert!(
        screen.contains("case 1 · chat: no answer ") && screen.contains(" · 00:"),
        "{screen}"
    );
    let screen = waiting.until_shows("case 1 · chat: no answer since ");
    assert!(screen.contains("(refused)"), "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    waiting.type_in("\x03");
    let ended = waiting.end();
    assert_eq!(ended.code, 15, "{ended:?}");
    assert_eq!(
        last(&ended.screen),
        "case 1: the work goes on; follow it: revoked case show 1 --follow"
    );
    // A locale without UTF-8 sees no character that it cannot show.
    let mut plain = site.in_terminal(&["case", "show", "1", "--follow"], &[("LC_ALL", "C")], NARROW);
    let screen = plain.until_shows("chat");
    assert!(screen.is_ascii() && screen.contains("case 1 - chat"), "{screen}");
    site.bring_up(away).await;
    let ended = plain.end();
    assert!(
        ended.code == 0 && last(&ended.screen).starts_with("CONTAINED user01 at chat in "),
        "{ended:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_pipe_there_is_a_line_a_change_and_in_json_none() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    site.chat()
        .faults()
        .add(Fault::on("POST", "/api/v4/users/*/sessions/revoke/all", Effect::Latency(900)));
    let said = site
        .says(&["revoke", "username:user01", "--reason", "compromised", "--wait"])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("case 1 · chat: ") && !said.err.contains('\r'), "{said:?}");
    let lines: Vec<&str> = said.err.lines().map(|line| line.rsplit_once(" · ").unwrap().0).collect();
    assert!(lines.windows(2).all(|pair| pair[0] != pair[1]), "{lines:?}");
    let json = site.revoke("username:user02", "compromised", &[]).await;
    assert!(json.code == 0 && json.err.is_empty(), "{json:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_shown_counted_confirmed_and_followed_as_one() {
    let site = limited(12).await;
    let _running = site.start().await;
    let list = site.list(String::from(
        "# from the mail gateway\nwhen;E-Mail\n03:12;user03@example.test\n\n03:13;USER04@example.test\n03:14;user03@example.test\n;ghost@example.test\n"
    ));
    let shown = site.revoke_list(&list, &[]).await;
    assert_eq!(shown.code, 2, "{shown:?}");
    assert!(
        shown.out.starts_with("3 people in ") && shown.out.contains("  3 would be acted on at once\n"),
        "{shown:?}"
    );
    assert!(shown.out.contains("  1 named again, counted once\n"), "{shown:?}");
    assert_eq!(site.count("SELECT count(*) FROM inbox").await, 0, "showing asks for nothing");
    let wrong = site.revoke_list(&list, &["--set", "0123456789abcdef"]).await;
    assert!(wrong.code == 2 && wrong.err.contains("nothing was done"), "{wrong:?}");

    let mut typed = site.in_terminal(&["revoke", "--from", &list, "--reason", "compromised", "--wait"], &[], NARROW);
    typed.until_shows("type the number of people");
    typed.type_in("3\n");
    let ended = typed.end();
    assert_eq!(ended.code, 12, "the worst of the set: {ended:?}");
    let answer = last(&ended.screen);
    assert!(answer.starts_with("3 people: 2 contained, 1 nobody in "), "{}", ended.screen);
    assert!(ended.screen.contains("user04@example.test  "), "{}", ended.screen);
    assert!(Holdings::of(site.chat(), "user03").is_out() && Holdings::of(site.chat(), "user04").is_out());
    assert_eq!(
        site.count("SELECT count(DISTINCT batch) FROM cases WHERE batch IS NOT NULL")
            .await,
        1
    );

    // The same people within the day, in another order: no second case, and nothing to confirm.
    let again = site.list("user04@example.test\nghost@example.test\nuser03@example.test\n");
    let followed = site.revoke_list(&again, &["--wait", "--json"]).await;
    assert_eq!(followed.code, 12, "{followed:?}");
    assert_eq!(followed.rows().as_array().unwrap().len(), 3);
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 3);
    assert_eq!(site.count("SELECT count(*) FROM inbox").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_confirms_a_list_can_be_pasted_as_it_is_printed() {
    let site = limited(12).await;
    let _running = site.start().await;
    let list = site.list(addresses(3..=4));
    let shown = site.revoke_list(&list, &["--wait", "--note", "ticket 9, \"phish\""]).await;
    let (_, command) = shown.err.trim().rsplit_once("to do it: revoked ").unwrap();
    assert!(!command.contains('…'), "{command}");
    let pasted = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!("{} {command}", env!("CARGO_BIN_EXE_revoked")))
        .output()
        .unwrap();
    let pasted = CommandOutput::of(pasted);
    assert_eq!(pasted.code, 0, "{pasted:?}");
    assert!(last(&pasted.out).starts_with("2 people: 2 contained in "), "{pasted:?}");
    assert_eq!(
        site.count("SELECT count(*) FROM cases WHERE note = 'ticket 9, \"phish\"'")
            .await,
        2
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_daemon_it_is_said_that_nothing_goes_on_and_who_waits_for_it() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let mut waiting = site.in_terminal(
        &["revoke", "username:user01", "--reason", "compromised", "--wait"],
        &[],
        NARROW,
    );
    waiting.until_shows("request 1 · the daemon is not running");
    waiting.type_in("\x03");
    let ended = waiting.end();
    assert_eq!(ended.code, 15, "{ended:?}");
    let said = "the daemon is not running: nothing is done until it is (systemctl start revoked)";
    let shown = ended.screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains(said), "{}", ended.screen);
    let list = site.list(addresses(2..=5));
    let set = site.set_of(&list).await;
    let args = ["revoke", "--from", &list, "--reason", "compromised", "--set", &set, "--wait"];
    let mut listed = site.in_terminal(&args, &[], WIDE);
    listed.until_shows("4 people · 4 not taken up · the daemon is not running");
    listed.type_in("\x03");
    let ended = listed.end();
    assert!(
        ended.code == 15 && ended.screen.contains("nothing is done until it is"),
        "{ended:?}"
    );
    let status = site.says(&["status"]).await;
    assert!(
        status
            .out
            .contains("not running: 5 requests wait: user01, user02@example.test, user03@example.test and 2 more"),
        "{status:?}"
    );
    assert_eq!(site.ask(&["status"]).await["requests"]["count"], 5);
    let cases = site.says(&["case", "list"]).await;
    assert!(cases.out.contains(&format!("5 requests wait: {said}")), "{cases:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_what_is_followed_is_that_of_the_work() {
    let mut site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let away = site.take_down();
    site.says(&["revoke", "username:user01", "--reason", "compromised"]).await;
    site.until_count("SELECT count(*) FROM cases", 1).await;
    sqlx::query("UPDATE cases SET received_at = received_at - 3600000")
        .execute(&mut site.sql().await)
        .await
        .unwrap();
    let mut followed = site.in_terminal(&["case", "show", "1", "--follow"], &[], NARROW);
    followed.until_shows(" · 1:00:");
    followed.type_in("\x03");
    assert_eq!(followed.end().code, 15);
    site.bring_up(away).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_a_case_already_is_said_to_before_another_is_opened() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    assert_eq!(site.revoke("user01@example.test", "compromised", &[]).await.code, 0);
    // By the account that was found: the name is another.
    let args = ["revoke", "username:user01", "--reason", "compromised"];
    let rehearsed = site.says(&[&args[..], &["--rehearse"]].concat()).await;
    assert!(
        rehearsed.out.contains("  case 1 is about the same person: contained "),
        "{rehearsed:?}"
    );
    let asked = site.says(&[&args[..], &["--wait"]].concat()).await;
    assert!(
        asked.code == 0 && asked.err.contains("case 1 is about the same person: contained "),
        "{asked:?}"
    );
    let other = site.says(&["revoke", "username:user02", "--reason", "compromised"]).await;
    assert!(!other.err.contains("the same person"), "{other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_reason_the_reasons_and_the_command_are_named() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let refused = site.says(&["revoke", "user01@example.test"]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("say why with --reason (compromised, departed, ")
            && refused.err.contains("revoked revoke user01@example.test ")
            && refused.err.trim().ends_with(" --reason compromised"),
        "{refused:?}"
    );
    assert_eq!(site.count("SELECT count(*) FROM inbox").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wrong_number_does_nothing() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let list = site.list(addresses(1..=3));
    let mut typed = site.in_terminal(&["revoke", "--from", &list, "--reason", "compromised"], &[], NARROW);
    typed.until_shows("type the number of people");
    typed.type_in("y\n");
    let ended = typed.end();
    assert!(
        ended.code == 2 && ended.screen.contains("3 was not typed: nothing was done"),
        "{ended:?}"
    );
    assert_eq!(site.count("SELECT count(*) FROM inbox").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_over_the_limit_waits_whole_under_one_hold_and_goes_on_after_one_approval() {
    let site = limited(32).await;
    let _running = site.start().await;
    let list = site.list(addresses(3..=32));
    let shown = site.revoke_list(&list, &[]).await;
    assert!(
        shown
            .out
            .contains("  all of them would wait under one hold: up to 5 a minute are acted on at once\n"),
        "{shown:?}"
    );
    let set = site.set_of(&list).await;
    let held = site.revoke_list(&list, &["--set", &set, "--wait"]).await;
    assert_eq!(held.code, 14, "{held:?}");
    let answer = last(&held.out);
    assert!(
        answer.starts_with("HELD 30 people · revoked hold approve 1 --set ") && answer.ends_with(" --wait"),
        "{held:?}"
    );
    assert_eq!(site.count("SELECT count(*) FROM hold").await, 1);
    assert_eq!(site.count("SELECT count(*) FROM cases WHERE state = 'held'").await, 30);
    assert_eq!(site.count("SELECT count(*) FROM action").await, 0, "nothing was done");

    let (_, approve) = answer.split_once("revoked ").unwrap();
    let words: Vec<&str> = approve.split(' ').collect();
    // Two commands, and the second has the proof.
    let approved = site.says(&words).await;
    assert_eq!(approved.code, 0, "{approved:?}");
    assert!(approved.out.starts_with("hold 1 approved: 30 cases go on\n"), "{approved:?}");
    assert!(last(&approved.out).starts_with("30 people: 30 contained in "), "{approved:?}");
    // However late somebody looks, it took as long as it took.
    let done = site.revoke_list(&list, &["--wait", "--timeout", "110"]).await;
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(last(&done.out), last(&approved.out));
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_over_the_limit_only_with_those_before_it_says_so() {
    let site = limited(12).await;
    let _running = site.start().await;
    for n in 4..=7 {
        let asked = site
            .says(&["revoke", &format!("username:user{n:02}"), "--reason", "compromised"])
            .await;
        assert_eq!(asked.code, 0, "{asked:?}");
    }
    let list = site.list(addresses(8..=9));
    let shown = site.revoke_list(&list, &[]).await;
    let said = "  all of them would wait under one hold: up to 5 a minute are acted on at once, and 4 were asked for since ";
    assert!(shown.out.contains(said), "{shown:?}");
    let set = site.set_of(&list).await;
    let held = site.revoke_list(&list, &["--set", &set]).await;
    assert_eq!(held.code, 14, "{held:?}");
    assert!(
        held.out.contains(
            "a list asks for 2 compromises as one, 4 were asked for in the minute before, and 5 a minute need nobody's word"
        ),
        "{held:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_was_interrupted_goes_on_and_makes_no_second_case() {
    let mut site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let away = site.take_down();
    let list = site.list(addresses(1..=4));
    let set = site.set_of(&list).await;
    let args = ["revoke", "--from", &list, "--reason", "compromised", "--set", &set, "--wait"];
    let mut waiting = site.in_terminal(&args, &[], NARROW);
    waiting.until_shows("4 people · 4 wait: chat does not answer");
    waiting.type_in("\x03");
    let ended = waiting.end();
    assert!(
        ended.code == 15 && last(&ended.screen).contains("--wait goes on"),
        "{ended:?}"
    );
    site.bring_up(away).await;
    let done = site.revoke_list(&list, &["--wait", "--timeout", "110"]).await;
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("the same list was asked for "), "{done:?}");
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_with_a_bad_line_does_nothing_and_names_each() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    for (bytes, said) in [
        (&b"user01@example.test\nbob\n"[..], "line 2: cannot tell what \"bob\" names"),
        (b"username,why\nuser01,\"phish\nuser02,x\n", "line 2: a quote is not closed"),
        (b"name,why\nuser01,x\n", "line 1: no column of the header names people"),
        (b"user01@example.test\nM\xfcller@example.test\n", "line 2: it is not UTF-8"),
        (b"\n# nobody\n", "nobody stands in "),
    ] {
        let list = site.list(bytes);
        let refused = site.revoke_list(&list, &["--set", "0123456789abcdef"]).await;
        assert!(refused.code == 2 && refused.err.contains(said), "{said}: {refused:?}");
        assert!(refused.err.contains("nothing was done"), "{refused:?}");
    }
    assert_eq!(site.count("SELECT count(*) FROM inbox").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_rehearsed_against_the_targets_and_changes_nothing() {
    let site = limited(12).await;
    site.start().await.stop().await;
    let list = site.list("user02@example.test\nuser03@example.test\nghost@example.test\n");
    let rehearsed = site.revoke_list(&list, &["--rehearse"]).await;
    assert_eq!(rehearsed.code, 0, "{rehearsed:?}");
    assert!(
        rehearsed
            .out
            .contains("  1 is no account anywhere: email:ghost@example.test\n"),
        "{rehearsed:?}"
    );
    assert!(last(&rehearsed.out).starts_with("REHEARSED 3 people: "), "{rehearsed:?}");
    let nobody = site.list("ghost@example.test\n");
    let rehearsed = site.revoke_list(&nobody, &["--rehearse", "--json"]).await;
    assert_eq!(rehearsed.code, 12, "{rehearsed:?}");
    assert_eq!(rehearsed.json()["nobody"], serde_json::json!(["email:ghost@example.test"]));
    assert_eq!(site.count("SELECT count(*) FROM inbox").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_protected_by_another_name_is_seen_by_the_rehearsal_and_afterwards_without_it() {
    let site = limited(12).await;
    let _running = site.start().await;
    // The config protects username:user02.
    let list = site.list(addresses(2..=3));
    let shown = site.revoke_list(&list, &[]).await;
    assert!(
        shown
            .out
            .contains("  by names that are not known here others may be protected: see --rehearse\n"),
        "{shown:?}"
    );
    let rehearsed = site.revoke_list(&list, &["--rehearse"]).await;
    assert!(
        rehearsed.out.contains("  1 would be acted on at once\n")
            && rehearsed
                .out
                .contains("  1 protected, who would wait for a decision: email:user02@example.test\n"),
        "{rehearsed:?}"
    );
    assert!(
        last(&rehearsed.out).contains(", 1 of them once a human has approved; nothing was changed"),
        "{rehearsed:?}"
    );
    let alone = site
        .says(&["revoke", "user02@example.test", "--reason", "compromised", "--wait"])
        .await;
    assert_eq!(alone.code, 14, "{alone:?}");
    let shown = site.revoke_list(&list, &[]).await;
    assert!(
        shown
            .out
            .contains("  1 protected, who would wait for a decision: email:user02@example.test\n"),
        "{shown:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_protected_waits_and_the_others_of_the_list_do_not() {
    let site = limited(12).await;
    let _running = site.start().await;
    let list = site.list("subject\nusername:user02\nusername:user03\n");
    let shown = site.revoke_list(&list, &[]).await;
    assert!(
        shown
            .out
            .contains("  1 protected, who would wait for a decision: username:user02\n"),
        "{shown:?}"
    );
    let set = site.set_of(&list).await;
    let done = site.revoke_list(&list, &["--set", &set, "--wait", "--json"]).await;
    assert_eq!(done.code, 14, "{done:?}");
    let states: Vec<Value> = done
        .rows()
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["state"].clone())
        .collect();
    assert_eq!(states, ["held", "closed"]);
    until("the other's end", async || {
        Holdings::of(site.chat(), "user03").is_out().then_some(())
    })
    .await;
    assert!(!Holdings::of(site.chat(), "user02").is_out());
}
