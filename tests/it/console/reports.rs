//! Reports over the API, and that whoever reads about people is recorded.

use http::{Method, StatusCode};
use revoked::model::Role;
use serde_json::Value;

use super::Site;

#[tokio::test]
async fn a_case_that_is_looked_at_is_recorded_once_and_the_report_of_times_is_that_of_the_command() {
    let site = Site::new().await;
    site.closes_one().await;
    let viewed = async |path: &str| site.by_socket(Role::Viewer, Method::GET, path, None).await;
    for path in ["/api/v1/cases/1", "/cases/1", "/api/v1/cases/1"] {
        assert_eq!(viewed(path).await.status, StatusCode::OK);
    }
    let recorded = viewed("/api/v1/trail?kind=people.read").await.json();
    let lines: Vec<&str> = recorded["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["line"].as_str().unwrap())
        .collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("GET /api/v1/cases/{id}") && !lines[0].contains("user01"),
        "{lines:?}"
    );

    let told = viewed("/api/v1/reports/containment").await;
    assert_eq!(told.status, StatusCode::OK, "{told:?}");
    let command = site.installation.ask(&["report", "containment"]).await;
    assert_eq!(told.json()["groups"], command["groups"]);
    assert_eq!(told.json()["groups"][0]["contained"], 1);
    let of_then = viewed("/api/v1/reports/containment?since=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z").await;
    assert_eq!(of_then.json()["cases"], Value::from(0));
    for query in [
        "since=soon",
        "since=2020-01-01T00:00:00Z",
        "until=2020-01-01T00:00:00Z&since=2020-01-01T00:00:00Z",
    ] {
        let refused = viewed(&format!("/api/v1/reports/containment?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}: {refused:?}");
    }
    site.running.stop().await;
}
