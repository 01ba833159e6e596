//! A real browser, driven by `WebDriver` (of the W3C, the calls that the tests need): `chromedriver` of the system, and what it starts, ended with
//! the test.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::until;
use crate::ports::Port;

/// By which member an element is named (W3C `WebDriver`, section 12.2).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How a browser is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) scripts: bool,
    pub(crate) dark: bool,
}

/// An open browser.
pub(crate) struct Browser {
    http: reqwest::Client,
    session: String,
    program: Child,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver's end alone would leave the browser running.
        let _ = kill_process_group(Pid::from_child(&self.program), Signal::KILL);
        drop(self.program.wait());
    }
}

impl Browser {
    /// Opens one; `None`, with a word, where there is none here.
    pub(crate) async fn open(window: Window) -> Option<Self> {
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
        let wanted = capabilities(window, &profile);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let driver = format!("http://{}", port.address());
        let mut browser = Self {
            http,
            session: driver.clone(),
            program,
            _profile: profile,
        };
        let made = until("the browser", async || browser.call("POST", "/session", &wanted).await.ok()).await;
        browser.session = format!("{driver}/session/{}", made["sessionId"].as_str().unwrap());
        Some(browser)
    }

    /// The value of an answer, or the error that it tells.
    async fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.session));
        if method == "POST" {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let is_error = !answer.status().is_success();
        let mut answer: Value = answer.json().await.map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if is_error {
            Err(value["message"].to_string())
        } else {
            Ok(value)
        }
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.call("POST", "/url", &json!({ "url": url })).await.unwrap();
    }

    pub(crate) async fn url(&self) -> String {
        let url = self.call("GET", "/url", &Value::Null).await.unwrap();
        url.as_str().unwrap().to_owned()
    }

    /// The elements that a selector of CSS means now.
    pub(crate) async fn all(&self, selector: &str) -> Vec<String> {
        let asked = json!({ "using": "css selector", "value": selector });
        let found = self.call("POST", "/elements", &asked).await.unwrap_or_default();
        let found = found.as_array().into_iter().flatten();
        found
            .filter_map(|element| Some(element[ELEMENT].as_str()?.to_owned()))
            .collect()
    }

    pub(crate) async fn click(&self, element: &str) {
        self.call("POST", &format!("/element/{element}/click"), &json!({}))
            .await
            .unwrap();
    }

    /// Clicks on what a selector means, once it is there.
    pub(crate) async fn click_on(&self, selector: &str) {
        until(selector, async || {
            let element = self.all(selector).await.into_iter().next()?;
            self.call("POST", &format!("/element/{element}/click"), &json!({})).await.ok()
        })
        .await;
    }

    /// Types into a field, once it is there.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        until(selector, async || {
            let field = self.all(selector).await.into_iter().next()?;
            self.call("POST", &format!("/element/{field}/value"), &json!({ "text": text }))
                .await
                .ok()
        })
        .await;
    }

    /// What the field holds.
    pub(crate) async fn value(&self, selector: &str) -> Option<String> {
        let field = self.all(selector).await.into_iter().next()?;
        let value = self
            .call("GET", &format!("/element/{field}/property/value"), &Value::Null)
            .await
            .ok()?;
        value.as_str().map(str::to_owned)
    }

    /// Waits until the page shows a text.
    pub(crate) async fn until_text(&self, text: &str) {
        until(text, async || {
            let body = self.all("body").await.into_iter().next()?;
            let shown = self.call("GET", &format!("/element/{body}/text"), &Value::Null).await.ok()?;
            shown.as_str().is_some_and(|shown| shown.contains(text)).then_some(())
        })
        .await;
    }

    /// What a script answers; one that takes its time calls its last argument.
    pub(crate) async fn run(&self, script: &str, how: &str) -> Value {
        let asked = json!({ "script": script, "args": [] });
        self.call("POST", &format!("/execute/{how}"), &asked).await.unwrap()
    }

    /// A picture of what is seen, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let picture = self.call("GET", "/screenshot", &Value::Null).await.unwrap();
        base64::engine::general_purpose::STANDARD
            .decode(picture.as_str().unwrap())
            .unwrap()
    }
}

/// What is asked of the browser.
fn capabilities(window: Window, profile: &TempDir) -> Value {
    let Window {
        width,
        height,
        scripts,
        dark,
    } = window;
    let mut args: Vec<String> = [
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-first-run",
    ]
    .map(str::to_owned)
    .into();
    args.push(format!("--user-data-dir={}", profile.path().display()));
    if dark {
        args.push("--blink-settings=preferredColorScheme=0".to_owned());
    }
    let (options, loading) = if scripts {
        let emulated = json!({ "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1.0, "mobile": false } });
        (json!({ "args": args, "mobileEmulation": emulated }), "normal")
    } else {
        // An emulated screen hangs without scripts, and whether a page is whole is asked by one.
        args.push(format!("--window-size={width},{height}"));
        let prefs = json!({ "profile.managed_default_content_settings.javascript": 2 });
        (json!({ "args": args, "prefs": prefs }), "none")
    };
    json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome", "pageLoadStrategy": loading, "goog:chromeOptions": options } } })
}
