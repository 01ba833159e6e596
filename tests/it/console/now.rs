//! The page that one leaves open: what is at work stands first, and what is not well is named.

use http::Method;
use revoked::model::Role;
use serde_json::json;

use super::Site;
use super::browser::{DESK, sign_in};
use crate::harness::until;
use crate::harness::webdriver::Browser;

/// Where each of these begins, in the order of the page.
fn in_order(page: &str, parts: &[&str]) {
    let mut place = 0;
    for part in parts {
        let found = page[place..].find(part);
        place += found.unwrap_or_else(|| panic!("{part} is not there, or too early: {page}")) + part.len();
    }
}

impl Site {
    async fn pauses_the_target(&self) {
        let pause = ["target", "pause", "chat", "--note", "an upgrade, ticket 812"];
        let paused = self.installation.says(&pause).await;
        assert_eq!(paused.code, 0, "{paused:?}");
        self.running.until_paused().await;
    }

    async fn asks_about(&self, person: &str, reason: &str) {
        let request = json!({ "subject": person, "reason": reason });
        let asked = self
            .by_socket(Role::Requester, Method::POST, "/api/v1/requests", Some(request))
            .await;
        assert!(asked.status.is_success(), "{asked:?}");
    }
}

#[tokio::test]
async fn the_most_urgent_case_at_work_stands_first_then_decisions_and_how_lanes_and_sources_are() {
    let site = Site::new().await;
    let cookie = site.signed_in(Role::Viewer).await;
    let page = site.page("/", &cookie).await;
    assert!(
        page.contains("Nothing is at work.") && !page.contains("Could not be revoked"),
        "{page}"
    );
    site.pauses_the_target().await;
    site.asks_about("username:user02", "departed").await;
    site.installation
        .until_count("SELECT count(*) FROM job WHERE state = 'queued'", 1)
        .await;
    site.asks_about("username:user01", "compromised").await;
    site.installation
        .until_count("SELECT count(*) FROM job WHERE state = 'queued'", 2)
        .await;
    let page = site.page("/", &cookie).await;
    in_order(
        &page,
        &[
            ">At work</h2>",
            "class=\"urgent\"",
            "<time class=\"running\" datetime=\"",
            "username:user01",
            "chat: waits",
            "<time class=\"running\" datetime=\"",
            "username:user02",
            ">To decide</h2>",
            ">Alerts</h2>",
            "target paused",
            ">Targets</h2>",
            ">paused</span> by operator:",
            "an upgrade, ticket 812",
            "<span class=\"row\">2 <span class=\"quiet\">the oldest came",
            "data-label=\"Permit\">none</td>",
            ">Sources</h2>",
            ">inbox</th>",
            ">up</span>",
            ">Newest cases</h2>",
        ],
    );
    assert_eq!(
        page.matches("class=\"urgent\"").count(),
        1,
        "who has left is not urgent: {page}"
    );
    site.running.stop().await;
}

#[tokio::test]
async fn what_could_not_be_revoked_is_named_with_why_until_it_is_done() {
    let site = Site::new().await;
    let cookie = site.signed_in(Role::Viewer).await;
    let stranger = "iss_sub:https://idp.example.test#u-1";
    site.asks_about(stranger, "compromised").await;
    let page = until("the ledger", async || {
        let page = site.page("/", &cookie).await;
        page.contains("Could not be revoked").then_some(page)
    })
    .await;
    in_order(
        &page,
        &[
            ">Could not be revoked</h2>",
            "Case 1</strong> at chat",
            "the target cannot be asked by iss_sub; say who it is with revoked subject link",
            "1 attempt, the last <time",
        ],
    );
    let link = ["subject", "link", stranger, "username:user01"];
    let linked = site.installation.says(&link).await;
    assert_eq!(linked.code, 0, "{linked:?}");
    until("its end", async || {
        let page = site.page("/", &cookie).await;
        (!page.contains("Could not be revoked")).then_some(())
    })
    .await;
    site.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_a_case_at_work_runs_on_an_open_page() {
    let Some(browser) = Browser::open(DESK).await else { return };
    let site = Site::new().await;
    site.pauses_the_target().await;
    site.asks_about("username:user01", "compromised").await;
    site.installation
        .until_count("SELECT count(*) FROM job WHERE state = 'queued'", 1)
        .await;
    sign_in(&browser, &site, Role::Viewer, true).await;
    browser.goto(&site.origin()).await;
    // The page puts what it reads again in the place of what stood there, so the instant is set each time. That of the server would be seconds ago.
    let moved = "const done = arguments[0], look = setInterval(() => { \
                     const clock = document.querySelector('time.running'); \
                     clock.dateTime = new Date(Date.now() - 3665000).toISOString(); \
                     if (clock.textContent.startsWith('1:01:')) { clearInterval(look); done(clock.textContent); } }, 50);";
    let shown = browser.run(moved, "async").await;
    assert!(shown.as_str().unwrap().starts_with("1:01:0"), "{shown}");
    site.running.stop().await;
}
