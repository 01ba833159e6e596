//! What `case` says: lists by what one knows, one case with its answer last, notes and owners, and how access is given back.

use revoked_sandbox::world::{Browser, SessionKind};

use crate::harness::pty::{NARROW, Terminal};
use crate::harness::{CommandOutput, Installation, InstallationPlan, until};

fn last(text: &str) -> &str {
    text.trim_end().lines().last().unwrap()
}

/// What a command says on a narrow screen, in one line: nothing of it is cut, and no line is wider than the screen.
fn narrow(site: &Installation, args: &[&str]) -> String {
    let config = site.config();
    let args = [args, &["--config", config.to_str().unwrap()]].concat();
    let ended = Terminal::start(&args, &[], NARROW).end();
    let printed = anstream::adapter::strip_str(&ended.printed).to_string();
    assert!(
        !printed.contains('…') && printed.lines().all(|line| line.chars().count() <= 80),
        "{printed}"
    );
    printed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The numbers of the cases that a list shows.
async fn listed(site: &Installation, filter: &[&str]) -> Vec<i64> {
    let mut args = vec!["case", "list", "--json"];
    args.extend(filter);
    let said = site.says(&args).await;
    assert_eq!(said.code, 0, "{said:?}");
    let rows = said.rows();
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_i64().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_takes_what_one_knows_of_a_case() {
    let site = Installation::new(InstallationPlan {
        policy: "protected = [\"username:user03\"]",
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    assert_eq!(site.revoke("user01@example.test", "compromised", &[]).await.code, 0);
    assert_eq!(site.revoke("username:ghost", "departed", &[]).await.code, 12);
    assert_eq!(site.revoke("username:user03", "departed", &[]).await.code, 14);
    for (filter, cases) in [
        (&["--state", "held,open"][..], &[3][..]),
        (&["--state", "closed", "--state", "held"], &[3, 2, 1]),
        (&["--verdict", "contained"], &[1]),
        (&["--verdict", "no_principal,failed"], &[2]),
        (&["--reason", "departed"], &[3, 2]),
        (&["--source", "inbox", "--target", "chat"], &[3, 2, 1]),
        (&["--source", "idp"], &[]),
        (&["--target", "wiki"], &[]),
        (&["--since", "1h"], &[3, 2, 1]),
        (&["--until", "1h"], &[]),
        // It came by address, and is about the account of that name.
        (&["--subject", "username:user01"], &[1]),
        (&["--subject", "username:User01"], &[1]),
        (&["--subject", "username:user02"], &[]),
    ] {
        assert_eq!(listed(&site, filter).await, cases, "{filter:?}");
    }
    let cut = site.says(&["case", "list", "--limit", "2"]).await;
    assert_eq!(last(&cut.out), "1 more (--limit)");
    let whole = site.says(&["case", "list", "--limit", "3"]).await;
    assert!(!whole.out.contains("more"), "{whole:?}");
    let wrong = site.says(&["case", "list", "--verdict", "fine"]).await;
    assert_eq!(wrong.code, 2, "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_and_an_owner_stand_with_the_case_and_go_with_the_person() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let said = site
        .revoke("username:user01", "compromised", &["--note", "phished, ticket 812"])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    let note = "the laptop of Amara is with us";
    assert_eq!(
        site.says(&["case", "note", "1", note]).await.out,
        "note 1 is kept with case 1\n"
    );
    assert_eq!(site.says(&["case", "note", "1", "  "]).await.code, 2);
    assert_eq!(site.says(&["case", "note", "4711", "x"]).await.code, 1);
    let oneself = site.says(&["case", "assign", "1"]).await;
    assert!(oneself.out.starts_with("case 1 is looked after by "), "{oneself:?}");
    let other = site.says(&["case", "assign", "1", "--to", "alice"]).await;
    assert!(other.out.contains("looked after by alice; before it was "), "{other:?}");
    assert_eq!(site.says(&["case", "assign", "1", "--to", "Amara Eriksen"]).await.code, 2);

    let shown = site.says(&["case", "show", "1"]).await.out;
    assert!(
        shown.contains("because: phished, ticket 812") && shown.contains(note),
        "{shown}"
    );
    assert!(shown.contains("looked after by alice"), "{shown}");
    assert_eq!(listed(&site, &["--owner", "alice"]).await, [1]);
    let detail = site.ask(&["case", "show", "1"]).await;
    assert_eq!(detail["case"]["owner"], "alice");
    assert_eq!(detail["notes"][0]["note"], note);

    let trail = site.says(&["trail", "show", "--kind", "case.", "--json"]).await.out;
    assert!(trail.contains("case.noted") && trail.contains("case.assigned"), "{trail}");
    assert!(!trail.contains("Amara"), "the trail has the note's number alone: {trail}");
    assert_eq!(site.says(&["erase", "username:user01"]).await.code, 0);
    let detail = site.ask(&["case", "show", "1"]).await.to_string();
    assert!(
        !detail.contains("Amara") && !detail.contains("user01") && !detail.contains("phished"),
        "{detail}"
    );
    assert_eq!(site.says(&["trail", "verify"]).await.code, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_says_how_access_is_given_back() {
    let site = Installation::new(InstallationPlan {
        watch: "[\"1h\"]",
        policy: "protected = [\"username:user03\"]",
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    let waits = site
        .says(&["revoke", "username:user01", "--reason", "departed", "--at", "2h"])
        .await;
    assert_eq!(waits.code, 0, "{waits:?}");
    let shown = site.says(&["case", "show", "1"]).await.out;
    assert!(
        shown.contains("  due ") && last(&shown).starts_with("WAITS user01 at chat until "),
        "{shown}"
    );
    let called_off = site.says(&["case", "cancel", "1", "--note", "by mistake"]).await;
    assert_eq!(
        called_off.out,
        "case 1 is called off: 1 job is cancelled\nnothing had been done, so nothing is to be given back\n"
    );
    let shown = site.says(&["case", "show", "1"]).await.out;
    assert_eq!(last(&shown), "CANCELLED user01: nothing was done");

    assert_eq!(site.revoke("username:user02", "departed", &[]).await.code, 0);
    let called_off = site.says(&["case", "cancel", "2", "--note", "by mistake"]).await;
    assert_eq!(
        last(&called_off.out),
        "an account stays suspended; to give it back: revoked release 2"
    );
    let rehearsed = site.says(&["release", "2"]).await;
    assert!(
        rehearsed.out.contains("target chat: the account of user02 (") && rehearsed.out.contains("WOULD RELEASE user02: 1 account"),
        "{rehearsed:?}"
    );
    let listed = site.says(&["case", "list"]).await;
    assert!(listed.out.contains("called off"), "{listed:?}");
    // Nobody looks after it any more, and how access is given back is said whole on a narrow screen.
    let called_off = narrow(&site, &["case", "show", "2"]);
    assert!(
        called_off.contains("CALLED OFF user02 at chat ")
            && called_off.contains("still suspended · revoked release 2 gives the account back; contained before, "),
        "{called_off}"
    );
    // The command can be typed as it stands; without why it is asked for at a terminal, and demanded in a script.
    let (_, command) = last(&rehearsed.out).split_once("to do it: revoked ").unwrap();
    let command = command.strip_suffix(" --note WHY").expect("it says why");
    let command: Vec<&str> = command.split(' ').collect();
    let script = CommandOutput::of(
        tokio::process::Command::new(env!("CARGO_BIN_EXE_revoked"))
            .args(&command)
            .stdin(std::process::Stdio::null())
            .output()
            .await
            .unwrap(),
    );
    assert!(script.code == 2 && script.err.contains("say why with --note"), "{script:?}");
    let mut pasted = Terminal::start(&command, &[], NARROW);
    pasted.until_shows("why, for the trail:");
    pasted.type_in("HR ticket 812\r");
    let ended = pasted.end();
    assert!(
        ended.code == 0 && ended.screen.contains("the release of user02 is queued as job "),
        "{ended:?}"
    );
    let note = "SELECT count(*) FROM trail WHERE body LIKE '%release.asked%HR ticket 812%'";
    assert_eq!(site.count(note).await, 1);
    site.until_count("SELECT count(*) FROM job WHERE verdict = 'released'", 1)
        .await;
    let released = narrow(&site, &["case", "show", "2"]);
    assert!(
        released.contains("RELEASED user02 at chat: the account is open again since ") && released.contains(" ended before"),
        "{released}"
    );
    assert_eq!(site.revoke("username:user03", "departed", &[]).await.code, 14);
    let shown = site.says(&["case", "show", "3"]).await.out;
    assert_eq!(
        last(&shown),
        "HELD user03 under hold 1: nothing was done · revoked hold show 1"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looks_are_counted_and_a_case_that_was_contained_again_says_so() {
    let site = Installation::new(InstallationPlan {
        watch: "[\"1s\", \"2s\", \"1h\"]",
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    assert_eq!(site.revoke("username:user01", "compromised", &[]).await.code, 0);
    let now = revoked::clock::Clock::system().now().ms();
    {
        let mut world = site.chat().world();
        let person = world.person("user01").unwrap().id;
        world.open_session(person, SessionKind::Login(Browser::web()), now);
    }
    site.until_count("SELECT reopened FROM cases", 1).await;
    site.until_count("SELECT count(*) FROM job WHERE kind = 'watch' AND state = 'done'", 2)
        .await;
    let said = until("the third look to be the next", async || {
        let said = site.says(&["case", "show", "1"]).await;
        said.out.contains("looked 2 of 3 times since, next ").then_some(said)
    })
    .await;
    assert!(said.out.contains("came back once, contained again "), "{said:?}");
    let answer = last(&said.out);
    assert!(
        answer.starts_with("CONTAINED AGAIN user01 at chat ")
            && answer.contains("came back once")
            && answer.contains("; next look "),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_changed_is_counted_unless_it_is_explained() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    assert_eq!(site.revoke("username:user01", "compromised", &[]).await.code, 0);
    let short: CommandOutput = site.says(&["case", "show", "1"]).await;
    assert!(short.out.contains(" -> 0") && !short.out.contains(" 0 -> 0"), "{short:?}");
    let long = site.says(&["case", "show", "1", "--explain"]).await;
    assert!(long.out.contains(" 0 -> 0") && long.out.contains("(requests "), "{long:?}");
    assert!(
        short.out.contains("(username:user01, email:user01@example.test)"),
        "{short:?}"
    );
    let config = site.config();
    let args = ["case", "show", "1", "--config", config.to_str().unwrap()];
    let ended = Terminal::start(&args, &[], NARROW).end();
    for line in anstream::adapter::strip_str(&ended.printed).to_string().lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
