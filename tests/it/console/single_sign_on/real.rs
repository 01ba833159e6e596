//! A provider of somebody else's making, in a real browser.

use std::process::Stdio;

use http::Method;
use revoked::http::client;
use revoked::model::Role;
use serde_json::json;
use tokio::process::Command;

use crate::console::Site;
use crate::console::browser::{DESK, axe, faults};
use crate::console::contract::installed;
use crate::harness::webdriver::Browser;
use crate::harness::{PATIENT, until};
use crate::ports::Port;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_signs_in_at_a_provider_of_others_and_comes_back_to_the_page_that_it_asked_for() {
    let Some(program) = installed("oidc-provider-mock") else {
        return;
    };
    let Some(browser) = Browser::open(DESK).await else { return };
    let port = Port::default();
    let issuer = format!("http://{}", port.address());
    let claims = json!({ "sub": "u-4711", "preferred_username": "ann", "groups": ["staff", "leads"] });
    let _provider = Command::new(program)
        .args([
            "--host",
            "127.0.0.1",
            "--port",
            &port.number().to_string(),
            "--require-nonce",
            "true",
        ])
        .args(["--user-claims", &claims.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let http = client(PATIENT).unwrap();
    until("the provider", async || http.get(format!("{issuer}/jwks")).send().await.ok()).await;
    let site = Site::with(&format!(
        "[console.single_sign_on]\nissuer = \"{issuer}\"\nclient_id = \"revoked\"\nclient_secret = {{ file = \"{{folder}}/sso-secret\" }}\n\
         roles = {{ leads = \"approver\" }}\n"
    ))
    .await;
    browser.goto(&format!("{}/departures", site.origin())).await;
    browser.until_text("Sign in with your organisation").await;
    if let Some(axe) = axe() {
        let found = faults(&browser, &axe).await;
        assert!(found.is_empty(), "{found:#?}");
    }
    browser.click_on("a[href^='/sign-in/organisation']").await;
    browser.click_on("button[name=sub][value='u-4711']").await;
    // The page that leads on has the session's cookie only because it is our own.
    browser.until_text("operator:ann oidc:").await;
    let address = browser.url().await;
    assert_eq!(address, format!("{}/departures", site.origin()));
    let trail = site
        .by_socket(Role::Viewer, Method::GET, "/api/v1/trail?kind=operator.signed_in", None)
        .await
        .json();
    let line = trail["items"][0]["line"].as_str().unwrap();
    assert!(line.contains(&format!("operator:ann oidc:{issuer}#u-4711")), "{line}");
    browser.click_on("header form button").await;
    browser.until_text("Sign in with your organisation").await;
    site.running.stop().await;
}
