//! The table `inbox`, as another program uses it: plain SQL on the file.

use sqlx::Row as _;

use super::{Installation, InstallationPlan, until};
use crate::harness::chat_holdings::Holdings;

/// What the daemon wrote beside a row.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) state: String,
    case: Option<i64>,
    pub(crate) why: String,
    /// When the daemon took the row, in milliseconds since the epoch.
    taken_at: i64,
}

impl Installation {
    /// Writes a row; gives its number, or what the database says against it.
    pub(crate) async fn write(&self, subject: &str, reason: &str, key: Option<&str>) -> Result<i64, String> {
        self.write_more(subject, reason, key, "").await
    }

    /// The same with more columns, as `column = value` with commas between.
    pub(crate) async fn write_more(&self, subject: &str, reason: &str, key: Option<&str>, more: &str) -> Result<i64, String> {
        let pairs: Vec<(&str, &str)> = more.split(", ").filter_map(|pair| pair.split_once(" = ")).collect();
        let (mut names, mut values) = (String::new(), String::new());
        for (name, value) in pairs {
            names = format!("{names}, {name}");
            values = format!("{values}, {value}");
        }
        let sql =
            format!("INSERT INTO inbox (subject, reason, requested_by, request_key{names}) VALUES (?, ?, 'payroll', ?{values})");
        let mut conn = self.sql().await;
        let done = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(subject)
            .bind(reason)
            .bind(key)
            .execute(&mut conn)
            .await;
        done.map(|done| done.last_insert_rowid()).map_err(|error| error.to_string())
    }

    /// Waits until the daemon has taken a row.
    pub(crate) async fn answer(&self, row: i64) -> Answer {
        let mut conn = self.sql().await;
        until("an answer to an inbox row", async || {
            let row = sqlx::query("SELECT state, case_id, why, taken_at FROM inbox WHERE id = ? AND state <> 'new'")
                .bind(row)
                .fetch_optional(&mut conn)
                .await
                .unwrap()?;
            Some(Answer {
                state: row.get(0),
                case: row.get(1),
                why: row.get::<Option<String>, _>(2).unwrap_or_default(),
                taken_at: row.get(3),
            })
        })
        .await
    }
}

#[tokio::test]
async fn rows_written_while_the_daemon_is_down_are_taken_up_at_its_start() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let mut rows = Vec::new();
    for n in 1..=3 {
        rows.push(
            site.write(&format!("user0{n}@example.test"), "compromised", None)
                .await
                .unwrap(),
        );
    }
    let said = site
        .says(&["revoke", "username:user04", "--reason", "departed", "--json"])
        .await
        .done();
    assert_eq!(said["daemon_running"], false);
    rows.push(said["request"].as_i64().unwrap());
    let _running = site.start().await;
    for row in rows {
        let answer = site.answer(row).await;
        assert!(answer.state == "accepted" && answer.case.is_some(), "{answer:?}");
    }
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 4)
        .await;
    for n in 1..=4 {
        assert!(Holdings::of(site.chat(), &format!("user0{n}")).is_out());
    }
}

#[tokio::test]
async fn a_row_written_while_the_daemon_runs_is_noticed_at_once() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let mut quickest = i64::MAX;
    for n in 0..12 {
        let row = site
            .write("user02@example.test", "logout", Some(&format!("k{n}")))
            .await
            .unwrap();
        let written = revoked::clock::Clock::system().now().ms();
        quickest = quickest.min(site.answer(row).await.taken_at - written);
    }
    // The quickest of several, since a busy machine delays some; the look itself is every 20 ms, and nothing else looks within a second.
    assert!(quickest < 500, "{quickest} ms from the commit to the daemon");
}

#[tokio::test]
async fn bad_rows_are_rejected_with_the_reason_and_keep_no_good_one_back() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    for (subject, reason, more, why) in [
        ("alice", "departed", "", "cannot tell what \"alice\" names"),
        ("a b@example.test", "departed", "", "invisible"),
        ("user01@example.test", "sacked", "", "\"sacked\" is no reason"),
        (
            "user01@example.test",
            "departed",
            "target = 'chta'",
            "no target is called \"chta\"",
        ),
        (
            "user01@example.test",
            "departed",
            "playbook = 'none'",
            "no playbook is called none",
        ),
        (
            "user01@example.test",
            "departed",
            "session = 'a', all_sessions = 1",
            "only one of",
        ),
        (
            "user01@example.test",
            "departed",
            "session = '../../config'",
            "the session id is not one",
        ),
        (
            "user01@example.test",
            "departed",
            "access_token = 'x y'",
            "the access_token id is not one",
        ),
        ("user01@example.test", "departed", "act_at = 9223372036854775807", "act_at"),
        // In seconds, it would be due at once.
        ("user01@example.test", "departed", "act_at = 1900000000", "act_at"),
        ("user01@example.test", "reactivated", "", "never undoes"),
    ] {
        let row = site.write_more(subject, reason, None, more).await.unwrap();
        let answer = site.answer(row).await;
        assert!(
            answer.state == "rejected" && answer.case.is_none() && answer.why.contains(why),
            "{subject} {reason} {more}: {answer:?}"
        );
    }
    for (subject, reason, more) in [
        ("", "departed", ""),
        ("user01@example.test", "", ""),
        ("user01@example.test", "departed", "all_sessions = 2"),
        ("user01@example.test", "departed", "state = 'accepted'"),
    ] {
        let refusal = site.write_more(subject, reason, None, more).await;
        assert!(refusal.is_err(), "{subject:?} {reason:?} {more:?} was taken");
    }
    let row = site.write("user01@example.test", "departed", None).await.unwrap();
    assert_eq!(site.answer(row).await.state, "accepted");
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 1);
}

#[tokio::test]
async fn no_text_of_a_row_reaches_the_trail_and_large_ones_are_not_copied() {
    const CANARY: &str = "canary-jane.doe";
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let large = "x".repeat(10 << 20);
    for (subject, reason, key, more, quotes) in [
        (format!("{CANARY} of accounting"), "departed", None, String::new(), true),
        (format!("{CANARY}@"), "departed", None, String::new(), true),
        ("user01@example.test".to_owned(), CANARY, None, String::new(), true),
        (
            "user01@example.test".to_owned(),
            "departed",
            None,
            format!("target = '{CANARY}'"),
            true,
        ),
        (
            "user01@example.test".to_owned(),
            "departed",
            None,
            format!("playbook = '{CANARY}'"),
            true,
        ),
        (
            "user01@example.test".to_owned(),
            "departed",
            None,
            format!("session = '{CANARY}!'"),
            false,
        ),
        (
            "user01@example.test".to_owned(),
            "departed",
            None,
            format!("target = '{CANARY}{large}'"),
            false,
        ),
        (
            "user01@example.test".to_owned(),
            "departed",
            None,
            format!("playbook = '{CANARY}{large}'"),
            false,
        ),
        (
            "user01@example.test".to_owned(),
            "reactivated",
            Some("canary-jane.doe-back"),
            "note = 'canary-jane.doe is back'".to_owned(),
            false,
        ),
    ] {
        let row = site.write_more(&subject, reason, key, &more).await.unwrap();
        let answer = site.answer(row).await;
        let shown: String = more.chars().take(60).collect();
        assert_eq!(answer.state, "rejected", "{subject} {reason} {shown}: {answer:?}");
        assert!(answer.why.len() < 400, "{shown}: {} bytes", answer.why.len());
        assert_eq!(answer.why.contains(CANARY), quotes, "{subject} {reason} {shown}: {answer:?}");
    }
    let taken = site
        .write_more(
            "user01@example.test",
            "departed",
            Some("canary-jane.doe-left"),
            "note = 'canary-jane.doe left'",
        )
        .await
        .unwrap();
    assert_eq!(site.answer(taken).await.state, "accepted");
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    let mut conn = site.sql().await;
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM trail")
        .fetch_all(&mut conn)
        .await
        .unwrap();
    assert!(bodies.iter().all(|body| !body.contains("canary") && body.len() < 20_000));
    let rejected: Vec<serde_json::Value> = bodies
        .iter()
        .map(|body| serde_json::from_str(body).unwrap())
        .filter(|entry: &serde_json::Value| entry["kind"] == "inbox.rejected")
        .collect();
    let code = |code: &str| rejected.iter().filter(|entry| entry["detail"]["code"] == code).count();
    assert_eq!(
        (code("subject_not_understood"), code("too_large"), code("target_unknown")),
        (2, 2, 1)
    );
    let digests = rejected.iter().filter(|entry| entry["detail"]["sha256"].is_string());
    assert_eq!(digests.count(), 6);
}

#[tokio::test]
async fn a_row_that_is_not_utf_8_is_rejected_and_the_next_one_is_taken() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let garbage = "CAST(x'4a6f73e9' AS TEXT)";
    for column in ["note", "target", "session", "access_token", "leaked"] {
        let more = format!("{column} = {garbage}");
        let row = site.write_more("user04@example.test", "departed", None, &more).await.unwrap();
        let answer = site.answer(row).await;
        assert!(
            answer.state == "rejected" && answer.why.contains("UTF-8"),
            "{column}: {answer:?}"
        );
    }
    let kept = "SELECT count(*) FROM inbox WHERE CAST(x'4a6f73e9' AS TEXT) IN (session, access_token, leaked)";
    assert_eq!(site.count(kept).await, 0, "what may be a secret is wiped, whatever it is");
    let row = site.write("user04@example.test", "departed", None).await.unwrap();
    assert_eq!(site.answer(row).await.state, "accepted");
}

#[tokio::test]
async fn the_same_request_key_is_the_same_case_and_another_request_under_it_is_refused() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let first = site.write("user01@example.test", "departed", Some("ticket-7")).await.unwrap();
    let first = site.answer(first).await;
    let again = site.write("user01@example.test", "departed", Some("ticket-7")).await.unwrap();
    let again = site.answer(again).await;
    assert_eq!((again.state.as_str(), again.case), ("accepted", first.case), "{again:?}");
    let other = site.write("user02@example.test", "departed", Some("ticket-7")).await.unwrap();
    let other = site.answer(other).await;
    assert!(
        other.state == "rejected" && other.why.contains("another request"),
        "{other:?}"
    );
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 1);
    assert!(!Holdings::of(site.chat(), "user02").is_out());
    assert_eq!(site.alerts().await, ["replay_with_other_content"]);
}

#[tokio::test]
async fn a_row_that_was_taken_cannot_be_changed() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let row = site.write("user01@example.test", "logout", None).await.unwrap();
    site.answer(row).await;
    let mut conn = site.sql().await;
    for change in [
        "UPDATE inbox SET subject = 'user02@example.test'",
        "UPDATE inbox SET state = 'new', taken_at = NULL",
        "UPDATE inbox SET why = ''",
    ] {
        let refusal = sqlx::query(change).execute(&mut conn).await.unwrap_err().to_string();
        assert!(refusal.contains("cannot change once it is taken"), "{change}: {refusal}");
    }
}
