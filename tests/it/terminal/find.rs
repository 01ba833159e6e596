//! `revoked find`, and whom the other commands take a bare word for.

use serde_json::Value;
use sqlx::Connection as _;

use crate::harness::pty::{NARROW, Terminal};
use crate::harness::{Installation, InstallationPlan};

/// A site at which somebody was asked for by a login name and by a linked address, and somebody else by an address alone.
async fn site() -> Installation {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let linked = [
        "subject",
        "link",
        "user01@example.test",
        "username:user01",
        "employee_id:4711",
    ];
    assert_eq!(site.says(&linked).await.code, 0);
    for subject in ["username:user01", "user02@example.test"] {
        site.revoke(subject, "compromised", &[]).await;
    }
    running.stop().await;
    site
}

async fn found(site: &Installation, word: &str) -> Vec<Value> {
    let said = site.says(&["find", word, "--json"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn kinds(hits: &[Value]) -> Vec<(&str, &str, bool)> {
    hits.iter()
        .map(|hit| {
            (
                hit["kind"].as_str().unwrap(),
                hit["what"].as_str().unwrap_or("-"),
                hit["exact"].as_bool().unwrap(),
            )
        })
        .collect()
}

/// The account that the first job of a case was about.
async fn account_of(site: &Installation, case: i64) -> String {
    let shown = site.ask(&["case", "show", &case.to_string()]).await;
    shown["jobs"][0]["evidence"]["principal"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_part_of_a_name_finds_cases_names_and_accounts_with_the_command_that_shows_each() {
    let site = site().await;
    let by_name = found(&site, "USER01").await;
    assert_eq!(
        kinds(&by_name),
        [
            ("name", "email:user01@example.test", false),
            ("name", "username:user01", true),
            ("account", &account_of(&site, 1).await, true),
            ("case", "email:user01@example.test", true),
        ],
        "{by_name:#?}"
    );
    for hit in &by_name {
        let command: Vec<&str> = hit["command"].as_str().unwrap().split(' ').skip(1).collect();
        let shown = site.says(&command).await;
        assert_eq!(shown.code, 0, "{command:?}: {shown:?}");
        assert!(shown.out.contains("user01"), "{command:?}: {shown:?}");
    }
    // By a name that the case did not come by, by the number that HR has, by the account's id, and by what stands for the person in the trail.
    let case = site.ask(&["case", "show", "1"]).await;
    let account = case["jobs"][0]["evidence"]["principal"].as_str().unwrap().to_owned();
    let reference = case["case"]["subject_ref"].as_str().unwrap().to_owned();
    for word in ["user01@example", "4711", account.as_str(), reference.as_str()] {
        let hits = found(&site, word).await;
        assert!(
            hits.iter().any(|hit| hit["kind"] == "case" && hit["number"] == 1),
            "{word}: {hits:#?}"
        );
        assert!(
            !hits.iter().any(|hit| hit["kind"] == "case" && hit["number"] == 2),
            "{word}: {hits:#?}"
        );
    }
    let by_account = found(&site, &account).await;
    assert!(
        by_account
            .iter()
            .any(|hit| hit["kind"] == "account" && hit["target"] == "chat" && hit["case"] == 1),
        "{by_account:#?}"
    );
    let by_format = found(&site, "username:").await;
    assert_eq!(kinds(&by_format)[0].1, "username:user01");
    assert!(
        found(&site, "username").await.is_empty(),
        "the format of a name is no part of it"
    );
}

#[tokio::test]
async fn what_fits_exactly_stands_last_and_nothing_leads_to_the_nearest_name() {
    let site = site().await;
    let config = site.config();
    let at = ["--config", config.to_str().unwrap()];
    let ended = Terminal::start(&["find", "user01", at[0], at[1]], &[], NARROW).end();
    assert_eq!(ended.code, 0, "{ended:?}");
    let lines: Vec<&str> = ended
        .screen
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    let [.., exact, answer] = lines[..] else { panic!("{lines:?}") };
    assert!(
        exact.contains("case 1") && exact.contains("revoked case show 1"),
        "{lines:#?}"
    );
    assert_eq!(answer, "4 found by \"user01\", 3 by exactly that name");
    let ended = Terminal::start(&["find", "usr01", at[0], at[1]], &[], NARROW).end();
    assert!(
        ended.screen.contains("did you mean user01@example.test?") || ended.screen.contains("did you mean username:user01?"),
        "{}",
        ended.screen
    );
    assert!(ended.screen.contains("nothing is known by \"usr01\""), "{}", ended.screen);
    assert!(
        ended
            .screen
            .contains("  revoked revoke username:usr01 --reason compromised --rehearse"),
        "{}",
        ended.screen
    );
    let empty = site.says(&["find", " "]).await;
    assert_eq!(empty.code, 2, "{empty:?}");
}

#[tokio::test]
async fn an_account_stands_by_its_name_and_its_id_is_taken_for_it() {
    let site = site().await;
    let account = account_of(&site, 2).await;
    let said = site.says(&["find", "user02"]).await;
    assert!(said.out.contains(&format!("user02 ({}…) at chat", &account[..8])), "{said:?}");
    let hits = found(&site, &account).await;
    let hit = hits.iter().find(|hit| hit["kind"] == "account").unwrap();
    assert_eq!(hit["names"][0], "username:user02", "{hit:#}");
    let running = site.start().await;
    let acted = site.says(&["revoke", &account, "--reason", "logout", "--wait"]).await;
    assert!(
        acted.code == 0 && acted.err.contains(&format!("taken for opaque:{account} (known from case 2)")),
        "{acted:?}"
    );
    running.stop().await;
}

#[tokio::test]
async fn more_than_is_shown_is_said_and_the_marks_of_a_pattern_mean_themselves() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let mut conn = site.sql().await;
    sqlx::raw_sql(
        "INSERT INTO identity (person, name, source, since, seen_at)
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 120)
             SELECT n, 'username:many' || n, 'hr', 1795000000000, 1795000000000 FROM n;
         INSERT INTO identity (person, name, since, seen_at) VALUES (500, 'username:100%_sure', 1795000000000, 1795000000000),
             (501, 'username:Jürgen', 1795000000000, 1795000000000)",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    conn.close().await.unwrap();
    let said = site.says(&["find", "many", "--json"]).await;
    assert_eq!(said.out.lines().count(), 50, "{said:?}");
    assert!(said.err.contains("more than 50 names fit: narrow it"), "{said:?}");
    assert_eq!(found(&site, "many119").await.len(), 1);
    assert_eq!(kinds(&found(&site, "%").await), [("name", "username:100%_sure", false)]);
    assert_eq!(kinds(&found(&site, "JÜRGEN").await), [("name", "username:Jürgen", true)]);
}

#[tokio::test]
async fn a_hostile_name_moves_no_cursor_and_its_command_runs_nothing() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let mut conn = site.sql().await;
    sqlx::query("INSERT INTO identity (person, name, since, seen_at) VALUES (1, ?, 1795000000000, 1795000000000)")
        .bind("username:evil$(id)\u{1b}[2J\u{202e}<b>")
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    let said = site.says(&["find", "evil"]).await;
    assert!(!said.out.contains('\u{1b}') && !said.out.contains('\u{202e}'), "{said:?}");
    assert!(said.out.contains("'username:evil$(id)"), "{said:?}");
}

#[tokio::test]
async fn a_bare_word_is_taken_for_whom_it_means_and_never_guessed() {
    let site = site().await;
    let running = site.start().await;
    let listed = site.says(&["case", "list", "--subject", "user01", "--json"]).await;
    assert_eq!(listed.rows()[0]["subject"], "email:user01@example.test", "{listed:?}");
    assert!(
        listed.err.contains("taken for username:user01 (known from case 1)"),
        "{listed:?}"
    );
    let of_case = site.says(&["trail", "show", "--subject", "case:2", "--json"]).await;
    assert!(of_case.err.contains("taken for email:user02@example.test"), "{of_case:?}");
    assert!(
        of_case.out.lines().count() > 3 && !of_case.out.contains("\"case\":1,"),
        "{of_case:?}"
    );
    let shown = site.says(&["subject", "show", "user01"]).await;
    assert!(shown.out.contains("employee_id:4711"), "{shown:?}");
    assert_eq!(site.says(&["departures", "list", "--person", "user01"]).await.code, 0);

    let acted = site.says(&["revoke", "user01", "--reason", "logout", "--all-sessions"]).await;
    assert!(acted.err.contains("taken for username:user01"), "{acted:?}");
    let before = site.count("SELECT count(*) FROM inbox").await;
    for asked in [
        vec!["revoke", "usr01", "--reason", "compromised"],
        vec!["erase", "usr01"],
        vec!["subject", "show", "usr01"],
    ] {
        let refused = site.says(&asked).await;
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(
            refused.err.contains("did you mean") && refused.err.contains("username:usr01"),
            "{refused:?}"
        );
        assert_eq!(refused.err.lines().count(), 1, "{refused:?}");
    }
    // The same word as somebody else's number: now it means two.
    site.says(&["subject", "link", "employee_id:user01", "user03@example.test"])
        .await;
    let refused = site.says(&["revoke", "user01", "--reason", "compromised"]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("may be employee_id:user01") && refused.err.contains(", or username:user01"),
        "{refused:?}"
    );
    assert_eq!(
        site.count("SELECT count(*) FROM inbox").await,
        before,
        "nothing was asked of the daemon"
    );
    running.stop().await;
}

#[tokio::test]
async fn somebody_who_was_erased_is_found_by_nothing_but_the_reference() {
    let site = Installation::new(InstallationPlan {
        watch: "[]",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    site.revoke("username:user01", "compromised", &[]).await;
    let reference = site.ask(&["case", "show", "1"]).await["case"]["subject_ref"]
        .as_str()
        .unwrap()
        .to_owned();
    let erased = site.says(&["erase", "user01"]).await;
    assert_eq!(erased.code, 0, "{erased:?}");
    assert!(
        !found(&site, "user01").await.iter().any(|hit| hit["kind"] == "case"),
        "the name leads nowhere"
    );
    let hits = found(&site, &reference).await;
    assert_eq!(kinds(&hits), [("case", "-", true)], "{hits:#?}");
    let refused = site.says(&["subject", "show", "case:1"]).await;
    assert!(
        refused.code == 2 && refused.err.contains("somebody who was erased"),
        "{refused:?}"
    );
    running.stop().await;
}

#[tokio::test]
async fn a_person_is_shown_with_the_answer_last() {
    let site = site().await;
    let config = site.config();
    let args = ["subject", "show", "4711", "--config", config.to_str().unwrap()];
    let ended = Terminal::start(&args, &[], NARROW).end();
    assert_eq!(ended.code, 0, "{ended:?}");
    let last = ended.screen.lines().map(str::trim).rfind(|line| !line.is_empty());
    assert_eq!(
        last,
        Some("employee_id:4711: one person by 3 names; 1 case, the newest (1) contained"),
        "{}",
        ended.screen
    );
}

#[tokio::test]
async fn a_slip_a_part_and_a_name_without_its_marks_lead_to_the_name_with_what_to_type() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let mut conn = site.sql().await;
    sqlx::raw_sql(
        "INSERT INTO identity (person, name, since, seen_at) VALUES (1, 'email:amara.okafor@example.org', 1795000000000, 1795000000000),
             (2, 'username:Jürgen.Meier', 1795000000000, 1795000000000)",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    conn.close().await.unwrap();
    for (typed, found) in [
        ("AMRAA.OKAFOR", "amara.okafor@example.org"),
        ("okafro", "amara.okafor@example.org"),
        ("okafor amara", "amara.okafor@example.org"),
        ("jurgen", "username:Jürgen.Meier"),
        ("jurgen.meir", "username:Jürgen.Meier"),
    ] {
        let said = site.says(&["find", typed]).await;
        let offered = format!("did you mean {found}? (revoked find {found})");
        assert!(said.out.contains(&offered), "{typed}: {said:?}");
        let for_programs = site.says(&["find", typed, "--json"]).await;
        assert!(
            for_programs.out.is_empty() && for_programs.err.contains(&offered),
            "{for_programs:?}"
        );
        assert!(!self::found(&site, found).await.is_empty(), "{found}");
    }
    let said = site.says(&["find", "somebody.else"]).await;
    assert!(!said.out.contains("did you mean"), "{said:?}");
}
