//! An open page says what is so now: what has begun since, and that its session is over.

use http::{Method, StatusCode};
use revoked::model::Role;
use serde_json::json;

use super::Site;
use super::browser::{DESK, fits, sign_in};
use crate::harness::until;
use crate::harness::webdriver::{Browser, Window};

/// A small phone held upright.
const SMALL: Window = Window {
    width: 320,
    height: 640,
    ..DESK
};

impl Site {
    async fn is_asked_for(&self, person: &str) {
        let request = json!({ "subject": person, "reason": "compromised" });
        let asked = self
            .by_socket(Role::Requester, Method::POST, "/api/v1/requests", Some(request))
            .await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_page_does_not_go_on_saying_that_nothing_is_at_work() {
    let Some(browser) = Browser::open(DESK).await else { return };
    let site = Site::new().await;
    let paused = site
        .by_socket(
            Role::Approver,
            Method::POST,
            "/api/v1/targets/chat/pause",
            Some(json!({ "note": "looked after" })),
        )
        .await;
    assert!(paused.status.is_success(), "{paused:?}");
    sign_in(&browser, &site, Role::Viewer, true).await;
    browser.until_text("Nothing is at work.").await;
    browser.until_text("Nothing waits for a decision.").await;
    site.is_asked_for("username:user11").await;
    site.is_asked_for("username:user05").await;
    browser.until_text("1 case is at work.").await;
    browser.until_text("1 hold waits.").await;
    browser.until_text("new: read again").await;
    site.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_whose_session_is_over_says_so_and_takes_nothing_on_it_for_gone() {
    let Some(browser) = Browser::open(DESK).await else { return };
    let site = Site::new().await;
    let hold = site.held().await;
    sign_in(&browser, &site, Role::Approver, true).await;
    for page in ["/", "/holds"] {
        browser.goto(&format!("{}{page}", site.origin())).await;
        browser.until_text(&format!("Hold {hold}")).await;
        // As it ends elsewhere, or by itself.
        let out = "const form = new URLSearchParams(new FormData(document.querySelector('header form'))); const done = arguments[0]; \
                   fetch('/sign-out', { method: 'POST', body: form }).then(() => done(true));";
        browser.run(out, "async").await;
        let again = "document.dispatchEvent(new Event('visibilitychange'))";
        browser.run(again, "sync").await;
        browser.until_text("Signed out: nothing here is live any more").await;
        assert_eq!(
            browser.all(".gone").await.len(),
            0,
            "{page}: what stands there was taken for gone"
        );
        sign_in(&browser, &site, Role::Approver, true).await;
    }
    site.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_is_ticked_as_a_whole_fits_a_small_phone_and_shows_what_became_of_those_decided() {
    let Some(browser) = Browser::open(SMALL).await else { return };
    let site = Site::new().await;
    let hold = site.held().await;
    for person in ["username:user06", "username:user07"] {
        site.is_asked_for(person).await;
    }
    until("three people under the hold", async || {
        let holds = site.by_socket(Role::Viewer, Method::GET, "/api/v1/holds", None).await.json();
        (holds["items"][0]["people"] == 3).then_some(())
    })
    .await;
    sign_in(&browser, &site, Role::Approver, true).await;
    browser.goto(&format!("{}/holds/{hold}", site.origin())).await;
    browser.until_text("3 of 3 ticked").await;
    fits(&browser).await;
    let row = "return document.querySelector('.decide tbody tr').getBoundingClientRect().height";
    let height = browser.run(row, "sync").await.as_f64().unwrap();
    assert!(height < 110.0, "a person takes {height} px: forty of them are many screens");
    let box_ = "const { width, height } = document.querySelector('.tick').getBoundingClientRect(); return Math.min(width, height)";
    assert!(browser.run(box_, "sync").await.as_f64().unwrap() >= 44.0);
    browser.fill("#note", "only the first of them").await;
    browser.click_on("a[href='?tick=none']").await;
    browser.until_text("0 of 3 ticked").await;
    assert_eq!(
        browser.value("#note").await.as_deref(),
        Some("only the first of them"),
        "the note has gone"
    );
    browser.click_on("input[name=keep]").await;
    browser.until_text("1 of 3 ticked").await;
    browser.click_on("button[value=approve]").await;
    browser.until_text("Decided: 1").await;
    browser.until_text("2 cases wait still").await;
    let case = browser
        .run(
            "return document.querySelector('[data-key^=case-] a').getAttribute('href')",
            "sync",
        )
        .await;
    let cookie = site.signed_in(Role::Viewer).await;
    let page = site.page(case.as_str().unwrap(), &cookie).await;
    assert!(
        page.contains("only the first of them"),
        "who approved a part is not said while the rest waits: {page}"
    );
    until("what was let go is contained, without reading again", async || {
        (browser.all("[data-key^=case-] .mark.contained").await.len() == 1).then_some(())
    })
    .await;
    fits(&browser).await;
    site.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_all_or_none_of_a_hold_is_ticked_by_a_link() {
    let site = Site::new().await;
    let hold = site.held().await;
    site.is_asked_for("username:user06").await;
    until("two people under the hold", async || {
        let holds = site.by_socket(Role::Viewer, Method::GET, "/api/v1/holds", None).await.json();
        (holds["items"][0]["people"] == 2).then_some(())
    })
    .await;
    let cookie = site.signed_in(Role::Approver).await;
    for (query, ticked) in [("", 2), ("?tick=none", 0), ("?tick=all", 2)] {
        let page = site.page(&format!("/holds/{hold}{query}"), &cookie).await;
        assert_eq!(page.matches("\" checked aria-label").count(), ticked, "{query}: {page}");
    }
    site.running.stop().await;
}
