//! The page in a real browser: signing in, deciding in part on a phone, seeing it come about, without scripts, and for those who cannot see it.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use http::{Method, StatusCode};
use revoked::model::Role;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use thirtyfour::common::capabilities::desiredcapabilities::PageLoadStrategy;
use thirtyfour::prelude::*;

use super::Site;
use crate::harness::{BOUND, until};
use crate::ports::Port;

/// A desk, and a phone held upright.
const DESK: (u32, u32) = (1440, 900);
const PHONE: (u32, u32) = (390, 844);

/// A browser, and the program that drives it.
struct Browser {
    driver: WebDriver,
    program: Child,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver's end would leave the browser running.
        let group = Pid::from_child(&self.program);
        let _ = kill_process_group(group, Signal::KILL);
        drop(self.program.wait());
    }
}

impl Browser {
    /// Opens one; `None`, with a word, where there is none here.
    async fn open((width, height): (u32, u32), scripts: bool, dark: bool) -> Option<Self> {
        let port = Port::default();
        let started = Command::new("chromedriver")
            .arg(format!("--port={}", port.number()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let Ok(program) = started else {
            use std::io::Write as _;
            // Past the test harness, which shows nothing of a test that passes.
            drop(writeln!(
                std::io::stderr(),
                "SKIPPED: chromedriver is not here; tests/run gets it"
            ));
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut wanted = DesiredCapabilities::chrome();
        for arg in [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-first-run",
        ] {
            wanted.add_arg(arg).unwrap();
        }
        wanted
            .add_arg(&format!("--user-data-dir={}", profile.path().display()))
            .unwrap();
        if dark {
            wanted.add_arg("--force-dark-mode").unwrap();
            wanted.add_arg("--blink-settings=preferredColorScheme=0").unwrap();
        }
        if scripts {
            let emulated = json!({ "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1.0, "mobile": false } });
            wanted.add_experimental_option("mobileEmulation", emulated).unwrap();
        } else {
            // An emulated screen hangs without scripts, and whether a page is whole is asked by one.
            wanted.add_arg(&format!("--window-size={width},{height}")).unwrap();
            wanted.set_page_load_strategy(PageLoadStrategy::None).unwrap();
            let prefs = json!({ "profile.managed_default_content_settings.javascript": 2 });
            wanted.add_experimental_option("prefs", prefs).unwrap();
        }
        let address = format!("http://{}", port.address());
        let driver = until("the browser", async || WebDriver::new(&address, wanted.clone()).await.ok()).await;
        driver.set_page_load_timeout(BOUND).await.unwrap();
        Some(Self {
            driver,
            program,
            _profile: profile,
        })
    }

    async fn find(&self, selector: &str) -> WebElement {
        until(selector, async || self.driver.find(By::Css(selector)).await.ok()).await
    }

    /// Types into a field; the page may still be coming.
    async fn fill(&self, selector: &str, text: &str) {
        until(selector, async || {
            let field = self.driver.find(By::Css(selector)).await.ok()?;
            field.send_keys(text).await.ok()
        })
        .await;
    }

    async fn until_text(&self, text: &str) {
        until(text, async || {
            let page = self.driver.find(By::Css("body")).await.ok()?.text().await.ok()?;
            page.contains(text).then_some(())
        })
        .await;
    }

    /// Signs in with a new link of that role.
    async fn sign_in(&self, site: &Site, role: Role, scripts: bool) {
        let made = site.by_socket(role, Method::POST, "/api/v1/sign-in-links", None).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let link = made.json();
        if scripts {
            self.driver.goto(link["url"].as_str().unwrap()).await.unwrap();
            let code = self.find("#code").await;
            until("the code in the form", async || {
                code.prop("value").await.ok().flatten().filter(|value| !value.is_empty())
            })
            .await;
            let address = self.driver.current_url().await.unwrap();
            assert_eq!(address.fragment(), None, "the code stays in the address");
        } else {
            self.driver.goto(format!("{}/sign-in", site.origin())).await.unwrap();
            self.fill("#code", link["code"].as_str().unwrap()).await;
        }
        self.find("form button").await.click().await.unwrap();
        self.until_text("To decide").await;
    }

    /// Keeps a picture beside the tests' other artefacts.
    async fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pictures");
        std::fs::create_dir_all(&folder).unwrap();
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await.unwrap();
    }

    /// Nothing is wider than the screen.
    async fn fits(&self) {
        let fits = "return document.documentElement.scrollWidth <= window.innerWidth";
        let fits = self.driver.execute(fits, vec![]).await.unwrap();
        assert_eq!(fits.json(), &json!(true), "it must be pushed aside to be read");
    }

    /// What axe finds fault with.
    async fn faults(&self) -> Option<Vec<Value>> {
        let axe = axe()?;
        self.driver
            .execute(std::fs::read_to_string(axe).unwrap(), vec![])
            .await
            .unwrap();
        let run = "const done = arguments[0]; axe.run().then(done, error => done(String(error)));";
        let found = self.driver.execute_async(run, vec![]).await.unwrap();
        let found = found.json();
        assert!(
            found["passes"].as_array().is_some_and(|passes| passes.len() > 10),
            "{found:#}"
        );
        let faults = found["violations"].as_array().unwrap();
        let short = |fault: &Value| json!({ "id": fault["id"], "help": fault["help"], "at": fault["nodes"][0]["html"] });
        Some(faults.iter().map(short).collect())
    }
}

/// The script of axe, as `tests/run` installs it.
fn axe() -> Option<PathBuf> {
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/console-checkers/lib");
    let python = std::fs::read_dir(lib).ok()?.next()?.ok()?.path();
    Some(python.join("site-packages/axe_playwright_python/axe.min.js")).filter(|path| path.exists())
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
    let Some(browser) = Browser::open(PHONE, true, false).await else {
        return;
    };
    let site = Site::new().await;
    let hold = three_held(&site).await;
    browser.sign_in(&site, Role::Approver, true).await;
    browser.fits().await;
    browser.picture("now-phone").await;
    browser.find(&format!("a[href='/holds/{hold}']")).await.click().await.unwrap();
    browser.fill("#note", "asked back by phone").await;
    let kept = browser.driver.find_all(By::Css("input[name=keep]")).await.unwrap();
    assert_eq!(kept.len(), 3);
    kept[2].click().await.unwrap();
    browser.fits().await;
    browser.picture("hold-phone").await;
    browser.find("button[value=approve]").await.click().await.unwrap();
    // One stays held, so the hold is open still.
    until("the rest of the hold", async || {
        let left = browser.driver.find_all(By::Css("input[name=keep]")).await.ok()?;
        (left.len() == 1).then_some(())
    })
    .await;
    browser.driver.goto(site.origin()).await.unwrap();
    until("two contained, without reading again", async || {
        let marks = browser.driver.find_all(By::Css(".mark.contained")).await.ok()?;
        (marks.len() == 2).then_some(())
    })
    .await;
    browser.picture("contained-phone").await;
    site.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_it_is_read_and_decided_all_the_same() {
    let Some(browser) = Browser::open(DESK, false, false).await else {
        return;
    };
    let site = Site::new().await;
    let hold = three_held(&site).await;
    browser.sign_in(&site, Role::Approver, false).await;
    browser.find(&format!("a[href='/holds/{hold}']")).await.click().await.unwrap();
    browser.fill("#note", "not theirs").await;
    browser.find("button[value=reject]").await.click().await.unwrap();
    browser.until_text("rejected by operator:").await;
    site.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_have_names_contrast_and_order_for_everybody() {
    for (size, dark, called) in [(DESK, false, "desk"), (DESK, true, "desk-dark"), (PHONE, true, "phone-dark")] {
        let Some(browser) = Browser::open(size, true, dark).await else {
            return;
        };
        let site = Site::new().await;
        let hold = three_held(&site).await;
        site.installation
            .revoke("username:user01", "compromised", &["--note", "<b>bold</b> \u{202e}evil"])
            .await;
        browser.sign_in(&site, Role::Approver, true).await;
        for (page, path) in [
            ("now", "/".to_owned()),
            ("hold", format!("/holds/{hold}")),
            ("case", "/cases/4".to_owned()),
        ] {
            browser.driver.goto(format!("{}{path}", site.origin())).await.unwrap();
            browser.find("h1").await;
            browser.fits().await;
            browser.picture(&format!("{page}-{called}")).await;
            let Some(faults) = browser.faults().await else {
                use std::io::Write as _;
                drop(writeln!(std::io::stderr(), "SKIPPED: axe is not here; tests/run gets it"));
                return;
            };
            assert_eq!(faults, Vec::<Value>::new(), "{page} at {called}");
        }
        site.running.stop().await;
    }
}
