//! The common checker: what must hold whatever was done to the daemon.

use std::collections::BTreeMap;

use revoked_sandbox::LoggedRequest;
use serde::Deserialize;
use serde_json::Value;
use sqlx::Row as _;

use super::Installation;
use super::chat_holdings::{Holdings, changes};

/// What somebody outside was told yes to.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    /// Rows of the inbox whose commit returned.
    pub(crate) rows: Vec<i64>,
    /// The `jti` of tokens that were answered with 202.
    pub(crate) tokens: Vec<String>,
}

/// An entry of the trail.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) at: i64,
    pub(crate) kind: String,
    pub(crate) case: Option<i64>,
    pub(crate) job: Option<i64>,
    #[serde(default)]
    pub(crate) detail: Value,
}

impl Installation {
    /// Every entry of the trail.
    pub(crate) async fn entries_of_trail(&self) -> Vec<Entry> {
        let mut conn = self.sql().await;
        let rows = sqlx::query("SELECT body FROM trail ORDER BY seq")
            .fetch_all(&mut conn)
            .await
            .unwrap();
        rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
    }

    /// All that must hold once the work is over.
    pub(crate) async fn check(&self, acknowledged: &Acknowledged) {
        let entries = self.entries_of_trail().await;
        self.check_acknowledged(acknowledged).await;
        check_actions(&entries);
        check_requests(&entries, &changes(self.chat()));
        self.check_states(&entries).await;
        self.check_chat().await;
        let report = self.says(&["trail", "verify", "--json"]).await.done();
        assert_eq!(report["verified"], true, "{report:#}");
    }

    /// Every acknowledged request has its case and its jobs.
    async fn check_acknowledged(&self, acknowledged: &Acknowledged) {
        let mut conn = self.sql().await;
        let jobs = "(SELECT count(*) FROM job WHERE job.case_id = it.case_id)";
        for row in &acknowledged.rows {
            let sql = format!("SELECT {jobs} FROM inbox it WHERE id = ? AND state = 'accepted'");
            let found = sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(row)
                .fetch_optional(&mut conn)
                .await
                .unwrap();
            let jobs: i64 = found.unwrap_or_else(|| panic!("row {row} was lost")).get(0);
            assert!(jobs > 0, "row {row} led to no job");
        }
        for jti in &acknowledged.tokens {
            let sql = format!("SELECT {jobs} FROM signal it WHERE key LIKE '%' || ?");
            let found = sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(jti)
                .fetch_all(&mut conn)
                .await
                .unwrap();
            assert_eq!(found.len(), 1, "{jti} is stored {} times", found.len());
            assert!(found[0].get::<i64, _>(0) > 0, "{jti} led to no job");
        }
    }

    /// What the tables say is what the trail says.
    pub(crate) async fn check_states(&self, entries: &[Entry]) {
        let (jobs, cases) = replay(entries);
        for (sql, told) in [("SELECT id, state FROM job", jobs), ("SELECT id, state FROM cases", cases)] {
            let mut conn = self.sql().await;
            let rows = sqlx::query(sql).fetch_all(&mut conn).await.unwrap();
            let kept: BTreeMap<i64, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
            let told: BTreeMap<i64, String> = told.into_iter().map(|(id, state)| (id, state.to_owned())).collect();
            for (id, state) in &kept {
                assert_eq!(told.get(id), Some(state), "{id} in {sql} against the trail");
            }
            assert_eq!(kept.len(), told.len(), "{sql}");
        }
    }

    /// Nobody who is said to be contained holds anything.
    async fn check_chat(&self) {
        let mut conn = self.sql().await;
        let rows = sqlx::query(
            "SELECT p.subject, c.playbook FROM cases c JOIN person p ON p.ref = c.subject_ref \
             WHERE c.verdict = 'contained' AND c.playbook IN ('compromised', 'departed') AND c.scope LIKE '%everything%'",
        )
        .fetch_all(&mut conn)
        .await
        .unwrap();
        for row in rows {
            let (subject, playbook): (String, String) = (row.get(0), row.get(1));
            let name = subject.split_once(':').unwrap().1.split('@').next().unwrap();
            let holdings = Holdings::of(self.chat(), name);
            assert!(holdings.is_out(), "{subject} is said to be contained: {holdings:?}");
            assert!(playbook != "departed" || !holdings.active, "{subject} has left and is active");
        }
    }
}

/// Each action that was started is finished or unknown, once.
fn check_actions(entries: &[Entry]) {
    let mut ends: BTreeMap<i64, usize> = BTreeMap::new();
    for entry in entries {
        let Some(action) = entry.detail["action"].as_i64() else {
            continue;
        };
        match entry.kind.as_str() {
            "action.started" => assert!(ends.insert(action, 0).is_none(), "action {action} started twice"),
            "action.finished" | "action.unknown" => {
                *ends
                    .get_mut(&action)
                    .unwrap_or_else(|| panic!("action {action} ended before it began")) += 1;
            }
            _ => {}
        }
    }
    for (action, ends) in ends {
        assert_eq!(ends, 1, "action {action} has {ends} ends");
    }
}

/// No request that changes something left before the trail said that it would: for each kind of change and principal there are at every
/// moment at least as many starts as requests.
fn check_requests(entries: &[Entry], changes: &[LoggedRequest]) {
    let mut starts: BTreeMap<(String, String), Vec<i64>> = BTreeMap::new();
    // An intent that was stored with its signal names nobody yet: the looks of its job do.
    let looks = entries.iter().filter(|entry| entry.kind == "observation.recorded");
    let whose: BTreeMap<Option<i64>, &str> = looks
        .filter_map(|entry| Some((entry.job, entry.detail["principal"].as_str()?)))
        .collect();
    for entry in entries.iter().filter(|entry| entry.kind == "action.started") {
        let named = entry.detail["principal"].as_str();
        let principal = named.or_else(|| whose.get(&entry.job).copied()).unwrap_or_default();
        starts
            .entry(started(&entry.detail, principal.to_owned()))
            .or_default()
            .push(entry.at);
    }
    let mut sent: BTreeMap<(String, String), usize> = BTreeMap::new();
    for seen in changes {
        let key = requested(seen);
        let known = starts
            .get(&key)
            .map_or(0, |times| times.iter().filter(|at| **at <= seen.at_ms).count());
        let sent = sent.entry(key).or_default();
        *sent += 1;
        assert!(
            *sent <= known,
            "{seen:?} is number {sent} of its kind, and {known} were on record"
        );
    }
}

/// What an action changes, and whose, as far as its request's path shows it.
fn started(detail: &Value, principal: String) -> (String, String) {
    let what = &detail["what"];
    let kind = what["kind"].as_str().unwrap_or_default();
    match (what["do"].as_str().unwrap(), kind) {
        ("end", "session" | "oauth_grant") => ("session".to_owned(), principal),
        ("end", "oauth_authorization") => ("oauth_authorization".to_owned(), principal),
        ("end" | "disable", "access_token" | "bot_token") => ("token".to_owned(), String::new()),
        ("end", other) => (other.to_owned(), String::new()),
        ("clear_caches", _) => ("clear_caches".to_owned(), String::new()),
        (other, _) => (other.to_owned(), principal),
    }
}

fn requested(seen: &LoggedRequest) -> (String, String) {
    let path: Vec<&str> = seen.path.trim_start_matches("/api/v4/").split('/').collect();
    let (what, whose) = match (seen.method.as_str(), path.as_slice()) {
        ("DELETE", ["users", id]) => ("suspend", *id),
        ("PUT", ["users", id, "password"]) => ("reset_password", *id),
        ("PUT", ["users", id, "patch"]) => ("silence", *id),
        ("POST", ["users", id, "sessions", "revoke", "all"]) => ("end_all_sessions", *id),
        ("POST", ["users", id, "sessions", "revoke"]) => ("session", *id),
        ("POST", ["users", id, "preferences", "delete"]) => ("oauth_authorization", *id),
        ("POST", ["users", "tokens", "revoke" | "disable"]) => ("token", ""),
        ("POST", ["bots", _, "disable"]) => ("bot", ""),
        ("DELETE", ["oauth", "apps", _]) => ("oauth_app", ""),
        ("DELETE", ["hooks", "incoming", _]) => ("incoming_webhook", ""),
        ("DELETE", ["hooks", "outgoing", _]) => ("outgoing_webhook", ""),
        ("DELETE", ["commands", _]) => ("slash_command", ""),
        ("POST", ["caches", "invalidate"]) => ("clear_caches", ""),
        _ => panic!("nobody asked for {seen:?}"),
    };
    (what.to_owned(), whose.to_owned())
}

type States<'e> = BTreeMap<i64, &'e str>;

/// The states of jobs and cases as the entries tell them.
fn replay(entries: &[Entry]) -> (States<'_>, States<'_>) {
    let (mut jobs, mut cases) = (States::new(), States::new());
    for entry in entries {
        if let Some(job) = entry.job {
            let state = match entry.kind.as_str() {
                "job.enqueued" => match (entry.detail["state"].as_str(), &entry.detail["due"]) {
                    (Some(state), _) => state,
                    (None, Value::Null) => "queued",
                    (None, _) => "scheduled",
                },
                "job.due" | "job.interrupted" | "job.lease_expired" => "queued",
                "job.claimed" => "running",
                "job.retried" | "job.snoozed" => "scheduled",
                "job.settled" => "done",
                "job.failed" => "failed",
                "job.cancelled" => "cancelled",
                "hold.placed" => "held",
                _ => jobs.get(&job).copied().unwrap_or("unheard of"),
            };
            let before = jobs.insert(job, state);
            let over = matches!(before, Some("done" | "failed" | "cancelled"));
            assert!(
                !over || before == Some(state),
                "job {job} went on after its end, at entry {}",
                entry.seq
            );
        }
        if let Some(case) = entry.case {
            let state = match entry.kind.as_str() {
                "case.opened" | "case.reopened" => "open",
                "hold.placed" => "held",
                "job.enqueued" if entry.detail["hold"].is_i64() => "open",
                "case.contained" => "closed",
                "case.cancelled" => "cancelled",
                _ => continue,
            };
            cases.insert(case, state);
        }
    }
    (jobs, cases)
}

mod planted {
    //! Proof that the checker can see.

    use revoked_sandbox::LoggedRequest;
    use serde_json::json;

    use super::{Entry, check_actions, check_requests, replay};

    fn entry(at: i64, kind: &str, detail: &serde_json::Value) -> Entry {
        let entry = json!({ "seq": 0, "at": at, "kind": kind, "case": 1, "job": 1, "detail": detail });
        serde_json::from_value(entry).unwrap()
    }

    fn start(at: i64) -> Entry {
        let what = json!({ "do": "end_all_sessions" });
        entry(
            at,
            "action.started",
            &json!({ "action": 1, "principal": "alice", "what": what }),
        )
    }

    fn sweep(at: i64) -> LoggedRequest {
        LoggedRequest {
            node: 0,
            method: "POST".to_owned(),
            path: "/api/v4/users/alice/sessions/revoke/all".to_owned(),
            status: 200,
            request_id: None,
            person: None,
            at_ms: at,
        }
    }

    #[test]
    fn a_request_on_record_is_fine() {
        check_requests(&[start(5)], &[sweep(5)]);
    }

    #[test]
    #[should_panic(expected = "number 1 of its kind, and 0 were on record")]
    fn a_request_before_its_record_is_seen() {
        check_requests(&[start(5)], &[sweep(4)]);
    }

    #[test]
    #[should_panic(expected = "number 2 of its kind, and 1 were on record")]
    fn a_request_too_many_is_seen() {
        check_requests(&[start(5)], &[sweep(6), sweep(7)]);
    }

    #[test]
    #[should_panic(expected = "action 1 has 0 ends")]
    fn an_action_without_an_end_is_seen() {
        check_actions(&[start(5)]);
    }

    #[test]
    #[should_panic(expected = "job 1 went on after its end")]
    fn a_job_that_goes_on_after_its_end_is_seen() {
        let claimed = || entry(5, "job.claimed", &json!({}));
        replay(&[claimed(), entry(6, "job.settled", &json!({})), claimed()]);
    }
}
