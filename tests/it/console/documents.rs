//! Reports of one case, one person and one shift over the API and as pages: the same as the commands', verified by themselves, for a browser as strict as
//! every page.

use http::{Method, StatusCode};
use revoked::model::Role;
use revoked::trail::keys_beside;
use revoked_trail::{VerifiedReport, report_verifier};
use serde_json::Value;

use super::{Answer, Site};
use crate::harness::until;

async fn get(site: &Site, path: &str) -> Answer {
    site.by_socket(Role::Viewer, Method::GET, path, None).await
}

/// A site with one case that is over, and one that is held.
async fn with_cases() -> Site {
    let site = Site::new().await;
    site.held().await;
    site.closes_one().await;
    site
}

fn verify(site: &Site, text: &str) -> VerifiedReport {
    let keys = keys_beside(&site.installation.store()).unwrap();
    report_verifier::verify(text, &keys, &[]).unwrap()
}

/// The report at that path once every entry that it cites is signed.
async fn signed(site: &Site, path: &str) -> Answer {
    until("a checkpoint that covers it", async || {
        let told = get(site, path).await;
        assert_eq!(told.status, StatusCode::OK, "{told:?}");
        verify(site, &told.text).verified().then_some(told)
    })
    .await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().unwrap()
}

#[tokio::test]
async fn a_report_over_the_api_is_that_of_the_command_and_is_verified_by_itself() {
    let site = with_cases().await;
    let told = signed(&site, "/api/v1/cases/2/report").await;
    let of_the_command = site.installation.ask(&["case", "report", "2", "--utc"]).await;
    for section in [
        "report",
        "case",
        "subject",
        "title",
        "summary",
        "ticket",
        "proof",
        "changes",
        "not_covered",
        "course",
    ] {
        assert!(!told.json()[section].is_null(), "{section}");
        assert_eq!(told.json()[section], of_the_command[section], "{section}");
    }
    assert_eq!(
        told.json()["trail"]["verified"],
        Value::Null,
        "an answer does not wait for all of the trail"
    );
    let lines = &told.json()["inclusion"]["entries"];
    assert!(
        lines.as_array().unwrap().len() > 10 && !lines.to_string().contains("user01"),
        "{lines}"
    );

    for (path, name) in [
        ("/api/v1/cases/2/report", "case-2"),
        ("/api/v1/people/report?subject=username:user01", "person"),
        ("/api/v1/handover", "handover"),
    ] {
        let with = if path.contains('?') { '&' } else { '?' };
        for (format, kind, extension, begins) in [
            ("json", "application/json", "json", "{"),
            ("markdown", "text/markdown; charset=utf-8", "md", "# "),
            ("html", "text/html; charset=utf-8", "html", "<!doctype html>"),
        ] {
            let told = get(&site, &format!("{path}{with}format={format}")).await;
            assert_eq!(told.status, StatusCode::OK, "{told:?}");
            assert_eq!(header(&told, "content-type"), kind);
            assert_eq!(header(&told, "x-content-type-options"), "nosniff");
            assert_eq!(
                header(&told, "content-disposition"),
                format!("attachment; filename=\"{name}.{extension}\"")
            );
            assert!(told.text.starts_with(begins), "{path} {format}: {}", told.text);
        }
    }
    for (path, status) in [
        ("/api/v1/cases/99/report", StatusCode::NOT_FOUND),
        ("/api/v1/cases/2/report?format=pdf", StatusCode::BAD_REQUEST),
        ("/api/v1/people/report", StatusCode::BAD_REQUEST),
        ("/api/v1/people/report?subject=username:nobody", StatusCode::NOT_FOUND),
        (
            "/api/v1/people/report?subject=nobody%20at%20all",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "/api/v1/people/report?subject=username:user01&until=2020-01-01T00:00:00Z",
            StatusCode::NOT_FOUND,
        ),
        ("/api/v1/handover?since=yesterday", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(get(&site, path).await.status, status, "{path}");
    }
    let recorded = get(&site, "/api/v1/trail?kind=people.read").await.text;
    assert!(recorded.contains("GET /api/v1/cases/{id}/report"), "{recorded}");
    site.running.stop().await;
}

#[tokio::test]
async fn the_page_of_a_report_has_no_style_of_its_own_and_the_file_has_nothing_else() {
    let site = with_cases().await;
    for (path, from) in [
        ("/cases/2/report", "/cases/2"),
        ("/people/report?subject=username%3Auser01", "/people?word=username:user01"),
    ] {
        let link = get(&site, from).await.text;
        assert!(link.contains(&format!("<a href=\"{path}\">")), "{link}");
        let page = get(&site, path).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        assert!(
            header(&page, "content-security-policy").contains("style-src 'self'")
                && !page.headers.contains_key("content-disposition"),
            "{page:?}"
        );
        assert!(
            page.text.contains("<link rel=\"stylesheet\" href=\"/static/report.css\">"),
            "{page:?}"
        );
        for inline in ["<style", " style=", "<script", "unsafe-inline"] {
            assert!(!page.text.contains(inline), "{inline} in {}", page.text);
        }
        let file = get(
            &site,
            &format!("/api/v1{path}{}format=html", if path.contains('?') { '&' } else { '?' }),
        )
        .await;
        assert!(file.text.contains("@media print") && !file.text.contains("<link"), "{file:?}");
    }
    let sheet = get(&site, "/static/report.css").await;
    assert!(
        header(&sheet, "content-type").starts_with("text/css") && sheet.text.contains("@media print"),
        "{sheet:?}"
    );
    site.running.stop().await;
}
