//! What is left over when work has ended: jobs that could not be revoked, people whom nobody knows, and receivers that were not told.

use std::net::TcpListener;

use http::{Method, StatusCode};
use revoked::model::Role;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Answer, Site};
use crate::harness::until;
use crate::ports::Port;

impl Site {
    pub(super) async fn reads(&self, path: &str) -> Value {
        let answer = self.by_socket(Role::Viewer, Method::GET, path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        answer.json()
    }

    pub(super) async fn sends(&self, role: Role, path: &str, body: Value) -> Answer {
        self.by_socket(role, Method::POST, path, Some(body)).await
    }

    /// Asks for somebody by this name, and gives the case.
    pub(super) async fn asks_for(&self, name: &str) -> i64 {
        let request = json!({ "subject": name, "reason": "compromised" });
        let asked = self.sends(Role::Requester, "/api/v1/requests", request).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{asked:?}");
        let path = format!("/api/v1/requests/{}", asked.json()["request"]);
        until("the case", async || self.reads(&path).await["case"].as_i64()).await
    }

    /// The lines of the trail of that kind.
    pub(super) async fn recorded(&self, kind: &str) -> Vec<String> {
        let trail = self.reads(&format!("/api/v1/trail?kind={kind}")).await;
        let items = trail["items"].as_array().unwrap().iter();
        items.map(|entry| entry["line"].as_str().unwrap().to_owned()).collect()
    }
}

pub(super) fn us() -> String {
    format!("({})", rustix::process::getuid().as_raw())
}

pub(super) fn refused(answer: &Answer, status: StatusCode, why: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert!(answer.text.contains(why), "{why}: {answer:?}");
}

#[tokio::test]
async fn whoever_is_not_known_stands_in_the_ledger_until_a_link_says_who_it_is() {
    let site = Site::new().await;
    let stranger = "iss_sub:https://idp.example.test#u-1";
    let case = site.asks_for(stranger).await;
    let nobody = site.asks_for("username:nobody").await;
    let ledger = until("the ledger", async || {
        let ledger = site.reads("/api/v1/ledger").await;
        (ledger["items"].as_array()?.len() == 1).then_some(ledger)
    })
    .await;
    assert_eq!(ledger["items"][0]["case"], case, "{ledger:#}");
    let command = site.installation.ask(&["ledger"]).await;
    assert_eq!(ledger["items"], command, "the ledger is that of the command");
    let unresolved = until("both to be unresolved", async || {
        let unresolved = site.reads("/api/v1/subjects/unresolved").await;
        (unresolved["cases"].as_array()?.len() == 2).then_some(unresolved)
    })
    .await;
    assert_eq!(unresolved, site.installation.ask(&["subject", "unresolved"]).await);
    assert!(
        site.recorded("people.read")
            .await
            .iter()
            .any(|line| line.contains("subjects/unresolved") && line.contains(&us())),
        "that it was read is recorded"
    );

    pages_of_jobs(&site, case).await;
    linked_is_known(&site, stranger, case).await;
    taking_away_again_takes_no_more(&site, stranger).await;
    nothing_is_to_be_done(&site, nobody, case).await;
    site.running.stop().await;
}

/// A page of jobs leads to the next, and their filters are those of the command.
async fn pages_of_jobs(site: &Site, case: i64) {
    let first = site.reads("/api/v1/jobs?limit=1").await;
    let second = site.reads(&format!("/api/v1/jobs?limit=1&before={}", first["next"])).await;
    let ids = [&first, &second].map(|page| page["items"][0]["id"].as_i64().unwrap());
    assert!(ids[0] > ids[1] && second.get("next").is_none(), "{first:#} {second:#}");
    let failed = site
        .reads(&format!("/api/v1/jobs?state=failed&target=chat&case={case}"))
        .await;
    assert_eq!(failed["items"].as_array().unwrap().len(), 1, "{failed:#}");
    let before = site
        .reads(&format!("/api/v1/jobs?state=failed&before={}", failed["items"][0]["id"]))
        .await;
    assert_eq!(before["items"], json!([]));
    for wrong in ["state=ended", "limit=0", "before=x", "limit=201"] {
        let answer = site
            .by_socket(Role::Viewer, Method::GET, &format!("/api/v1/jobs?{wrong}"), None)
            .await;
        refused(&answer, StatusCode::BAD_REQUEST, "");
    }
}

/// Whoever was not known is worked on once it is said who it is.
async fn linked_is_known(site: &Site, stranger: &str, case: i64) {
    let links = "/api/v1/subjects/links";
    for (body, status, why) in [
        (
            json!({ "names": ["username:user01"] }),
            StatusCode::BAD_REQUEST,
            "from 2 to 50",
        ),
        (
            json!({ "names": ["username:user01", "username:user01"] }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "two names at least",
        ),
        (
            json!({ "names": ["username:user01", "usrname:x"] }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "subject",
        ),
        (
            json!({ "names": ["username:user01", stranger], "target": "chat" }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "account ids",
        ),
        (
            json!({ "names": ["username:user01", stranger], "target": "nowhere" }),
            StatusCode::NOT_FOUND,
            "nowhere",
        ),
    ] {
        refused(&site.sends(Role::Approver, links, body).await, status, why);
    }
    let names = json!({ "names": ["username:user01", stranger] });
    let linked = site.sends(Role::Approver, links, names.clone()).await;
    assert_eq!(
        linked.json(),
        json!({ "added": 2, "moved": 0, "cases": [case] }),
        "{linked:?}"
    );
    until("the case to be worked on again", async || {
        let detail = site.reads(&format!("/api/v1/cases/{case}")).await;
        (detail["case"]["verdict"] == "contained").then_some(())
    })
    .await;
    assert_eq!(site.reads("/api/v1/ledger").await["items"], json!([]));
    let again = site.sends(Role::Approver, links, names).await;
    assert_eq!(again.json(), json!({ "added": 0, "moved": 0, "cases": [] }), "{again:?}");
    let entries = site.recorded("subject.linked").await;
    assert!(entries[0].contains(&us()) && !entries[0].contains("user01"), "{entries:?}");
}

/// Whoever repeats a request to take a name away does not take more away.
async fn taking_away_again_takes_no_more(site: &Site, stranger: &str) {
    let unlinking = "/api/v1/subjects/unlinking";
    let ask = |becomes: &str| json!({ "name": stranger, "becomes": becomes });
    refused(
        &site.sends(Role::Approver, unlinking, ask("forgotten")).await,
        StatusCode::CONFLICT,
        "with others",
    );
    for _ in 0..2 {
        let alone = site.sends(Role::Approver, unlinking, ask("alone")).await;
        assert_eq!(alone.status, StatusCode::NO_CONTENT, "{alone:?}");
        let person = site.installation.ask(&["subject", "show", stranger]).await;
        assert_eq!(person["names"].as_array().unwrap().len(), 1, "{person:#}");
    }
    for _ in 0..2 {
        let forgotten = site.sends(Role::Approver, unlinking, ask("forgotten")).await;
        assert_eq!(forgotten.status, StatusCode::NO_CONTENT, "{forgotten:?}");
    }
    refused(
        &site.sends(Role::Approver, unlinking, ask("alone")).await,
        StatusCode::CONFLICT,
        "linked to nothing",
    );
    assert_eq!(
        site.recorded("subject.unlinked").await.len(),
        2,
        "what changes nothing is not recorded"
    );
}

/// Cases leave the list, all that are named or none.
async fn nothing_is_to_be_done(site: &Site, nobody: i64, case: i64) {
    let dismissal = "/api/v1/subjects/dismissal";
    let both = json!({ "cases": [nobody, case], "note": "never had an account" });
    refused(
        &site.sends(Role::Approver, dismissal, both).await,
        StatusCode::CONFLICT,
        "nothing was dismissed",
    );
    assert_eq!(
        site.reads("/api/v1/subjects/unresolved").await["cases"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    refused(
        &site.sends(Role::Approver, dismissal, json!({ "cases": [] })).await,
        StatusCode::BAD_REQUEST,
        "from 1 to",
    );
    let done = site
        .sends(
            Role::Approver,
            dismissal,
            json!({ "cases": [nobody, nobody], "note": "never had an account" }),
        )
        .await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{done:?}");
    assert_eq!(site.reads("/api/v1/subjects/unresolved").await["cases"], json!([]));
    let all = site.reads("/api/v1/subjects/unresolved?all=true").await;
    assert_eq!(all["cases"][1]["note"], "never had an account", "{all:#}");
    assert!(site.recorded("subject.dismissed").await[0].contains(&us()));
}

#[tokio::test]
async fn a_case_is_looked_after_by_whoever_is_named_by_oneself_or_by_nobody() {
    let site = Site::new().await;
    let case = site.asks_for("username:user01").await;
    let path = format!("/api/v1/cases/{case}/assignment");
    let own = site.token_of("operator:ann(1000)", Role::Requester).await;
    let headers = [("authorization", own.as_str())];
    let mine = site.by_network(&headers, Method::POST, &path, Some(json!({}))).await;
    assert_eq!(
        mine.json(),
        json!({ "case": case, "owner": "ann", "before": null }),
        "{mine:?}"
    );
    let assign = async |body: Value| site.sends(Role::Requester, &path, body).await;
    for _ in 0..2 {
        let to = assign(json!({ "to": "ben" })).await;
        assert_eq!(to.json()["owner"], "ben", "{to:?}");
    }
    let shown = site.reads(&format!("/api/v1/cases/{case}")).await;
    assert_eq!(shown["case"]["owner"], "ben", "{shown:#}");
    let nobody = assign(json!({ "nobody": true })).await.json();
    assert_eq!(nobody, json!({ "case": case, "owner": null, "before": "ben" }));
    let lines = site.recorded("case.assigned").await;
    assert_eq!(lines.len(), 3, "the same again is no change: {lines:?}");
    assert!(
        lines[0].contains("operator:ann(1000)") && lines[1].contains(&us()),
        "{lines:?}"
    );
    refused(
        &assign(json!({ "to": "ben", "nobody": true })).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "nobody",
    );
    refused(
        &assign(json!({ "to": "ben; drop" })).await,
        StatusCode::BAD_REQUEST,
        "write a login",
    );
    let none = site.sends(Role::Requester, "/api/v1/cases/4711/assignment", json!({})).await;
    refused(&none, StatusCode::NOT_FOUND, "4711");
    site.running.stop().await;
}

#[tokio::test]
async fn a_receiver_is_looked_at_greeted_and_told_again() {
    let ear = Port::default();
    let tables = format!(
        "[transmitter]\nissuer = \"http://LISTEN\"\n[[receiver]]\nname = \"idp\"\naudience = \"https://idp.example.test/ssf\"\n\
         delivery = \"push\"\nendpoint = \"http://{}/ssf\"\n",
        ear.address()
    );
    let site = Site::with(&tables).await;
    let listener = until("the receiver's address", async || TcpListener::bind(ear.address()).ok()).await;
    let server = MockServer::builder().listener(listener).start().await;
    let refusing = Mock::given(any())
        .respond_with(ResponseTemplate::new(400).set_body_json(json!({ "err": "invalid_audience", "description": "not us" })))
        .mount_as_scoped(&server)
        .await;
    let shake = async |receiver: &str| {
        let path = format!("/api/v1/transmitter/{receiver}/handshake");
        site.by_socket(Role::Admin, Method::POST, &path, None).await
    };
    let not_taken = shake("idp").await;
    assert_eq!(
        (not_taken.status, &not_taken.json()["state"]),
        (StatusCode::ACCEPTED, &json!("refused")),
        "{not_taken:?}"
    );
    let stands = site.reads("/api/v1/transmitter").await;
    assert_eq!(stands["items"], site.installation.ask(&["transmitter", "status"]).await);
    assert_eq!(
        (&stands["items"][0]["refused"], &stands["items"][0]["delivery"]),
        (&json!(1), &json!("push")),
        "{stands:#}"
    );
    drop(refusing);
    Mock::given(any())
        .respond_with(ResponseTemplate::new(202))
        .mount(&server)
        .await;
    let retry = async |receiver: &str| {
        let path = format!("/api/v1/transmitter/{receiver}/retry");
        site.by_socket(Role::Admin, Method::POST, &path, None).await
    };
    assert_eq!(retry("idp").await.json(), json!({ "receiver": "idp", "count": 1 }));
    until("the receiver to have it", async || {
        let stands = site.reads("/api/v1/transmitter").await;
        (stands["items"][0]["delivered"] == 1).then_some(())
    })
    .await;
    assert_eq!(retry("idp").await.json()["count"], 0);
    assert_eq!(shake("idp").await.json()["state"], "delivered");
    let lines = site.recorded("statement.queued").await;
    assert_eq!(lines.iter().filter(|line| line.contains(&us())).count(), 3, "{lines:?}");
    refused(&shake("nobody").await, StatusCode::NOT_FOUND, "nobody");
    refused(&retry("nobody").await, StatusCode::NOT_FOUND, "nobody");
    site.running.stop().await;
}
