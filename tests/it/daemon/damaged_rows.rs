//! Rows that another program has damaged, as the commands show them.

use serde_json::{Value, json};

use super::{CommandOutput, Installation, InstallationPlan};

/// A text that is not UTF-8, which the schema takes.
const GARBAGE: &str = "CAST(x'4a6f73e9' AS TEXT)";

/// An installation with a case, a hold over another and a departure, of which nothing runs any more.
async fn furnished() -> Installation {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let mut conn = site.sql().await;
    sqlx::raw_sql(
        "INSERT INTO person (ref, key, subject, seen_at) VALUES ('s_1', zeroblob(32), 'email:user01@example.test', 1); \
         INSERT INTO hold (id, why, detail, source, placed_at) VALUES (1, 'protected', 'a protected person', 'hr', 1764000000000); \
         INSERT INTO cases (id, subject_ref, reason, playbook, scope, priority, state, source, hold, received_at) \
         VALUES (1, 's_1', 'departed', 'departed', '\"everything\"', 3, 'held', 'hr', 1, 1764000000000), \
                (2, 's_1', 'departed', 'departed', '\"everything\"', 3, 'held', 'hr', 1, 1764000000000); \
         INSERT INTO departure (id, source, employee, employment, subject_ref, leaves, fire_at, acts_at, state, case_id, changed_at) \
         VALUES (1, 'hr', '4711', '', 's_1', '{\"at\":1764000000000}', 1764000000000, 1764000000000, 'held', 1, 1764000000000); \
         INSERT INTO departure_step (departure, at, by, what) VALUES (1, 1764000000000, 'source:hr', 'planned'), \
                                                                    (1, 1764000000000, 'source:hr', 'held')",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    site
}

/// Runs a statement as another program could that has switched off what forbids it.
async fn change(site: &Installation, sql: &str) {
    let mut conn = site.sql().await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
        .execute(&mut conn)
        .await
        .unwrap();
}

/// Every command's answer names the row, on standard error, and is an answer nevertheless.
fn named(said: &CommandOutput, row: &str) {
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains(&format!("{row} cannot be read")), "{said:?}");
}

#[tokio::test]
async fn what_is_shown_alone_is_shown_with_gaps_and_the_row_is_named() {
    let site = furnished().await;
    change(
        &site,
        &format!(
            "UPDATE hold SET detail = {GARBAGE}; UPDATE cases SET playbook = {GARBAGE} WHERE id = 2; \
             UPDATE departure SET leaves = 'no JSON'; UPDATE departure_step SET by = {GARBAGE} WHERE what = 'held'"
        ),
    )
    .await;
    let said = site.says(&["hold", "show", "1"]).await;
    named(&said, "row 1 of the table hold");
    named(&said, "row 2 of the table cases");
    assert!(
        said.out.contains("hold 1: Jos") && said.out.contains("user01@example.test"),
        "{said:?}"
    );
    let shown = site.ask(&["hold", "show", "1"]).await;
    assert_eq!(shown["cases"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        shown["unreadable"][1],
        json!({ "table": "cases", "row": "2", "why": shown["unreadable"][1]["why"] })
    );
    named(&site.says(&["hold", "list"]).await, "row 1 of the table hold");

    let said = site.says(&["departures", "show", "1"]).await;
    named(&said, "row 1 of the table departure");
    named(&said, "of the table departure_step");
    assert!(
        said.out.contains("employee 4711") && said.out.contains("planned by source:hr"),
        "{said:?}"
    );
    assert_eq!(
        site.ask(&["departures", "show", "1"]).await["departure"]["leaves"],
        Value::Null
    );
    named(&site.says(&["departures", "list"]).await, "row 1 of the table departure");

    let said = site.says(&["case", "show", "2"]).await;
    named(&said, "row 2 of the table cases");
    named(&site.says(&["case", "list"]).await, "row 2 of the table cases");
    assert_eq!(site.says(&["status"]).await.code, 0);
}

#[tokio::test]
async fn an_entry_of_the_trail_that_is_no_text_is_named_and_the_others_are_shown() {
    let site = furnished().await;
    change(
        &site,
        &format!("DROP TRIGGER trail_is_not_changed; UPDATE trail SET body = {GARBAGE} WHERE seq = 1"),
    )
    .await;
    for filter in [&[][..], &["--kind", "daemon."], &["--since", "2020-01-01T00:00:00Z"]] {
        for form in [&[][..], &["--json"]] {
            let said = site.says(&[&["trail", "show"][..], filter, form].concat()).await;
            assert_eq!(said.code, 0, "{said:?}");
            assert!(said.out.contains("daemon.st"), "{said:?}");
        }
    }
    named(&site.says(&["trail", "show"]).await, "row 1 of the table trail");
    let verified = site.says(&["trail", "verify"]).await;
    assert_eq!(verified.code, 5, "{verified:?}");
}
