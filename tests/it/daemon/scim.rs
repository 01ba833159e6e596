//! Provisioning over SCIM, end to end: somebody is made, deactivated, and out; and what public tools say of the server.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use super::{CommandOutput, DaemonProcess, Installation, InstallationPlan};
use crate::harness::chat_holdings::{Holdings, others};

const TOKEN: &str = "0d8f3b6c7e1a4952b0c6d8e2f4a7913c";

const SOURCE: &str = r#"
[[source]]
name = "okta"
kind = "scim"
url = "https://revoked.example.test/signals/okta"
token = { file = "{folder}/scim-token" }
next_token = { file = "{folder}/scim-token-next" }
"#;

async fn site() -> Installation {
    let site = Installation::new(InstallationPlan {
        more: SOURCE,
        ..InstallationPlan::default()
    })
    .await;
    site.secret("scim-token", TOKEN.as_bytes());
    site.secret("scim-token-next", b"a token that nobody is given yet");
    site
}

impl DaemonProcess {
    async fn scim(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, self.url(&format!("/signals/okta{path}")));
        request = request
            .bearer_auth(TOKEN)
            .header("user-agent", "Okta SCIM Client 1.0.0")
            .header("content-type", "application/scim+json; charset=utf-8");
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }
}

#[tokio::test]
async fn okta_provisions_maya_and_deactivates_her_and_she_is_out() {
    let site = site().await;
    let running = site.start().await;
    let before = others(site.chat(), "user01");
    assert!(!Holdings::of(site.chat(), "user01").is_out());

    let (status, found) = running
        .scim(
            "GET",
            "/Users?filter=userName%20eq%20%22maya%40example.test%22&startIndex=1&count=100",
            None,
        )
        .await;
    assert_eq!((status, &found["totalResults"]), (200, &json!(0)));
    let maya = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "maya@example.test",
        "name": {"givenName": "Maya", "familyName": "Lindqvist"},
        "emails": [{"primary": true, "value": "user01@example.test", "type": "work"}],
        "displayName": "Maya Lindqvist", "locale": "en-US", "externalId": "00u1maya", "groups": [],
        "password": "1mz050nq", "active": true,
    });
    let (status, mut user) = running.scim("POST", "/Users", Some(&maya)).await;
    assert_eq!(status, 201, "{user}");
    let path = format!("/Users/{}", user["id"].as_str().unwrap());
    assert_eq!(site.count("SELECT count(*) FROM signal").await, 0);

    // What was acknowledged outlives a power cut.
    running.kill().await;
    let running = site.start().await;
    let (status, again) = running.scim("GET", &path, None).await;
    assert_eq!((status, &again), (200, &user));

    // An application made by the wizard puts the whole user back.
    user["active"] = json!(false);
    for _ in 0..2 {
        let (status, put) = running.scim("PUT", &path, Some(&user)).await;
        assert_eq!((status, &put["active"]), (200, &json!(false)));
        assert_eq!(site.count("SELECT count(*) FROM signal WHERE reason = 'departed'").await, 1);
    }
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    let after = Holdings::of(site.chat(), "user01");
    assert!(after.is_out() && !after.active, "{after:?}");
    // Her bots went with her.
    let still: Vec<_> = others(site.chat(), "user01").into_iter().filter(|one| one.active).collect();
    let were = before.into_iter().filter(|one| still.iter().any(|other| other.id == one.id));
    assert_eq!(still, were.collect::<Vec<_>>(), "somebody else was touched");
    assert!(site.alerts().await.is_empty());
    assert!(!site.log().contains("1mz050nq"));
    running.stop().await;
}

const ONE_AN_HOUR: &str = r#"
[[source]]
name = "okta"
kind = "scim"
url = "https://revoked.example.test/signals/okta"
token = { file = "{folder}/scim-token" }
departures_per_hour = 1
"#;

async fn one_an_hour() -> Installation {
    let site = Installation::new(InstallationPlan {
        more: ONE_AN_HOUR,
        ..InstallationPlan::default()
    })
    .await;
    site.secret("scim-token", TOKEN.as_bytes());
    site
}

impl DaemonProcess {
    /// Makes an active user and gives the path to it.
    async fn user(&self, called: &str, address: &str) -> String {
        let user = json!({"userName": called, "emails": [{"value": address, "type": "work"}], "active": true});
        let (status, made) = self.scim("POST", "/Users", Some(&user)).await;
        assert_eq!(status, 201, "{made}");
        format!("/Users/{}", made["id"].as_str().unwrap())
    }

    async fn set_active(&self, user: &str, active: &str) {
        let patch = json!({"Operations": [{"op": "Replace", "path": "active", "value": active}]});
        assert_eq!(self.scim("PATCH", user, Some(&patch)).await.0, 200);
    }
}

#[tokio::test]
async fn an_address_given_on_while_its_former_owner_waits_leads_to_nobody_but_the_former_owner() {
    let site = one_an_hour().await;
    let running = site.start().await;
    let first = running.user("user01", "user01@example.test").await;
    let leaver = running.user("user05", "user04@example.test").await;
    running.set_active(&first, "False").await;
    running.set_active(&leaver, "False").await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 1).await;

    // The new hire, whose account at the target has the address by now.
    let newcomer = Holdings::of(site.chat(), "user04");
    running.user("newcomer", "user04@example.test").await;
    let shown = site.ask(&["hold", "show", "1"]).await;
    assert_eq!(shown["cases"][0]["subject"], "username:user05", "{shown:#}");
    let set = shown["set"].as_str().unwrap();
    let approved = site.says(&["hold", "approve", "1", "--set", set]).await;
    assert_eq!(approved.code, 0, "{approved:?}");
    let detail = site.closed(&shown["cases"][0]["case"]).await;
    assert_eq!(detail["case"]["verdict"], "contained", "{detail:#}");
    assert!(Holdings::of(site.chat(), "user05").is_out());
    assert_eq!(
        Holdings::of(site.chat(), "user04"),
        newcomer,
        "the new owner of the address was touched"
    );
    running.stop().await;
}

#[tokio::test]
async fn a_scope_edited_by_mistake_and_put_right_leaves_nothing_to_decide() {
    let site = one_an_hour().await;
    let running = site.start().await;
    let mut users = Vec::new();
    for n in 1..=4 {
        users.push(
            running
                .user(&format!("user{n:02}"), &format!("user{n:02}@example.test"))
                .await,
        );
    }
    for user in &users {
        running.set_active(user, "False").await;
    }
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 3).await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    let holds = site.ask(&["hold", "list"]).await;
    assert_eq!(holds.as_array().unwrap().len(), 1, "one mistake, one decision: {holds:#}");
    assert_eq!(site.alerts().await, ["hold"]);
    for user in &users {
        running.set_active(user, "True").await;
    }
    site.until_count("SELECT count(*) FROM cases WHERE state = 'cancelled'", 3)
        .await;
    assert!(site.ask(&["hold", "list"]).await.as_array().unwrap().is_empty());
    assert!(site.alerts().await.is_empty());
    for n in 2..=4 {
        assert!(!Holdings::of(site.chat(), &format!("user{n:02}")).is_out());
    }
    // What was done is not undone by itself.
    assert!(!Holdings::of(site.chat(), "user01").active);
    running.stop().await;
}

#[tokio::test]
async fn what_an_operator_asked_for_too_stays_and_the_hold_says_that_the_person_is_active_again() {
    let site = Installation::new(InstallationPlan {
        more: ONE_AN_HOUR,
        policy: "protected = [\"email:user02@example.test\"]",
        ..InstallationPlan::default()
    })
    .await;
    site.secret("scim-token", TOKEN.as_bytes());
    let running = site.start().await;
    let user = running.user("user02", "user02@example.test").await;
    running.set_active(&user, "False").await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 1).await;
    assert_eq!(site.revoke("user02@example.test", "departed", &[]).await.code, 14);
    let before = site.ask(&["hold", "show", "1"]).await;
    assert_eq!(before["cases"][0].get("reactivated"), None);
    running.set_active(&user, "True").await;
    let shown = site.says(&["hold", "show", "1"]).await;
    assert!(
        shown.out.contains("source okta said at") && shown.out.contains("active again"),
        "{shown:?}"
    );
    let set = before["set"].as_str().unwrap();
    let stale = site.says(&["hold", "approve", "1", "--set", set]).await;
    assert!(stale.code == 1 && stale.err.contains("look at it again"), "{stale:?}");
    assert!(!Holdings::of(site.chat(), "user02").is_out());
    running.stop().await;
}

#[tokio::test]
async fn one_of_two_accounts_of_a_person_is_switched_off_and_the_person_stays() {
    let site = site().await;
    let running = site.start().await;
    let before = Holdings::of(site.chat(), "user03");
    let everyday = running.user("user03@example.test", "user03@example.test").await;
    let admin = running.user("adm-user03@example.test", "user03@example.test").await;
    running.set_active(&admin, "False").await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 1).await;
    assert_eq!(Holdings::of(site.chat(), "user03"), before);
    running.set_active(&everyday, "False").await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user03").is_out());
    assert!(site.ask(&["hold", "list"]).await.as_array().unwrap().is_empty());
    running.stop().await;
}

#[tokio::test]
async fn who_looks_for_what_is_not_there_is_not_held_off_and_who_guesses_tokens_is() {
    let site = site().await;
    let running = site.start().await;
    for n in 0..40 {
        let (status, told) = running.scim("GET", &format!("/Users/{n}"), None).await;
        assert_eq!((status, &told["status"]), (404, &json!("404")), "{n}");
    }
    let mut statuses = Vec::new();
    for n in 0..40 {
        let request = running
            .http
            .get(running.url("/signals/okta/Users"))
            .bearer_auth(format!("guess-{n}"));
        statuses.push(request.send().await.unwrap().status().as_u16());
    }
    assert_eq!((statuses[0], statuses[39]), (401, 429), "{statuses:?}");
    running.stop().await;
}

/// The checker that tests/run installs. A server that is not checked is not known to be one, so this fails without it.
#[tokio::test]
async fn every_check_of_scim2_tester_is_green() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/scim2-tester/bin/python");
    assert!(
        python.exists(),
        "the checker is not installed; run ./tests/run once, which puts it into target/scim2-tester"
    );
    let site = site().await;
    let running = site.start().await;
    for base in ["/signals/okta/", "/signals/okta/v2/"] {
        let mut command = Command::new(&python);
        command
            .arg(root.join("tests/scim2-tester/check.py"))
            .arg(running.url(base))
            .arg(site.path("scim-token"));
        let said = CommandOutput::of(command.kill_on_drop(true).output().await.unwrap());
        assert_eq!(said.code, 0, "{said:?}");
        let results: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut checks: BTreeMap<&str, usize> = BTreeMap::new();
        for result in &results {
            assert_eq!(result["status"], "SUCCESS", "{result}");
            *checks.entry(result["check"].as_str().unwrap()).or_default() += 1;
        }
        assert!(results.len() > 80, "{checks:?}");
        for check in [
            "random_url",
            "object_creation",
            "object_query",
            "object_list_with_attributes",
            "search_with_attributes",
            "object_replacement",
            "object_deletion",
            "check_add_attribute",
            "check_remove_attribute",
            "check_replace_attribute",
        ] {
            assert!(checks.contains_key(check), "{check} was not run: {checks:?}");
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn the_script_of_the_docs_walks_through_a_users_life() {
    let site = site().await;
    let running = site.start().await;
    let mut command = Command::new("sh");
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sources/scim.sh"))
        .arg(running.url("/signals/okta"))
        .arg(site.path("scim-token"))
        .args(["user08", "user08@example.test"]);
    let said = CommandOutput::of(command.kill_on_drop(true).output().await.unwrap());
    assert_eq!(said.code, 0, "{said:?}");
    let steps: Vec<&str> = said.err.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(
        steps,
        ["200", "201", "409", "200", "200", "200", "200", "204", "404"],
        "{said:?}"
    );
    assert!(said.out.contains("\"active\":false"), "{said:?}");
    let reasons = "SELECT count(*) FROM signal WHERE reason IN ('departed', 'reactivated')";
    assert_eq!(site.count(reasons).await, 3, "deactivated, reactivated, deleted");
    // Who is active again before anything was done about it is called off.
    site.until_count(
        "SELECT count(*) FROM job WHERE kind = 'contain' AND state NOT IN ('done', 'cancelled')",
        0,
    )
    .await;
    assert!(Holdings::of(site.chat(), "user08").is_out());
    running.stop().await;
}
