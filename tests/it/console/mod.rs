//! The console: the API by the sockets of the roles and with tokens, and the page.

mod access;
mod batches;
mod breaking;
mod browser;
mod by_socket;
mod command_roles;
mod commands;
mod commands_and_routes;
mod contract;
mod deadlines;
mod documents;
mod furnished;
mod headers;
mod limits;
mod live;
mod now;
mod page;
mod pages;
mod refused;
mod reports;
mod single_sign_on;
mod strangers;
mod tls;
mod two_persons;
mod what_is_configured;
mod what_is_left;

use std::time::Duration;

use http::{Method, StatusCode};
use revoked::clock::Clock;
use revoked::http::{client, client_at_socket};
use revoked::model::Role;
use revoked::store::{Role as OpenedAs, Store};
use serde_json::{Value, json};

use crate::harness::{DaemonProcess, Installation, InstallationPlan, PATIENT, until};
use crate::ports::Port;

/// Some people are protected, and nothing is held for its number.
const POLICY: &str =
    "protected = [\"username:user05\", \"username:user06\", \"username:user07\"]\ncompromises_per_minute = \"unlimited\"";

/// An installation whose daemon serves the console, and how it is reached.
struct Site {
    installation: Installation,
    port: Port,
    running: DaemonProcess,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    async fn of(answer: reqwest::Response) -> Self {
        // It has no end.
        let is_stream = answer
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind == "text/event-stream");
        Self {
            status: answer.status(),
            headers: answer.headers().clone(),
            text: if is_stream {
                String::new()
            } else {
                answer.text().await.unwrap()
            },
        }
    }
}

impl Site {
    async fn new() -> Self {
        Self::with("").await
    }

    /// The same with these tables at the end of the config.
    async fn with(tables: &str) -> Self {
        Self::that_sweeps("[]", tables).await
    }

    /// The same with these sweeps after a verdict.
    async fn that_sweeps(watch: &'static str, tables: &str) -> Self {
        Self::of(POLICY, watch, tables).await
    }

    /// Has one person's access ended, until the case is over.
    async fn closes_one(&self) {
        let request = json!({ "subject": "username:user01", "reason": "compromised" });
        let asked = self
            .by_socket(Role::Requester, Method::POST, "/api/v1/requests", Some(request))
            .await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{asked:?}");
        until("the case", async || {
            let cases = self
                .by_socket(Role::Viewer, Method::GET, "/api/v1/cases?state=closed", None)
                .await
                .json();
            (cases["items"].as_array()?.len() == 1).then_some(())
        })
        .await;
    }

    /// One with these limits, sweeps and tables.
    async fn of(policy: &'static str, watch: &'static str, tables: &str) -> Self {
        Self::planned(InstallationPlan {
            policy,
            more: tables.to_owned().leak(),
            watch,
            ..InstallationPlan::default()
        })
        .await
    }

    /// One of this plan, with the console's table before the others.
    async fn planned(plan: InstallationPlan) -> Self {
        let port = Port::default();
        let console = "[console]\nsockets = \"{folder}/sockets\"\nlisten = \"LISTEN\"\norigin = \"http://LISTEN\"\n";
        let plan = InstallationPlan {
            more: format!("{console}{}", plan.more).leak(),
            ..plan
        };
        let installation = Installation::new(plan).await;
        std::fs::create_dir(installation.path("sockets")).unwrap();
        let config = std::fs::read_to_string(installation.config()).unwrap();
        std::fs::write(installation.config(), config.replace("LISTEN", &port.address().to_string())).unwrap();
        installation.secret("sso-secret", single_sign_on::SECRET.as_bytes());
        let running = installation.start().await;
        Self {
            installation,
            port,
            running,
        }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// Asks at the socket of a role.
    async fn by_socket(&self, role: Role, method: Method, path: &str, body: Option<Value>) -> Answer {
        let socket = self.installation.path("sockets").join(format!("{role}.sock"));
        let client = client_at_socket(PATIENT, &socket).unwrap();
        let mut request = client.request(method, format!("http://revoked{path}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    /// Asks over the network with these headers.
    async fn by_network(&self, headers: &[(&str, &str)], method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = client(PATIENT).unwrap().request(method, format!("{}{path}", self.origin()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    /// The text of a new token.
    async fn token(&self, role: Role) -> String {
        let new = json!({ "name": "a test", "role": role, "days": 1 });
        let made = self.by_socket(Role::Admin, Method::POST, "/api/v1/tokens", Some(new)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        made.json()["token"].as_str().unwrap().to_owned()
    }

    /// The store, beside the daemon.
    async fn store(&self) -> Store {
        let opened = Store::open(&self.installation.store(), OpenedAs::Command, Clock::system()).await;
        opened.unwrap()
    }

    /// A token of this person.
    async fn token_of(&self, person: &str, role: Role) -> String {
        let store = self.store().await;
        let (person, life) = (person.parse().unwrap(), Duration::from_hours(1));
        let made = store.make_token("a test".to_owned(), role, life, person).await;
        format!("Bearer {}", made.unwrap().1)
    }

    /// A hold over the protected person.
    async fn held(&self) -> i64 {
        let request = json!({ "subject": "username:user05", "reason": "compromised" });
        let asked = self
            .by_socket(Role::Requester, Method::POST, "/api/v1/requests", Some(request))
            .await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{asked:?}");
        until("the hold", async || {
            let holds = self.by_socket(Role::Viewer, Method::GET, "/api/v1/holds", None).await.json();
            holds["items"][0]["id"].as_i64()
        })
        .await
    }
}
