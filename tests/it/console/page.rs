//! The page, as a browser without scripts has it.

use http::{Method, StatusCode};
use revoked::console::access::ROUTES;
use revoked::http::client;
use revoked::model::Role;

use super::{Answer, Site};
use crate::harness::PATIENT;

impl Site {
    /// Signs in, and answers the cookie.
    pub(super) async fn signed_in(&self, role: Role) -> String {
        let made = self.by_socket(role, Method::POST, "/api/v1/sign-in-links", None).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let code = made.json()["code"].as_str().unwrap().to_owned();
        let answer = self.form("/sign-in", "", &[("code", &code)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        let again = self.form("/sign-in", "", &[("code", &code)]).await;
        assert_eq!(again.status, StatusCode::FORBIDDEN, "a code signs in once");
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Sends a form as our own page does.
    pub(super) async fn form(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let request = client(PATIENT)
            .unwrap()
            .post(format!("{}{path}", self.origin()))
            .header("sec-fetch-site", "same-origin")
            .header("cookie", cookie)
            .form(fields);
        Answer::of(request.send().await.unwrap()).await
    }

    /// Makes every session as one that was last used ten minutes ago.
    pub(super) async fn nobody_was_there_for_ten_minutes(&self) {
        sqlx::query("UPDATE page_session SET seen_at = seen_at - 600000")
            .execute(&mut self.installation.sql().await)
            .await
            .unwrap();
    }

    pub(super) async fn page(&self, path: &str, cookie: &str) -> String {
        let page = self.by_network(&[("cookie", cookie)], Method::GET, path, None).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        page.text
    }
}

/// How many sessions nobody has used for some minutes.
pub(super) const UNUSED: &str = "SELECT count(*) FROM page_session WHERE seen_at < unixepoch() * 1000 - 300000";

/// The value of the first hidden field of that name.
pub(super) fn field(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_hold_is_decided_by_a_form_and_not_without_its_token() {
    let site = Site::new().await;
    let hold = site.held().await;
    let cookie = site.signed_in(Role::Approver).await;
    let now = site.page("/", &cookie).await;
    assert!(now.contains(&format!("href=\"/holds/{hold}\"")), "{now}");
    let path = format!("/holds/{hold}");
    let page = site.page(&path, &cookie).await;
    let (form, case, set) = (field(&page, "form"), field(&page, "shown"), field(&page, "set"));
    let fields = |form: &str, set: &str| {
        vec![
            ("form".to_owned(), form.to_owned()),
            ("set".to_owned(), set.to_owned()),
            ("decision".to_owned(), "approve".to_owned()),
            ("shown".to_owned(), case.clone()),
            ("keep".to_owned(), case.clone()),
            ("note".to_owned(), "asked back".to_owned()),
        ]
    };
    let send = async |fields: Vec<(String, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        site.form(&path, &cookie, &fields).await
    };
    let forged = send(fields("0", &set)).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "{forged:?}");
    // What a case would do has changed, and the cases are the same.
    let other = send(fields(&form, "0123456789abcdef")).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{other:?}");
    let decided = send(fields(&form, &set)).await;
    assert_eq!(decided.status, StatusCode::SEE_OTHER, "{decided:?}");
    let page = site.page(&path, &cookie).await;
    assert!(page.contains("approved by operator:"), "{page}");
    let case = site.page(&format!("/cases/{case}"), &cookie).await;
    assert!(case.contains("<strong>Signal</strong>"), "{case}");
    site.running.stop().await;
}

#[tokio::test]
async fn what_another_page_sends_is_refused_and_a_viewer_sees_no_form() {
    let site = Site::new().await;
    let hold = site.held().await;
    let cookie = site.signed_in(Role::Viewer).await;
    let page = site.page(&format!("/holds/{hold}"), &cookie).await;
    assert!(
        !page.contains("name=\"decision\"") && page.contains("To decide needs the role approver"),
        "{page}"
    );
    for headers in [
        &[("cookie", cookie.as_str()), ("sec-fetch-site", "same-site")][..],
        &[("cookie", cookie.as_str()), ("origin", "http://127.0.0.1:1")],
        &[("cookie", cookie.as_str())],
    ] {
        let sent = site.by_network(headers, Method::POST, "/sign-out", None).await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "{headers:?}: {sent:?}");
    }
    let answer = site.by_network(&[("cookie", &cookie)], Method::GET, "/", None).await;
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none';") && !policy.contains("unsafe"),
        "{policy}"
    );
    site.running.stop().await;
}

#[tokio::test]
async fn what_an_open_page_asks_for_by_itself_is_no_use_of_its_session() {
    let site = Site::new().await;
    let cookie = site.signed_in(Role::Viewer).await;
    site.nobody_was_there_for_ten_minutes().await;
    let by_script = ("sec-fetch-dest", "empty");
    for (path, headers) in [
        ("/changes", &[("cookie", cookie.as_str())][..]),
        ("/changes", &[("cookie", &cookie), by_script]),
        ("/", &[("cookie", &cookie), by_script]),
    ] {
        let answer = site.by_network(headers, Method::GET, path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        assert_eq!(site.installation.count(UNUSED).await, 1, "{path} {headers:?}");
    }
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-dest", "document")];
    let answer = site.by_network(&headers, Method::GET, "/", None).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(site.installation.count(UNUSED).await, 0);
    site.running.stop().await;
}

#[tokio::test]
async fn no_form_is_taken_without_the_token_of_its_session() {
    let site = Site::new().await;
    let (cookie, other) = (site.signed_in(Role::Approver).await, site.signed_in(Role::Approver).await);
    let of_another = field(&site.page("/", &other).await, "form");
    let forms = ROUTES
        .iter()
        .filter(|route| route.method == "POST" && !route.path.starts_with("/api/") && route.path != "/sign-in");
    let mut tried = 0;
    for route in forms {
        let more: &[(&str, &str)] = match route.path {
            "/sign-out" => &[],
            "/holds/{id}" => &[("set", "0"), ("decision", "reject"), ("note", "x")],
            "/batches/rehearsal" => &[("list", "username:user01"), ("reason", "departed")],
            "/batches" => &[
                ("list", "username:user01"),
                ("reason", "departed"),
                ("set", "0"),
                ("count", "1"),
            ],
            _ => &[("note", "x")],
        };
        let path = route.path.replace("{id}", "1");
        for token in ["", "0", &of_another] {
            let fields = [&[("form", token)], more].concat();
            let sent = site.form(&path, &cookie, &fields).await;
            assert_eq!(sent.status, StatusCode::FORBIDDEN, "{path} {token:?}: {sent:?}");
            assert!(sent.text.contains("not of your session"), "{path} {token:?}: {sent:?}");
        }
        tried += 1;
    }
    assert!(tried >= 9, "{tried}");
    site.page("/", &cookie).await;
    // Of two cookies nobody knows which is ours.
    let both = format!("{cookie}; {other}");
    let answer = site.by_network(&[("cookie", &both)], Method::GET, "/", None).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    site.running.stop().await;
}

#[tokio::test]
async fn a_link_leads_to_a_page_of_ours_and_nowhere_else() {
    let site = Site::new().await;
    for (next, there) in [
        ("/holds?show=all", "/holds?show=all"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
    ] {
        let made = site
            .by_socket(Role::Viewer, Method::POST, "/api/v1/sign-in-links", None)
            .await;
        let made = made.json();
        let fields = [("code", made["code"].as_str().unwrap()), ("next", next)];
        let answer = site.form("/sign-in", "", &fields).await;
        assert_eq!(answer.headers["location"], there, "{next}: {answer:?}");
    }
    site.running.stop().await;
}
