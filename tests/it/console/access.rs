//! Who may use which route, and as whom what they do is recorded.

use http::{Method, StatusCode};
use revoked::console::access::{Access, Least, ROUTES};
use revoked::console::document;
use revoked::model::Role;
use serde_json::{Value, json};

use super::Site;
use crate::harness::{Installation, InstallationPlan};

/// How a route is tried: with a number that nothing has, so that whoever may ask is told so, and nothing is changed.
pub(super) fn tried(route: &Access) -> (Method, String, Option<Value>) {
    let path = route
        .path
        .replace("{id}", "999999")
        .replace("{name}", "nobody")
        .replace("{file}", "console.css");
    let method: Method = route.method.parse().unwrap();
    let body = (method == Method::POST && route.path.starts_with("/api/")).then(|| json!({}));
    (method, path, body)
}

/// Whether the table lets a role use a route.
pub(super) fn may(role: Role, route: &Access) -> bool {
    match route.least {
        Least::Anybody => true,
        Least::Role(least) => role >= least,
    }
}

#[test]
fn every_route_of_the_api_stands_in_the_table_and_the_other_way_round() {
    let document = serde_json::to_value(document()).unwrap();
    let mut described: Vec<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    described.push(("GET".to_owned(), "/api/v1/openapi.json".to_owned()));
    let table = ROUTES.iter().filter(|route| route.path.starts_with("/api/"));
    let mut table: Vec<(String, String)> = table.map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    described.sort();
    table.sort();
    assert_eq!(described, table);
}

#[tokio::test]
async fn each_role_may_do_what_the_table_says_and_nobody_else_may_do_anything() {
    let site = Site::new().await;
    for route in ROUTES {
        let (method, path, body) = tried(route);
        for role in Role::ALL {
            let answer = site.by_socket(role, method.clone(), &path, body.clone()).await;
            let refused = answer.status == StatusCode::FORBIDDEN && answer.text.contains("this needs the role");
            assert_eq!(!refused, may(role, route), "{} {path} as {role}: {answer:?}", route.method);
        }
        let answer = site.by_network(&[], method.clone(), &path, body.clone()).await;
        let refused = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            || answer.status == StatusCode::SEE_OTHER && answer.headers["location"].to_str().unwrap().starts_with("/sign-in");
        let is_open = route.least == Least::Anybody && method == Method::GET;
        assert_eq!(refused, !is_open, "{} {path} by nobody: {answer:?}", route.method);
    }
    site.running.stop().await;
}

#[tokio::test]
async fn a_token_is_good_until_it_is_ended_and_stands_nowhere() {
    let site = Site::new().await;
    let token = site.token(Role::Viewer).await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let seen = site.by_network(&headers, Method::GET, "/api/v1/cases", None).await;
    assert_eq!(seen.status, StatusCode::OK, "{seen:?}");
    let refused = site.by_network(&headers, Method::GET, "/api/v1/tokens", None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    let ended = site.by_socket(Role::Admin, Method::DELETE, "/api/v1/tokens/1", None).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{ended:?}");
    let refused = site.by_network(&headers, Method::GET, "/api/v1/cases", None).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{refused:?}");
    site.running.stop().await;
    for name in ["revoked.db", "revoked.db-wal"] {
        let bytes = std::fs::read(site.installation.path(name)).unwrap_or_default();
        assert!(
            !bytes.windows(token.len()).any(|window| window == token.as_bytes()),
            "{name} has it"
        );
    }
}

#[tokio::test]
async fn an_approval_is_about_what_was_shown_and_the_trail_says_whose_it_is() {
    let site = Site::new().await;
    let hold = site.held().await;
    let path = format!("/api/v1/holds/{hold}");
    let shown = site.by_socket(Role::Viewer, Method::GET, &path, None).await.json();
    assert_eq!(shown["people"], 1, "{shown:#}");
    let approve = async |set: &str| {
        let decision = json!({ "set": set, "note": "asked back by phone" });
        site.by_socket(Role::Approver, Method::POST, &format!("{path}/approval"), Some(decision))
            .await
    };
    let other = approve("0123456789abcdef").await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{other:?}");
    assert_eq!(other.headers["content-type"], "application/problem+json");
    let approved = approve(shown["set"].as_str().unwrap()).await;
    assert_eq!(approved.status, StatusCode::OK, "{approved:?}");
    let again = approve(shown["set"].as_str().unwrap()).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{again:?}");
    let trail = site
        .by_socket(Role::Viewer, Method::GET, "/api/v1/trail?kind=hold.approved", None)
        .await
        .json();
    let line = trail["items"][0]["line"].as_str().unwrap();
    assert!(
        line.contains("\"operator:") && line.contains(&format!("({})", rustix::process::getuid().as_raw())),
        "{line}"
    );
    site.running.stop().await;
}

#[test]
fn the_table_of_the_documents_is_that_of_the_program() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/console.md")).unwrap();
    for route in ROUTES {
        let role = match route.least {
            Least::Anybody => "anybody",
            Least::Role(role) => role.word(),
        };
        let begins = format!("| `{} {}` | {role} | ", route.method, route.path);
        assert_eq!(page.matches(&begins).count(), 1, "{begins}");
    }
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| `") && !line.starts_with("| `revoked ") && line.contains(" /"))
        .count();
    assert_eq!(rows, ROUTES.len());
}

#[tokio::test]
async fn a_folder_in_which_others_may_put_a_socket_is_refused_at_the_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let plan = InstallationPlan {
        more: "[console]\nsockets = \"{folder}/sockets\"\n",
        ..InstallationPlan::default()
    };
    let site = Installation::new(plan).await;
    std::fs::create_dir(site.path("sockets")).unwrap();
    std::fs::set_permissions(site.path("sockets"), std::fs::Permissions::from_mode(0o777)).unwrap();
    let said = site.says(&["run"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("the folder of the console's sockets"), "{said:?}");
}

#[tokio::test]
async fn a_token_has_a_name_and_an_end_however_it_is_made() {
    let site = Site::new().await;
    for args in [["", "90d"], ["ci", "400d"], ["ci", "0s"]] {
        let said = site
            .installation
            .says(&["token", "make", args[0], "--role", "viewer", "--for", args[1]])
            .await;
        assert!(said.code == 1 && said.err.contains("a token "), "{args:?}: {said:?}");
    }
    let made = site
        .installation
        .says(&["token", "make", "ci", "--role", "viewer", "--for", "1d"])
        .await;
    assert_eq!(made.code, 0, "{made:?}");
    let headers = format!("Bearer {}", made.out.lines().last().unwrap());
    let seen = site
        .by_network(&[("authorization", &headers)], Method::GET, "/api/v1/status", None)
        .await;
    assert_eq!(seen.status, StatusCode::OK, "{seen:?}");
    site.running.stop().await;
}
