//! What the config says, over the API: read anew, the groups of people, why something would be decided, what a source has rehearsed, whether channels
//! work; and that somebody is forgotten.

use http::{Method, StatusCode};
use revoked::model::Role;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::what_is_left::{refused, us};
use super::{Answer, Site};
use crate::harness::until;

const TABLES: &str = "
[group.executives]
file = \"FOLDER/executives\"
hold = true

[[source]]
name = \"hr\"
kind = \"hr-csv\"
folder = \"FOLDER/drop\"
time_zone = \"Europe/Berlin\"
interval = \"100ms\"
settle = \"100ms\"
mode = \"rehearse\"

[[notify]]
name = \"metrics\"
kind = \"alertmanager\"
url = \"SERVER\"
";

impl Site {
    fn lists(&self, people: std::ops::RangeInclusive<usize>) {
        let lines: Vec<String> = people.map(|n| format!("username:user{n:02}\n")).collect();
        std::fs::write(self.installation.path("executives.tmp"), lines.concat()).unwrap();
        std::fs::rename(self.installation.path("executives.tmp"), self.installation.path("executives")).unwrap();
    }

    async fn reloads(&self) -> Answer {
        self.by_socket(Role::Admin, Method::POST, "/api/v1/reload", None).await
    }

    async fn explains(&self, asked: Value) -> Answer {
        self.sends(Role::Viewer, "/api/v1/policy/explanation", asked).await
    }
}

#[tokio::test]
async fn a_config_is_read_anew_and_what_it_says_of_people_sources_and_channels_is_shown() {
    let site = Site::new().await;
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    site.lists(1..=8);
    std::fs::create_dir(site.installation.path("drop")).unwrap();
    let before = std::fs::read_to_string(site.installation.config()).unwrap();
    let folder = site.installation.path("executives").parent().unwrap().display().to_string();
    let tables = TABLES.replace("FOLDER", &folder).replace("SERVER", &server.uri());
    std::fs::write(site.installation.config(), format!("{before}{tables}")).unwrap();
    let taken = site.reloads().await;
    assert_eq!(taken.status, StatusCode::OK, "{taken:?}");
    assert_eq!(taken.json()["outcome"], "taken", "{taken:?}");
    assert_eq!(site.reloads().await.json()["outcome"], "unchanged");
    assert!(site.recorded("config.reloaded").await[0].contains(&us()));
    std::fs::write(site.installation.config(), format!("{before}{tables}nonsense = 1\n")).unwrap();
    refused(&site.reloads().await, StatusCode::CONFLICT, "nonsense");
    std::fs::write(site.installation.config(), format!("{before}{tables}")).unwrap();
    groups(&site).await;
    decisions(&site).await;
    rehearsals(&site).await;
    channels(&site, &server).await;
    site.running.stop().await;
}

/// The groups, and a list that has lost many.
async fn groups(site: &Site) {
    let groups = site.reads("/api/v1/policy/groups").await;
    let command = site.installation.says(&["policy", "groups", "--json"]).await;
    assert_eq!(groups["items"], command.rows(), "{groups:#}");
    site.lists(1..=2);
    let shrunk = site.reads("/api/v1/policy/groups").await;
    let fault = shrunk["items"][1]["fault"].as_str().unwrap();
    assert!(fault.contains("it names 2 where it named 8"), "{shrunk:#}");
    let path = "/api/v1/policy/groups/executives/acceptance";
    refused(
        &site.sends(Role::Approver, path, json!({ "names": 3 })).await,
        StatusCode::CONFLICT,
        "names 2 now",
    );
    refused(
        &site.sends(Role::Approver, path, json!({ "names": 0 })).await,
        StatusCode::BAD_REQUEST,
        "names",
    );
    let accepted = site.sends(Role::Approver, path, json!({ "names": 2 })).await;
    assert_eq!(
        accepted.json(),
        json!({ "group": "executives", "before": 8, "now": 2 }),
        "{accepted:?}"
    );
    until("the list to be taken", async || {
        let groups = site.reads("/api/v1/policy/groups").await;
        (groups["items"][1]["names"] == 2).then_some(())
    })
    .await;
    assert!(site.recorded("group.list_accepted").await[0].contains(&us()));
    let none = site
        .sends(
            Role::Approver,
            "/api/v1/policy/groups/protected/acceptance",
            json!({ "names": 3 }),
        )
        .await;
    refused(&none, StatusCode::NOT_FOUND, "protected");
}

/// Why something would be decided.
async fn decisions(site: &Site) {
    let asked = json!({ "subject": "username:user01", "reason": "compromised" });
    let explained = site.explains(asked).await.json();
    let command = site.installation.ask(&["policy", "test", "username:user01"]).await;
    assert_eq!(explained, command);
    assert_eq!(
        (&explained["decision"], &explained["group"]),
        (&json!("hold"), &json!("executives")),
        "{explained:#}"
    );
    let rehearsing = json!({ "subject": "user03@example.test", "source": "hr", "reason": "departed", "together": 500 });
    assert_eq!(site.explains(rehearsing).await.json()["mode"], "rehearse");
    assert_eq!(
        site.installation.count("SELECT count(*) FROM cases").await,
        0,
        "nothing was done"
    );
    for (body, status) in [
        (json!({ "subject": "nobody" }), StatusCode::UNPROCESSABLE_ENTITY),
        (
            json!({ "subject": "username:user01", "reason": "bored" }),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            json!({ "subject": "username:user01", "source": "nowhere" }),
            StatusCode::NOT_FOUND,
        ),
        (
            json!({ "subject": "username:user01", "together": 0 }),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        refused(&site.explains(body).await, status, "");
    }
}

/// What a source has rehearsed.
async fn rehearsals(site: &Site) {
    site.drop_file("leavers.csv", "3,user03@example.test,terminate,2026-01-02,Europe/Berlin\n", 0)
        .await;
    let path = "/api/v1/sources/hr/rehearsed";
    let rehearsed = until("the rehearsal", async || {
        let rehearsed = site.reads(path).await;
        (rehearsed["people"].as_array()?.len() == 1).then_some(rehearsed)
    })
    .await;
    let command = site.installation.ask(&["source", "rehearsed", "hr"]).await;
    assert_eq!(
        (&rehearsed["counts"], &rehearsed["people"]),
        (&command["counts"], &command["people"])
    );
    let read = site.recorded("people.read").await;
    assert!(read.iter().any(|line| line.contains("sources/{name}/rehearsed")), "{read:?}");
    let empty = site.reads(&format!("{path}?since=2099-01-01T00:00:00Z")).await;
    assert_eq!(empty["counts"], json!([]));
    for (path, status) in [
        ("/api/v1/sources/nowhere/rehearsed", StatusCode::NOT_FOUND),
        ("/api/v1/sources/hr/rehearsed?since=soon", StatusCode::BAD_REQUEST),
    ] {
        refused(&site.by_socket(Role::Viewer, Method::GET, path, None).await, status, "");
    }
}

/// Whether channels work.
async fn channels(site: &Site, server: &MockServer) {
    let test = "/api/v1/notifications/test";
    let tested = site.sends(Role::Admin, test, json!({ "channel": "metrics" })).await;
    assert_eq!(
        tested.json(),
        json!([{ "channel": "metrics", "taken": [""], "refused": [], "waiting": 0 }]),
        "{tested:?}"
    );
    assert!(!server.received_requests().await.unwrap().is_empty());
    let channels = site.reads("/api/v1/notifications").await;
    assert_eq!(channels["items"], site.installation.ask(&["notify", "list"]).await);
    refused(
        &site.sends(Role::Admin, test, json!({ "channel": "nowhere" })).await,
        StatusCode::NOT_FOUND,
        "nowhere",
    );
}

#[tokio::test]
async fn somebody_is_forgotten_by_all_the_names_that_were_shown_and_only_once() {
    let site = Site::new().await;
    let case = site.asks_for("username:user01").await;
    let names = json!({ "names": ["username:user01", "employee_id:4711"] });
    let linked = site.sends(Role::Approver, "/api/v1/subjects/links", names).await;
    assert_eq!(linked.status, StatusCode::OK, "{linked:?}");
    until("the case to be over", async || {
        let detail = site.reads(&format!("/api/v1/cases/{case}")).await;
        (detail["case"]["state"] == "closed").then_some(())
    })
    .await;
    let erase = async |names: Value| {
        let body = json!({ "subject": "username:user01", "names": names });
        site.sends(Role::Admin, "/api/v1/erasures", body).await
    };
    refused(&erase(json!(["username:user01"])).await, StatusCode::CONFLICT, "other names");
    refused(&erase(json!([])).await, StatusCode::BAD_REQUEST, "from 1 to");
    let shown = site.reads("/api/v1/people?subject=username:user01").await;
    let all: Vec<Value> = shown["names"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name["name"].clone())
        .collect();
    let erased = erase(json!(all)).await;
    assert_eq!(erased.status, StatusCode::NO_CONTENT, "{erased:?}");
    refused(&erase(json!(all)).await, StatusCode::CONFLICT, "other names");
    refused(
        &erase(json!(["username:user01"])).await,
        StatusCode::NOT_FOUND,
        "nobody of that name",
    );
    let lines = site.recorded("person.erased").await;
    assert!(lines[0].contains(&us()) && !lines[0].contains("user01"), "{lines:?}");
    let detail = site.reads(&format!("/api/v1/cases/{case}")).await;
    assert!(detail["case"]["subject"].is_null(), "{detail:#}");
    site.running.stop().await;
}
