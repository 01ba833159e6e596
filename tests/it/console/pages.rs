//! What each page shows, as a browser without scripts has it.

use http::{Method, StatusCode};
use revoked::model::Role;
use serde_json::Value;

use super::furnished::{Furnished, furnished};
use super::page::field;
use super::{Answer, Site};

/// The pages that lead to each other.
const PAGES: [&str; 9] = [
    "/",
    "/holds",
    "/batches",
    "/alerts",
    "/people",
    "/departures",
    "/targets",
    "/times",
    "/trail",
];

impl Site {
    async fn entries(&self, case: i64) -> Vec<Value> {
        let path = format!("/api/v1/trail?case={case}&limit=200");
        let trail = self.by_socket(Role::Viewer, Method::GET, &path, None).await.json();
        trail["items"].as_array().unwrap().clone()
    }

    async fn send(&self, path: &str, cookie: &str, from: &str, note: &str) -> Answer {
        let form = field(&self.page(from, cookie).await, "form");
        self.form(path, cookie, &[("form", &form), ("note", note)]).await
    }
}

/// How often a page has a form that changes something, the one that signs out left out.
fn forms(page: &str) -> usize {
    page.matches("<form method=\"post\"").count() - 1
}

#[tokio::test]
async fn every_page_leads_to_every_other_and_says_as_of_when_and_a_viewer_sees_no_form() {
    let Furnished {
        site, contained, open, ..
    } = furnished().await;
    let viewer = site.signed_in(Role::Viewer).await;
    let more = [
        format!("/cases/{contained}"),
        "/people?word=user".to_owned(),
        "/alerts?all=1".to_owned(),
    ];
    for path in PAGES.iter().map(|path| (*path).to_owned()).chain(more) {
        let page = site.page(&path, &viewer).await;
        for other in PAGES {
            assert!(
                page.contains(&format!("<a href=\"{other}\"")),
                "{path} does not lead to {other}"
            );
        }
        assert!(page.contains("As of <time datetime=\"20"), "{path}: {page}");
        assert_eq!(forms(&page), 0, "{path} shows a viewer a form");
        assert_eq!(
            page.matches("aria-current").count(),
            usize::from(!path.starts_with("/cases")),
            "{path}"
        );
    }
    let hold = site.page(&format!("/holds/{open}"), &viewer).await;
    assert!(hold.contains("To decide needs the role approver"), "{hold}");
    for path in [
        format!("/cases/{contained}/notes"),
        format!("/cases/{contained}/cancellation"),
        "/alerts/1/acknowledgement".to_owned(),
    ] {
        let sent = site.send(&path, &viewer, "/", "no").await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "{path}: {sent:?}");
    }
    site.running.stop().await;
}

#[tokio::test]
async fn names_and_notes_with_markup_are_text_on_every_page() {
    let Furnished { site, markup, .. } = furnished().await;
    let cookie = site.signed_in(Role::Approver).await;
    let noted = site
        .send(&format!("/cases/{markup}/notes"), &cookie, "/", "<u>written</u> \u{200b}here")
        .await;
    assert_eq!(noted.status, StatusCode::SEE_OTHER, "{noted:?}");
    for path in [
        "/",
        "/people?word=%3Ci%3E",
        "/people?word=%22%3E%3Cscript%3E",
        "/trail?kind=%22%3E%3Cscript%3E",
        "/holds?by=%22%3E%3Cscript%3E",
        "/trail?person=user01",
        &format!("/cases/{markup}"),
        &format!("/cases/{markup}?all=1"),
        &format!("/cases/{markup}/report"),
    ] {
        let page = site.page(path, &cookie).await;
        for written in ["<b>", "<i>", "<u>", "<script>", "\u{202e}", "\u{200b}"] {
            assert!(!page.contains(written), "{path} has {written}");
        }
    }
    let case = site.page(&format!("/cases/{markup}"), &cookie).await;
    assert!(
        case.contains("&#60;b&#62;bold&#60;/b&#62;") && case.contains("\\u{202e}evil"),
        "{case}"
    );
    assert!(case.contains("&#60;u&#62;written&#60;/u&#62; \\u{200b}here"), "{case}");
    let found = site.page("/people?word=%3Ci%3E", &cookie).await;
    assert!(
        found.contains("username:&#60;i&#62;nobody") && found.contains(">cannot see<"),
        "{found}"
    );
    site.running.stop().await;
}

#[tokio::test]
async fn one_box_takes_a_name_an_address_an_id_or_a_case_and_says_what_is_known_at_each_target() {
    let Furnished { site, contained, .. } = furnished().await;
    let cookie = site.signed_in(Role::Viewer).await;
    let case = site
        .by_socket(Role::Viewer, Method::GET, &format!("/api/v1/cases/{contained}"), None)
        .await
        .json();
    let id = case["jobs"][0]["evidence"]["principal"].as_str().unwrap().to_owned();
    let link = format!("href=\"/cases/{contained}\"");
    for (word, taken_for) in [
        ("user01".to_owned(), "a part of a name"),
        (contained.to_string(), "the number of case"),
        (format!("case:{contained}"), "the number of case"),
        ("username:user01".to_owned(), "a name of the form username"),
        (id, "a part of a name"),
    ] {
        let page = site.page(&format!("/people?word={word}"), &cookie).await;
        assert!(page.contains(&link) && page.contains(taken_for), "{word}: {page}");
        assert!(
            page.contains("<th scope=\"row\" data-label=\"Target\">chat</th>"),
            "{word}: {page}"
        );
        assert!(
            page.contains("<span class=\"mark contained\">contained</span>"),
            "{word}: {page}"
        );
        assert!(page.contains("enabled; "), "{word}: the state is a word: {page}");
    }
    let leaver = site.page("/people?word=user03@example.test", &cookie).await;
    assert!(leaver.contains("Taken for an address"), "{leaver}");
    assert!(
        leaver.contains("departure: access ends") && leaver.contains("Australia/Sydney"),
        "{leaver}"
    );
    assert!(
        leaver.contains("never looked at"),
        "what was never looked at is a word: {leaver}"
    );
    let nobody = site.page("/people?word=zzz", &cookie).await;
    assert!(nobody.contains("Nobody is known by that"), "{nobody}");
    site.running.stop().await;
}

#[tokio::test]
async fn a_case_is_folded_to_what_matters_and_every_entry_has_its_place_either_way() {
    let Furnished { site, contained, .. } = furnished().await;
    let cookie = site.signed_in(Role::Approver).await;
    let entries = site.entries(contained).await;
    let folded = site.page(&format!("/cases/{contained}"), &cookie).await;
    let all = site.page(&format!("/cases/{contained}?all=1"), &cookie).await;
    for entry in &entries {
        let place = format!("id=\"e{}\"", entry["seq"]);
        assert_eq!(folded.matches(&place).count(), 1, "folded: {place}");
        assert_eq!(all.matches(&place).count(), 1, "all: {place}");
    }
    // And its signal, which the trail knows before there is a case.
    let count = entries.len() + 1;
    assert!(folded.contains(&format!("?all=1\">all {count}</a>")), "{folded}");
    let steps = |page: &str| page.matches("data-key=\"step-").count();
    assert_eq!(steps(&all), count);
    assert!(steps(&folded) < steps(&all), "{folded}");
    for what in [
        "<strong>Signal</strong>",
        "<strong>Act</strong>",
        "<strong>Verdict</strong>",
        "Sweeps to come",
        "<rect class=\"before\"",
    ] {
        assert!(folded.contains(what), "{what}: {folded}");
    }
    let acts = entries
        .iter()
        .filter_map(|entry| serde_json::from_str::<Value>(entry["line"].as_str()?).ok());
    let act = acts.into_iter().find(|entry| entry["kind"] == "action.finished").unwrap();
    let request = act["detail"]["requests"][0].as_str().unwrap();
    assert!(folded.contains(request), "the first act has no request id: {folded}");
    site.running.stop().await;
}

#[tokio::test]
async fn a_case_is_noted_and_called_off_with_a_typed_reason_and_not_without() {
    let Furnished { site, open, .. } = furnished().await;
    let requester = site.signed_in(Role::Requester).await;
    let approver = site.signed_in(Role::Approver).await;
    let held = site
        .by_socket(Role::Viewer, Method::GET, "/api/v1/cases?state=held", None)
        .await
        .json();
    let case = held["items"][0]["id"].as_i64().unwrap();
    let path = format!("/cases/{case}");
    let page = site.page(&path, &requester).await;
    assert!(
        forms(&page) == 1 && page.contains(&format!("href=\"/holds/{open}\"")),
        "{page}"
    );
    let noted = site.send(&format!("{path}/notes"), &requester, &path, "HR is asked").await;
    assert_eq!(noted.headers["location"], format!("{path}#notes"));
    let refused = site
        .send(&format!("{path}/cancellation"), &requester, &path, "not theirs")
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    let silent = site.send(&format!("{path}/cancellation"), &approver, &path, " ").await;
    assert_eq!(silent.status, StatusCode::BAD_REQUEST, "{silent:?}");
    let forged = site
        .form(&format!("{path}/cancellation"), &approver, &[("form", "0"), ("note", "x")])
        .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "{forged:?}");
    let called_off = site
        .send(&format!("{path}/cancellation"), &approver, &path, "it was a test")
        .await;
    assert_eq!(called_off.status, StatusCode::SEE_OTHER, "{called_off:?}");
    let page = site.page(&path, &approver).await;
    assert!(page.contains("HR is asked") && page.contains("it was a test"), "{page}");
    assert!(!page.contains("/cancellation"), "it is called off already: {page}");
    site.running.stop().await;
}

#[tokio::test]
async fn an_alert_is_looked_after_by_a_form_and_targets_say_who_paused_them_and_why() {
    let Furnished { site, .. } = furnished().await;
    let cookie = site.signed_in(Role::Requester).await;
    let alerts = site.by_socket(Role::Viewer, Method::GET, "/api/v1/alerts", None).await.json();
    let alert = alerts["items"][0]["id"].as_i64().unwrap();
    let path = format!("/alerts/{alert}/acknowledgement");
    assert!(site.page("/alerts", &cookie).await.contains(&path));
    let sent = site.send(&path, &cookie, "/alerts", "asking HR").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{sent:?}");
    let page = site.page("/alerts", &cookie).await;
    assert!(
        page.contains("looks after it") && page.contains("asking HR") && !page.contains(&path),
        "{page}"
    );
    let targets = site.page("/targets", &cookie).await;
    assert!(targets.contains("<span class=\"mark held\">paused</span>"), "{targets}");
    assert!(
        targets.contains("by operator:") && targets.contains("an upgrade until 05:00, ticket 812"),
        "{targets}"
    );
    assert!(targets.contains("Last verdict"), "{targets}");
    site.running.stop().await;
}

#[tokio::test]
async fn departures_stand_by_the_leavers_day_with_what_became_of_them() {
    let Furnished { site, .. } = furnished().await;
    let cookie = site.signed_in(Role::Viewer).await;
    let page = site.page("/departures", &cookie).await;
    for (what, times) in [
        ("<span class=\"mark contained\">executed</span>", 1),
        ("<span class=\"mark no_principal\">rescinded</span>", 1),
        ("<span class=\"remark\">late</span>", 1),
        ("<span class=\"remark\">moved</span>", 1),
        ("Australia/Sydney", 1),
        ("America/New_York", 1),
        ("<time class=\"yours\"", 4),
    ] {
        assert_eq!(page.matches(what).count(), times, "{what}: {page}");
    }
    assert_eq!(page.matches("<section").count(), 4, "each day is one: {page}");
    let later = site.page("/departures?from=2099-01-01", &cookie).await;
    assert!(later.contains("Nobody leaves, as far as is known"), "{later}");
    let odd = site
        .by_network(&[("cookie", &cookie)], Method::GET, "/departures?from=soon", None)
        .await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST, "{odd:?}");
    site.running.stop().await;
}

#[tokio::test]
async fn a_decided_hold_is_found_by_who_decided_it_why_and_when() {
    let Furnished {
        site, rejected, open, ..
    } = furnished().await;
    let cookie = site.signed_in(Role::Viewer).await;
    let link = format!("<a href=\"/holds/{rejected}\">{rejected}</a>");
    for (query, is_found) in [
        ("", true),
        ("?by=operator&cause=mistake&from=&until=", true),
        ("?by=nobody", false),
        ("?cause=protected", true),
        ("?until=2020-01-01", false),
        (&format!("?before={rejected}"), false),
    ] {
        let page = site.page(&format!("/holds{query}"), &cookie).await;
        assert_eq!(page.contains(&link), is_found, "{query}: {page}");
        assert!(
            page.contains(&format!("href=\"/holds/{open}\"")),
            "what is open stands there always: {page}"
        );
    }
    site.running.stop().await;
}

#[tokio::test]
async fn the_trail_is_paged_by_links_that_keep_its_filters_and_says_what_is_proved() {
    let Furnished { site, contained, .. } = furnished().await;
    let cookie = site.signed_in(Role::Viewer).await;
    let size = site.installation.count("SELECT size FROM trail_head").await;
    let mut path = "/trail".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = site.page(&path, &cookie).await;
        assert!(page.contains("every line is what was hashed"), "{page}");
        seen.extend(
            page.split("<tr id=\"e")
                .skip(1)
                .map(|row| row.split('"').next().unwrap().parse::<i64>().unwrap()),
        );
        let Some((_, link)) = page.split_once("<a href=\"/trail?before=") else {
            break;
        };
        path = format!("/trail?before={}", link.split('"').next().unwrap());
    }
    assert!(seen.len() > 50, "one page alone: {}", seen.len());
    let whole: Vec<i64> = (0..=seen[0]).rev().collect();
    assert!(seen == whole && seen[0] >= size - 1, "each entry once: {seen:?}");
    for (query, kinds) in [
        ("?kind=hold.rejected", "hold.rejected"),
        ("?operator=&kind=target.paused&from=2020-01-01", "target.paused"),
        (&format!("?case={contained}&kind=case.opened"), "case.opened"),
        ("?person=user01&kind=case.opened", "case.opened"),
    ] {
        let page = site.page(&format!("/trail{query}"), &cookie).await;
        assert_eq!(page.matches("<tr id=\"e").count(), 1, "{query}: {page}");
        assert!(page.contains(&format!("<strong>{kinds}</strong>")), "{query}: {page}");
    }
    let none = site.page("/trail?until=2020-01-01", &cookie).await;
    assert!(none.contains("None of them fits"), "{none}");
    site.running.stop().await;
}

#[tokio::test]
async fn times_stand_by_day_against_their_goal_and_what_missed_it_has_a_name() {
    let tables = "[goals.compromised]\ncontainment = \"1s\"\n";
    let site = Site::with(tables).await;
    let done = site.installation.revoke("username:user01", "compromised", &[]).await;
    assert_eq!(done.code, 0, "{done:?}");
    // It took an hour, as far as its rows and the trail's own times tell: its signal came that much sooner.
    let mut sql = site.installation.sql().await;
    sqlx::query("UPDATE cases SET received_at = received_at - 3600000")
        .execute(&mut sql)
        .await
        .unwrap();
    let cookie = site.signed_in(Role::Viewer).await;
    let page = site.page("/times", &cookie).await;
    for what in [
        "chat <span class=\"quiet\">compromised</span>",
        "Containment, goal 1 s",
        "<rect class=\"after\"",
        "<a href=\"/cases/1\">Case 1</a> username:user01",
        "containment took 1 h",
    ] {
        assert!(page.contains(what), "{what}: {page}");
    }
    let before = site.page("/times?until=2020-01-01", &cookie).await;
    assert!(
        before.contains("No case began in that time") && before.contains("No goal was missed"),
        "{before}"
    );
    let told = site
        .by_socket(Role::Viewer, Method::GET, "/api/v1/trail?kind=people.read", None)
        .await
        .json();
    assert_eq!(
        told["items"].as_array().unwrap().len(),
        1,
        "reading is recorded, once: {told}"
    );
    site.running.stop().await;
}
