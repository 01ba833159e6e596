//! The page in a real browser: signing in, deciding in part on a phone, seeing it come about, without scripts, and for those who cannot see it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{Method, StatusCode};
use revoked::clock::Clock;
use revoked::model::Role;
use serde_json::{Value, json};

use super::Site;
use super::furnished::{Furnished, furnished};
use super::page::{UNUSED, field};
use crate::harness::chat_holdings::changes;
use crate::harness::until;
use crate::harness::webdriver::{Browser, Window};

/// A desk, and a phone held upright.
pub(super) const DESK: Window = Window {
    width: 1440,
    height: 900,
    scripts: true,
    dark: false,
};
const PHONE: Window = Window {
    width: 390,
    height: 844,
    ..DESK
};

/// Signs in as this person, an approver.
async fn sign_in_as(browser: &Browser, site: &Site, person: &str) {
    let store = site.store().await;
    let code = store.make_sign_in_link(person.parse().unwrap(), Role::Approver).await;
    browser.goto(&format!("{}/sign-in", site.origin())).await;
    browser.fill("#code", &code.unwrap()).await;
    browser.click_on("form button").await;
    browser.until_text("To decide").await;
}

/// Signs in with a new link of that role.
pub(super) async fn sign_in(browser: &Browser, site: &Site, role: Role, scripts: bool) {
    let made = site.by_socket(role, Method::POST, "/api/v1/sign-in-links", None).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let link = made.json();
    if scripts {
        browser.goto(link["url"].as_str().unwrap()).await;
        until("the code in the form", async || {
            browser.value("#code").await.filter(|value| !value.is_empty())
        })
        .await;
        let address = browser.url().await;
        assert!(!address.contains('#'), "the code stays in the address: {address}");
    } else {
        browser.goto(&format!("{}/sign-in", site.origin())).await;
        browser.fill("#code", link["code"].as_str().unwrap()).await;
    }
    browser.click_on("form button").await;
    browser.until_text("To decide").await;
}

/// Keeps a picture beside the tests' other artefacts.
async fn picture(browser: &Browser, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pictures");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), browser.picture().await).unwrap();
}

/// Nothing is wider than the screen.
pub(super) async fn fits(browser: &Browser) {
    let fits = browser
        .run("return document.documentElement.scrollWidth <= window.innerWidth", "sync")
        .await;
    assert_eq!(fits, json!(true), "it must be pushed aside to be read");
}

/// The script of axe, as `tests/run` installs it.
pub(super) fn axe() -> Option<PathBuf> {
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/console-checkers/lib");
    let python = std::fs::read_dir(lib).ok()?.next()?.ok()?.path();
    Some(python.join("site-packages/axe_playwright_python/axe.min.js")).filter(|path| path.exists())
}

/// What axe finds fault with.
pub(super) async fn faults(browser: &Browser, axe: &Path) -> Vec<Value> {
    browser.run(&std::fs::read_to_string(axe).unwrap(), "sync").await;
    let run = "const done = arguments[0]; axe.run().then(done, error => done(String(error)));";
    let found = browser.run(run, "async").await;
    assert!(
        found["passes"].as_array().is_some_and(|passes| passes.len() > 10),
        "{found:#}"
    );
    let faults = found["violations"].as_array().unwrap();
    let short = |fault: &Value| json!({ "id": fault["id"], "help": fault["help"], "at": fault["nodes"][0]["html"] });
    faults.iter().map(short).collect()
}

/// Three protected people under one hold.
async fn three_held(site: &Site) -> i64 {
    for person in ["user05", "user06", "user07"] {
        let request = json!({ "subject": format!("username:{person}"), "reason": "compromised" });
        let asked = site
            .by_socket(Role::Requester, Method::POST, "/api/v1/requests", Some(request))
            .await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{asked:?}");
    }
    until("three people under one hold", async || {
        let holds = site.by_socket(Role::Viewer, Method::GET, "/api/v1/holds", None).await.json();
        let hold = &holds["items"][0];
        (hold["people"] == 3).then(|| hold["id"].as_i64().unwrap())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_a_hold_is_approved_on_a_phone_and_the_page_shows_it_finish() {
    let Some(browser) = Browser::open(PHONE).await else { return };
    let site = Site::new().await;
    let hold = three_held(&site).await;
    sign_in(&browser, &site, Role::Approver, true).await;
    fits(&browser).await;
    picture(&browser, "now-phone").await;
    browser.click_on(&format!("a[href='/holds/{hold}']")).await;
    browser.fill("#note", "asked back by phone").await;
    let kept = browser.all("input[name=keep]").await;
    assert_eq!(kept.len(), 3);
    browser.click(&kept[2]).await;
    fits(&browser).await;
    picture(&browser, "hold-phone").await;
    browser.click_on("button[value=approve]").await;
    // One stays held, so the hold is open still.
    until("the rest of the hold", async || {
        (browser.all("input[name=keep]").await.len() == 1).then_some(())
    })
    .await;
    browser.goto(&site.origin()).await;
    until("two contained, without reading again", async || {
        (browser.all("[data-key^=case-] .mark.contained").await.len() == 2).then_some(())
    })
    .await;
    picture(&browser, "contained-phone").await;
    site.running.stop().await;
}

/// A file of HR's in which the whole company leaves today. Half of them do.
const ROGUE_FILE: &str = "[approvals]\ntwo_persons_above = 10\n\n[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{folder}/drop\"\n\
                          time_zone = \"UTC\"\ninterval = \"100ms\"\nsettle = \"100ms\"\ndepartures_per_delivery = 5\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_approve_the_right_half_of_a_rogue_file_on_a_phone() {
    let (Some(first), Some(second)) = (Browser::open(PHONE).await, Browser::open(PHONE).await) else {
        return;
    };
    let site = Site::with(ROGUE_FILE).await;
    let left = Clock::system().now().minus(Duration::from_hours(48)).to_string()[..10].to_owned();
    let rows: Vec<String> = (1..=12)
        .map(|n| format!("{n},user{n:02}@example.test,terminate,{left}\n"))
        .collect();
    let rows = rows.concat();
    let text = format!("employee_id,email,action,last_working_day\n{rows}");
    let drop = site.installation.path("drop");
    std::fs::create_dir(&drop).unwrap();
    std::fs::write(drop.join("all.csv"), text).unwrap();
    let waiting = until("the company under its holds", async || {
        let holds = site.by_socket(Role::Viewer, Method::GET, "/api/v1/holds", None).await.json();
        let people: i64 = holds["items"]
            .as_array()?
            .iter()
            .filter_map(|hold| hold["people"].as_i64())
            .sum();
        (people == 12).then_some(holds)
    })
    .await;
    let waiting = waiting["items"].as_array().unwrap();
    let file = waiting.iter().find(|hold| hold["why"] == "delivery_limit").unwrap();
    let (hold, people) = (file["id"].as_i64().unwrap(), file["people"].as_u64().unwrap());
    let alerts = site.by_socket(Role::Viewer, Method::GET, "/api/v1/alerts", None).await.json();
    assert_eq!(
        alerts["items"].as_array().unwrap().len(),
        waiting.len(),
        "one message a cause: {alerts}"
    );
    let logged = site
        .installation
        .log()
        .matches("signals of source hr wait for a decision")
        .count();
    assert_eq!(logged, waiting.len(), "one line a cause: {}", site.installation.log());
    sign_in_as(&first, &site, "operator:ann(1000)").await;
    first.click_on(&format!("a[href='/holds/{hold}']")).await;
    first.until_text("An approval needs two persons").await;
    let kept = first.all("input[name=keep]").await;
    assert_eq!(kept.len(), usize::try_from(people).unwrap());
    for person in &kept[4..] {
        first.click(person).await;
    }
    first.fill("#note", "only these four, says HR by phone").await;
    fits(&first).await;
    first.click_on("button[value=approve]").await;
    first.until_text("operator:ann(1000) gave the first").await;
    // Once more by herself.
    first.fill("#note", "once more").await;
    first.click_on("button[value=approve]").await;
    first.until_text("somebody else must be the second").await;
    assert!(changes(site.installation.chat()).is_empty(), "nothing was done yet");
    sign_in_as(&second, &site, "operator:ben(1001)").await;
    second.goto(&format!("{}/holds/{hold}", site.origin())).await;
    second.until_text("without those that are not ticked below").await;
    let ticked = second.all("input[name=keep]:checked").await;
    assert_eq!(ticked.len(), 4, "what she left out is left out for him");
    picture(&second, "second-person-phone").await;
    second.fill("#note", "so says HR to me too").await;
    second.click_on("button[value=approve]").await;
    until("the rest of the hold", async || {
        (second.all("input[name=keep]").await.len() == kept.len() - 4).then_some(())
    })
    .await;
    second.goto(&site.origin()).await;
    until("four contained, without reading again", async || {
        (second.all("[data-key^=case-] .mark.contained").await.len() == 4).then_some(())
    })
    .await;
    picture(&second, "half-contained-phone").await;
    site.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_it_is_read_and_decided_all_the_same() {
    let window = Window { scripts: false, ..DESK };
    let Some(browser) = Browser::open(window).await else { return };
    let site = Site::new().await;
    let hold = three_held(&site).await;
    sign_in(&browser, &site, Role::Approver, false).await;
    browser.click_on(&format!("a[href='/holds/{hold}']")).await;
    browser.fill("#note", "not theirs").await;
    browser.click_on("button[value=reject]").await;
    browser.until_text("rejected by operator:").await;
    for (name, text) in [
        ("Alerts", "The cleared ones too"),
        ("People", "Name, address, id"),
        ("Trail", "What is proved of it"),
    ] {
        let path = format!("nav a[href='/{}']", name.to_lowercase());
        browser.click_on(&path).await;
        browser.until_text(text).await;
    }
    browser.fill("input[name=kind]", "hold.rejected").await;
    browser.click_on(".filters button").await;
    until("the filtered trail", async || {
        (browser.url().await.contains("kind=hold.rejected")).then_some(())
    })
    .await;
    site.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_have_names_contrast_and_order_for_everybody() {
    let Some(axe) = axe() else {
        use std::io::Write as _;
        drop(writeln!(std::io::stderr(), "SKIPPED: axe is not here; tests/run gets it"));
        return;
    };
    let dark = |window: Window| Window { dark: true, ..window };
    let windows = [
        (DESK, "desk"),
        (PHONE, "phone"),
        (dark(DESK), "desk-dark"),
        (dark(PHONE), "phone-dark"),
    ];
    let Furnished {
        site,
        contained,
        markup,
        open,
        rejected,
    } = furnished().await;
    let pages = [
        ("now", "/".to_owned()),
        ("hold", format!("/holds/{open}")),
        ("hold-decided", format!("/holds/{rejected}")),
        ("holds", "/holds".to_owned()),
        ("alerts", "/alerts".to_owned()),
        ("people", "/people?word=user0".to_owned()),
        ("departures", "/departures".to_owned()),
        ("targets", "/targets".to_owned()),
        ("times", "/times".to_owned()),
        ("trail", "/trail".to_owned()),
        ("case", format!("/cases/{contained}")),
        ("case-markup", format!("/cases/{markup}")),
        ("case-all", format!("/cases/{contained}?all=1")),
        ("report", format!("/cases/{contained}/report")),
        ("report-markup", format!("/cases/{markup}/report")),
    ];
    let batch = site.batch(&["username:user11", "username:user06"]).await;
    // The target is paused there.
    site.until_ended(&batch, 0).await;
    let pages = pages
        .into_iter()
        .chain([("batches", "/batches".to_owned()), ("batch", format!("/batches/{batch}"))]);
    let pages: Vec<(&str, String)> = pages.collect();
    let mut found = Vec::new();
    for (window, called) in windows {
        let Some(browser) = Browser::open(window).await else { return };
        sign_in(&browser, &site, Role::Approver, true).await;
        for (page, path) in &pages {
            browser.goto(&format!("{}{path}", site.origin())).await;
            fits(&browser).await;
            picture(&browser, &format!("{page}-{called}")).await;
            found.extend(faults(&browser, &axe).await.into_iter().map(|fault| (*page, called, fault)));
        }
        assert_ne!(browser.run("return document.title", "sync").await, json!("taken"));
    }
    assert!(found.is_empty(), "{found:#?}");
    site.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_of_a_case_is_reached_by_its_address_and_an_instant_is_read_by_ones_own_clock() {
    let Some(browser) = Browser::open(DESK).await else { return };
    let Furnished { site, contained, .. } = furnished().await;
    sign_in(&browser, &site, Role::Requester, true).await;
    let path = format!("/api/v1/trail?case={contained}&kind=job.claimed");
    let claimed = site.by_socket(Role::Viewer, Method::GET, &path, None).await.json();
    let entry = &claimed["items"][0]["seq"];
    for page in ["", "?all=1"] {
        browser
            .goto(&format!("{}/cases/{contained}{page}#e{entry}", site.origin()))
            .await;
        let target = browser.run("return document.querySelector(':target').id", "sync").await;
        assert_eq!(target, json!(format!("e{entry}")), "{page}");
    }
    browser.goto(&format!("{}/departures", site.origin())).await;
    let said = "const time = document.querySelector('time.yours'); return [time.textContent, time.dateTime]";
    let said = browser.run(said, "sync").await;
    assert!(said[0].as_str().unwrap().contains(','), "{said}");
    assert!(said[1].as_str().unwrap().ends_with('Z'), "{said}");
    // What was typed into a form stays when something changes.
    browser.goto(&format!("{}/alerts", site.origin())).await;
    browser.fill("input[name=note]", "half a sentence").await;
    let noted = site
        .by_socket(
            Role::Requester,
            Method::POST,
            &format!("/api/v1/cases/{contained}/notes"),
            Some(json!({ "note": "x" })),
        )
        .await;
    assert_eq!(noted.status, StatusCode::CREATED, "{noted:?}");
    let as_of = browser
        .run("return document.querySelector('.as-of time').dateTime", "sync")
        .await;
    until("the page read again", async || {
        let now = browser
            .run("return document.querySelector('.as-of time').dateTime", "sync")
            .await;
        (now != as_of).then_some(())
    })
    .await;
    assert_eq!(browser.value("input[name=note]").await.as_deref(), Some("half a sentence"));
    site.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_page_is_no_use_of_its_session_and_says_so_where_that_has_ended() {
    let Some(browser) = Browser::open(DESK).await else { return };
    let site = Site::new().await;
    let hold = three_held(&site).await;
    let elsewhere = site.signed_in(Role::Approver).await;
    sign_in(&browser, &site, Role::Approver, true).await;
    browser.goto(&format!("{}/holds", site.origin())).await;
    site.nobody_was_there_for_ten_minutes().await;
    let as_of = "return document.querySelector('.as-of time').dateTime";
    let made = browser.run(as_of, "sync").await;
    until("the page read again", async || {
        (browser.run(as_of, "sync").await != made).then_some(())
    })
    .await;
    assert_eq!(site.installation.count(UNUSED).await, 2);
    let form = field(&site.page("/", &elsewhere).await, "form");
    let out = site.form("/sign-out", &elsewhere, &[("form", &form), ("all", "yes")]).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER, "{out:?}");
    browser.until_text("Signed out: nothing here is live any more").await;
    let stands = browser.all(&format!("[data-key=hold-{hold}]:not(.gone)")).await;
    assert_eq!(stands.len(), 1, "what was shown stands, and nothing is said to be gone");
    site.running.stop().await;
}
