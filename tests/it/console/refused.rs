//! What a browser is told where nothing was done: what went wrong, what to do next, and what was typed.

use http::StatusCode;
use revoked::http::client;
use revoked::model::Role;

use super::page::field;
use super::{Answer, Site};
use crate::harness::PATIENT;

impl Site {
    /// Sends a form as a browser does that shows the page `from`.
    async fn sent_from(&self, from: &str, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let request = client(PATIENT)
            .unwrap()
            .post(format!("{}{path}", self.origin()))
            .header("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
            .header("referer", format!("{}{from}", self.origin()))
            .header("sec-fetch-site", "same-origin")
            .header("cookie", cookie)
            .form(fields);
        Answer::of(request.send().await.unwrap()).await
    }
}

/// A page in words, and no problem for programs.
fn is_page(answer: &Answer, status: StatusCode) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8", "{answer:?}");
    assert!(answer.text.starts_with("<!doctype html>"), "{answer:?}");
}

#[tokio::test]
async fn a_refused_decision_shows_the_hold_as_it_is_now_with_what_was_ticked_and_typed() {
    let site = Site::new().await;
    let hold = site.held().await;
    let cookie = site.signed_in(Role::Approver).await;
    let path = format!("/holds/{hold}");
    let page = site.page(&path, &cookie).await;
    let (form, case, set) = (field(&page, "form"), field(&page, "shown"), field(&page, "set"));
    let decide = async |set: &str, keep: &[(&str, &str)], note: &str| {
        let mut fields = vec![
            ("form", form.as_str()),
            ("set", set),
            ("decision", "approve"),
            ("shown", &case),
        ];
        fields.extend(keep);
        fields.push(("note", note));
        site.sent_from(&path, &path, &cookie, &fields).await
    };
    let keep = [("keep", case.as_str())];
    let stale = decide("0123456789abcdef", &keep, "asked back <by> phone").await;
    is_page(&stale, StatusCode::CONFLICT);
    for said in [
        "Nothing was decided:",
        "what is held has changed since the page was made",
        "value=\"asked back &#60;by&#62; phone\"",
        &format!("name=\"set\" value=\"{set}\""),
        &format!("name=\"keep\" value=\"{case}\" checked"),
    ] {
        assert!(stale.text.contains(said), "{said}: {}", stale.text);
    }
    let nobody = decide(&set, &[], "left out").await;
    is_page(&nobody, StatusCode::CONFLICT);
    assert!(
        nobody.text.contains("nothing is left to decide") && !nobody.text.contains(" checked"),
        "{}",
        nobody.text
    );
    let silent = decide(&set, &keep, "  ").await;
    is_page(&silent, StatusCode::BAD_REQUEST);
    assert!(silent.text.contains("Nothing was decided:"), "{}", silent.text);
    site.running.stop().await;
}

#[tokio::test]
async fn whoever_is_signed_out_or_has_no_role_gets_back_what_they_typed_and_where_to_go_on() {
    let site = Site::new().await;
    let hold = site.held().await;
    let cookie = site.signed_in(Role::Viewer).await;
    let (path, note) = (format!("/holds/{hold}"), ("note", "confirmed with HR, ticket 812"));
    let out = site.sent_from(&path, &path, "", &[note]).await;
    is_page(&out, StatusCode::UNAUTHORIZED);
    for said in [
        "<h1>Signed out</h1>",
        "confirmed with HR, ticket 812",
        &format!("href=\"/sign-in?next=%2Fholds%2F{hold}\""),
    ] {
        assert!(out.text.contains(said), "{said}: {}", out.text);
    }
    let low = site.sent_from(&path, &path, &cookie, &[note]).await;
    is_page(&low, StatusCode::FORBIDDEN);
    for said in [
        "<h1>Nothing was done</h1>",
        "This needs the role approver, and you have viewer.",
        "confirmed with HR, ticket 812",
        &format!("href=\"{path}\""),
    ] {
        assert!(low.text.contains(said), "{said}: {}", low.text);
    }
    let elsewhere = client(PATIENT)
        .unwrap()
        .post(format!("{}{path}", site.origin()))
        .header("accept", "text/html")
        .header("referer", "https://evil.example/holds/x")
        .header("sec-fetch-site", "cross-site")
        .form(&[("note", "call this number")]);
    let elsewhere = Answer::of(elsewhere.send().await.unwrap()).await;
    assert!(
        elsewhere.status.is_client_error() && !elsewhere.text.contains("call this number"),
        "another site's words stand under our address: {elsewhere:?}"
    );
    let program = site.form(&path, "", &[note]).await;
    assert_eq!(
        program.headers["content-type"], "application/problem+json",
        "a program is told as before: {program:?}"
    );
    site.running.stop().await;
}

#[tokio::test]
async fn a_list_that_is_refused_is_given_back_and_a_page_that_is_not_there_leads_on() {
    let site = Site::new().await;
    let cookie = site.signed_in(Role::Requester).await;
    let form = field(&site.page("/batches", &cookie).await, "form");
    let fields = [
        ("form", form.as_str()),
        ("list", "username:user11\nusername:\n"),
        ("reason", "compromised"),
        ("note", "phished"),
    ];
    let refused = site.sent_from("/batches", "/batches/rehearsal", &cookie, &fields).await;
    is_page(&refused, StatusCode::UNPROCESSABLE_ENTITY);
    for said in [
        "<h1>Nothing was done</h1>",
        "username:user11\nusername:",
        "phished",
        "href=\"/batches\"",
    ] {
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
    let list = [
        ("form", form.as_str()),
        ("list", "username:user11\nusername:user12\n"),
        ("reason", "compromised"),
    ];
    let shown = site.sent_from("/batches", "/batches/rehearsal", &cookie, &list).await;
    let set = field(&shown.text, "set");
    let mut confirmed = list.to_vec();
    confirmed.extend([("note", "phished"), ("set", set.as_str()), ("count", "3")]);
    let miscounted = site.sent_from("/batches/rehearsal", "/batches", &cookie, &confirmed).await;
    is_page(&miscounted, StatusCode::BAD_REQUEST);
    for said in [
        "it is about 2 people, and &#34;3&#34; was typed",
        "value=\"phished\"",
        &format!("name=\"set\" value=\"{set}\""),
    ] {
        assert!(miscounted.text.contains(said), "{said}: {}", miscounted.text);
    }
    let headers = [("cookie", cookie.as_str()), ("accept", "text/html")];
    let gone = site.by_network(&headers, http::Method::GET, "/holds/999", None).await;
    is_page(&gone, StatusCode::NOT_FOUND);
    assert!(
        gone.text.contains("<h1>Not found</h1>") && gone.text.contains("href=\"/holds\""),
        "{gone:?}"
    );
    site.running.stop().await;
}
