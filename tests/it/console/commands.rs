//! What commands do, by the API.

use http::{Method, StatusCode};
use revoked::model::Role;
use serde_json::{Value, json};

use super::{Answer, Site};
use crate::harness::chat_holdings::Holdings;
use crate::harness::until;

impl Site {
    async fn get(&self, path: &str) -> Value {
        let answer = self.by_socket(Role::Viewer, Method::GET, path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        answer.json()
    }

    async fn post(&self, role: Role, path: &str, body: Value) -> Answer {
        self.by_socket(role, Method::POST, path, Some(body)).await
    }

    /// Asks for somebody, and waits for the end of it.
    async fn contained(&self, subject: &str, reason: &str) -> i64 {
        let said = self.installation.revoke(subject, reason, &[]).await;
        assert_eq!(said.code, 0, "{said:?}");
        self.installation.count("SELECT max(id) FROM cases").await
    }
}

#[tokio::test]
async fn a_batch_is_rehearsed_confirmed_by_its_hash_followed_and_called_off() {
    let site = Site::new().await;
    let mut asked = json!({
        "subjects": ["username:user01", "username:user02", "username:user05", "USER01@example.test", "username:user01"],
        "reason": "compromised",
    });
    let plan = site
        .post(Role::Requester, "/api/v1/batches/rehearsal", asked.clone())
        .await
        .json();
    assert_eq!((&plan["people"], &plan["again"]), (&json!(4), &json!(1)), "{plan:#}");
    assert_eq!(plan["protected"], json!(["username:user05"]));
    assert_eq!(plan["targets"], json!(["chat"]));
    assert_eq!(
        site.installation.count("SELECT count(*) FROM inbox").await,
        0,
        "a rehearsal does nothing"
    );
    asked["note"] = "ticket 812".into();
    asked["set"] = "0123456789abcdef".into();
    let other = site.post(Role::Requester, "/api/v1/batches", asked.clone()).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{other:?}");
    asked["set"] = plan["set"].clone();
    let taken = site.post(Role::Requester, "/api/v1/batches", asked.clone()).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{taken:?}");
    let taken = taken.json();
    assert_eq!(taken["again"], false);
    let again = site.post(Role::Requester, "/api/v1/batches", asked).await.json();
    assert_eq!(
        (&again["batch"], &again["again"]),
        (&taken["batch"], &json!(true)),
        "{again:#}"
    );
    let path = format!("/api/v1/batches/{}", taken["batch"].as_str().unwrap());
    let progress = until("all but who is protected", async || {
        let progress = site.get(&path).await;
        (progress["unfinished"] == 1 && progress["new"] == 0).then_some(progress)
    })
    .await;
    assert_eq!(progress["people"], 4, "{progress:#}");
    assert!(Holdings::of(site.installation.chat(), "user01").is_out());
    assert!(Holdings::of(site.installation.chat(), "user02").is_out());
    let off = site
        .post(
            Role::Approver,
            &format!("{path}/cancellation"),
            json!({ "note": "the wrong list" }),
        )
        .await;
    assert_eq!(off.json(), json!({ "cases": 1, "left": 0 }), "{off:?}");
    let progress = site.get(&path).await;
    assert_eq!(progress["unfinished"], 0, "{progress:#}");
    let cancelled = progress["cases"]
        .as_array()
        .unwrap()
        .iter()
        .find(|case| case["state"] == "cancelled");
    assert_eq!(cancelled.unwrap()["people"], 1, "{progress:#}");
    // The hash of the command for the same list is that of the API.
    std::fs::write(site.installation.path("people"), "username:user03\nusername:user04\n").unwrap();
    let people = site.installation.path("people").display().to_string();
    let said = site
        .installation
        .says(&["revoke", "--from", &people, "--reason", "departed", "--json"])
        .await;
    let same = json!({ "subjects": ["username:user04", "username:user03"], "reason": "departed" });
    let plan = site.post(Role::Requester, "/api/v1/batches/rehearsal", same).await.json();
    assert!(said.out.contains(plan["set"].as_str().unwrap()), "{said:?} {plan:#}");
    for wrong in ["/api/v1/batches/x", "/api/v1/batches/0123456789abcdef-1"] {
        let answer = site.by_socket(Role::Viewer, Method::GET, wrong, None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
    }
    site.running.stop().await;
}

#[tokio::test]
async fn people_are_found_with_what_was_done_about_them() {
    let site = Site::new().await;
    let case = site.contained("username:user03", "departed").await;
    let found = site.get("/api/v1/find?word=user03").await;
    let kinds: Vec<&str> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|hit| hit["kind"].as_str())
        .collect();
    assert!(kinds.contains(&"case") && kinds.contains(&"account"), "{found:#}");
    let person = site.get("/api/v1/people?subject=username:user03").await;
    assert_eq!(person["cases"][0]["id"], case, "{person:#}");
    let empty = site.by_socket(Role::Viewer, Method::GET, "/api/v1/find?word=%20", None).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST, "{empty:?}");
    site.running.stop().await;
}

#[tokio::test]
async fn a_suspension_is_undone_as_it_was_rehearsed() {
    let site = Site::new().await;
    let case = site.contained("username:user03", "departed").await;
    assert!(!Holdings::of(site.installation.chat(), "user03").active);
    let path = format!("/api/v1/cases/{case}/release");
    let plan = site.by_socket(Role::Requester, Method::GET, &path, None).await;
    assert_eq!(plan.status, StatusCode::OK, "{plan:?}");
    let plan = plan.json();
    assert_eq!(plan["targets"][0]["target"], "chat", "{plan:#}");
    let command = site.installation.ask(&["release", &case.to_string()]).await;
    // The doors are open until instants that count from the look.
    assert_eq!(command["set"], plan["set"], "the command rehearses the same");
    let release = async |set: &str| {
        site.post(Role::Approver, &path, json!({ "set": set, "note": "by mistake" }))
            .await
    };
    assert_eq!(release("0123456789abcdef").await.status, StatusCode::CONFLICT);
    let released = release(plan["set"].as_str().unwrap()).await;
    assert_eq!(released.status, StatusCode::ACCEPTED, "{released:?}");
    until("the account to be enabled", async || {
        Holdings::of(site.installation.chat(), "user03").active.then_some(())
    })
    .await;
    let nothing = site
        .by_socket(Role::Requester, Method::GET, "/api/v1/cases/999999/release", None)
        .await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND, "{nothing:?}");
    site.running.stop().await;
}

#[tokio::test]
async fn a_leaked_credential_is_ended_and_its_value_stands_in_no_answer() {
    let site = Site::new().await;
    let value = "wrong-and-secret-0123456789";
    let wrong = json!({ "target": "chat", "value": value, "contain": value });
    let refused = site.post(Role::Requester, "/api/v1/leaked", wrong).await;
    assert!(
        refused.status.is_client_error() && !refused.text.contains(value),
        "{refused:?}"
    );
    let asked = site
        .post(Role::Requester, "/api/v1/leaked", json!({ "target": "chat", "value": value }))
        .await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{asked:?}");
    assert!(!asked.text.contains(value), "{asked:?}");
    // Nobody's: it is refused from the start, which is what the case says.
    let case = asked.json()["case"].as_i64().unwrap();
    until("the verdict", async || {
        let shown = site.get(&format!("/api/v1/cases/{case}")).await;
        (shown["case"]["verdict"] == "no_principal" || shown["verdict"] == "no_principal").then_some(())
    })
    .await;
    site.running.stop().await;
    assert!(!site.installation.log().contains(value));
}

#[tokio::test]
async fn a_target_is_paused_and_goes_on_and_sources_are_shown() {
    let site = Site::new().await;
    let paused = site
        .post(Role::Approver, "/api/v1/targets/chat/pause", json!({ "note": "upgrade" }))
        .await;
    assert_eq!(paused.status, StatusCode::NO_CONTENT, "{paused:?}");
    let targets = site.get("/api/v1/targets").await;
    assert_eq!(targets["items"][0]["target"], "chat");
    assert_eq!(targets["items"][0]["paused"]["note"], "upgrade", "{targets:#}");
    let unknown = site
        .post(Role::Approver, "/api/v1/targets/mail/pause", json!({ "note": "x" }))
        .await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{unknown:?}");
    let resumed = site.post(Role::Approver, "/api/v1/targets/chat/resumption", json!({})).await;
    assert_eq!(resumed.status, StatusCode::NO_CONTENT, "{resumed:?}");
    let again = site.post(Role::Approver, "/api/v1/targets/chat/resumption", json!({})).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{again:?}");
    site.contained("username:user01", "compromised").await;
    let sources = site.get("/api/v1/sources").await;
    let inbox = sources["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|source| source["source"] == "inbox");
    assert!(inbox.unwrap()["since"].is_string(), "{sources:#}");
    site.running.stop().await;
}

#[tokio::test]
async fn several_holds_are_decided_as_one_and_their_alerts_cleared() {
    let site = Site::new().await;
    let first = site.held().await;
    // What came as a batch is a hold of its own.
    let many = json!({ "subjects": ["username:user06", "username:user07"], "reason": "departed" });
    let plan = site
        .post(Role::Requester, "/api/v1/batches/rehearsal", many.clone())
        .await
        .json();
    let mut many = many;
    many["set"] = plan["set"].clone();
    let taken = site.post(Role::Requester, "/api/v1/batches", many).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{taken:?}");
    let second = until("a second hold", async || {
        let second = site.installation.count("SELECT max(id) FROM hold").await;
        (second != first).then_some(second)
    })
    .await;
    assert_ne!(first, second);
    let together = site.get(&format!("/api/v1/holds/together?holds={first},{second}")).await;
    assert_eq!(together["people"], 3, "{together:#}");
    let alerts = site.get("/api/v1/alerts").await;
    let alert = alerts["items"][0]["id"].as_i64().unwrap();
    let decide = async |set: &Value| {
        let decision = json!({ "holds": [first, second], "decision": "reject", "set": set, "note": "a drill" });
        site.post(Role::Approver, "/api/v1/holds/decision", decision).await
    };
    assert_eq!(decide(&json!("0123456789abcdef")).await.status, StatusCode::CONFLICT);
    let decided = decide(&together["set"]).await;
    assert_eq!(decided.status, StatusCode::OK, "{decided:?}");
    assert_eq!(
        (&decided.json()["state"], &decided.json()["people"]),
        (&json!("rejected"), &json!(3))
    );
    // Decided, their alerts are over: to clear one again is refused.
    let cleared = site
        .post(Role::Requester, &format!("/api/v1/alerts/{alert}/clearance"), json!({}))
        .await;
    assert_eq!(cleared.status, StatusCode::CONFLICT, "{cleared:?}");
    site.running.stop().await;
}

#[tokio::test]
async fn a_departure_is_shown_and_called_off() {
    let hr = "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{folder}/hr\"\ntime_zone = \"Europe/Berlin\"\ninterval = \"100ms\"\nsettle = \"1s\"\n";
    let site = Site::with(hr).await;
    std::fs::create_dir_all(site.installation.path("hr")).unwrap();
    let row = "employee_id,email,last_working_day,action\n4711,user02@example.test,2099-01-31,terminate\n";
    std::fs::write(site.installation.path("hr").join("leavers.csv"), row).unwrap();
    let planned = until("the plan", async || {
        let planned = site.get("/api/v1/departures?state=planned").await;
        planned["items"]
            .as_array()
            .is_some_and(|items| items.len() == 1)
            .then_some(planned)
    })
    .await;
    assert_eq!(planned["items"][0]["employee"], "4711", "{planned:#}");
    let path = format!("/api/v1/departures/{}", planned["items"][0]["id"]);
    let off = site
        .post(Role::Approver, &format!("{path}/cancellation"), json!({ "note": "stays" }))
        .await;
    assert_eq!(off.status, StatusCode::NO_CONTENT, "{off:?}");
    let shown = site.get(&path).await;
    assert_eq!(shown["departure"]["state"], "cancelled", "{shown:#}");
    site.running.stop().await;
}
