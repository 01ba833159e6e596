//! Three systems in one: a directory (SCIM 2.0), a notebook server (the API of `JupyterHub`) and a message broker (that of `RabbitMQ`), each with the one person
//! in it, and with answers in the form of the recorded ones of real servers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use http::{Method, Request, StatusCode, header};
use hyper::body::Incoming;
use revoked_trail::key::random_key;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::demo::tour::loopback_server;
use crate::digest::hex;

/// The systems, which listen until they are dropped.
pub(super) struct StandIns {
    address: SocketAddr,
    systems: Arc<Systems>,
    _serving: JoinSet<()>,
}

/// What the person has.
struct Holdings {
    active: bool,
    tokens: Vec<String>,
    connections: Vec<String>,
    broker_password: bool,
}

struct Systems {
    who: String,
    email: String,
    secret: String,
    held: Mutex<Holdings>,
}

impl StandIns {
    /// Starts them on a free port of the loopback, with the person in each.
    pub(super) async fn start(who: &str, email: &str) -> anyhow::Result<Self> {
        let (listener, address) = loopback_server::bind("the stand-ins").await?;
        let secret = hex(&random_key()?);
        let systems = Arc::new(Systems {
            who: who.to_owned(),
            email: email.to_owned(),
            held: Mutex::new(Holdings {
                active: true,
                tokens: (1..=3).map(|n| format!("{}-{n}", &secret[..12])).collect(),
                connections: (1..=2).map(|n| format!("127.0.0.1:5000{n} -> 127.0.0.1:5672")).collect(),
                broker_password: true,
            }),
            secret,
        });
        let asked = Arc::clone(&systems);
        let serving = loopback_server::serve(listener, move |request| {
            let systems = Arc::clone(&asked);
            async move { systems.told(request).await }
        });
        Ok(Self {
            address,
            systems,
            _serving: serving,
        })
    }

    /// What the daemon shows at each.
    pub(super) fn secret(&self) -> &str {
        &self.systems.secret
    }

    /// Where one of them is: `directory`, `notebooks` or `broker`.
    pub(super) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// What of the person's still works: every token is used once more.
    pub(super) async fn still_works(&self) -> anyhow::Result<Vec<String>> {
        let client = crate::http::client(crate::http::Bounds::default())?;
        let mut works = Vec::new();
        for n in 1..=3 {
            let token = format!("token {}-{n}", &self.systems.secret[..12]);
            let url = format!("{}/hub/api/user", self.url("notebooks"));
            let answer = client.get(url).header(header::AUTHORIZATION, token).send().await;
            if answer.context("using a token of the person")?.status().is_success() {
                works.push(format!("notebook token {n}"));
            }
        }
        let held = self.systems.held();
        works.extend(held.connections.iter().map(|name| format!("connection {name}")));
        if held.active {
            works.push("the directory's account".to_owned());
        }
        if held.broker_password {
            works.push("the broker's password".to_owned());
        }
        Ok(works)
    }
}

type Told = (StatusCode, Value);

impl Systems {
    fn held(&self) -> MutexGuard<'_, Holdings> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn told(&self, request: Request<Incoming>) -> Told {
        let (parts, body) = request.into_parts();
        let shown = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.split_once(' ')).map_or("", |(_, shown)| shown);
        let body = loopback_server::document(body).await.unwrap_or_default();
        let path = parts.uri.path().trim_start_matches('/').split('/').collect::<Vec<_>>();
        match path.as_slice() {
            ["directory", rest @ ..] => self.directory(&parts.method, rest, parts.uri.query().unwrap_or_default(), shown, &body),
            ["notebooks", "hub", "api", rest @ ..] => self.notebooks(&parts.method, rest, shown),
            ["broker", "api", rest @ ..] => self.broker(&parts.method, rest, &body),
            _ => (StatusCode::NOT_FOUND, Value::Null),
        }
    }

    /// RFC 7644: a filter, a read, a PATCH.
    fn directory(&self, method: &Method, path: &[&str], query: &str, shown: &str, body: &Value) -> Told {
        if shown != self.secret {
            return (
                StatusCode::UNAUTHORIZED,
                json!({ "status": "401", "detail": "no such token" }),
            );
        }
        let account = || {
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "4711", "userName": self.who,
                "emails": [{ "value": self.email, "primary": true }], "active": self.held().active,
            })
        };
        match (method.as_str(), path) {
            ("GET", ["Users"]) => {
                let asked = [&self.who, &self.email].iter().any(|name| {
                    let quoted = format!("%22{}%22", name.replace('@', "%40"));
                    query.contains(&quoted)
                });
                let found: Vec<Value> = asked.then(account).into_iter().collect();
                let list = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": found.len(), "startIndex": 1,
                    "itemsPerPage": found.len(), "Resources": found,
                });
                (StatusCode::OK, list)
            }
            ("GET", ["Users", "4711"]) => (StatusCode::OK, account()),
            ("PATCH", ["Users", "4711"]) => {
                if body["Operations"][0]["value"] == false {
                    self.held().active = false;
                }
                (StatusCode::NO_CONTENT, Value::Null)
            }
            _ => (
                StatusCode::NOT_FOUND,
                json!({ "status": "404", "detail": "no such resource" }),
            ),
        }
    }

    /// `JupyterHub` 6: a token that is dead is answered with 403.
    fn notebooks(&self, method: &Method, path: &[&str], shown: &str) -> Told {
        let ours = shown == self.secret;
        let theirs = self.held().tokens.iter().any(|token| token == shown);
        let model = json!({ "kind": "user", "name": self.who, "admin": false });
        match (method.as_str(), path) {
            ("GET", [] | [""]) => (StatusCode::OK, json!({ "version": "6.1.1" })),
            ("GET", ["user"]) if theirs => (StatusCode::OK, model),
            ("GET", ["user"]) if ours => (
                StatusCode::OK,
                json!({ "kind": "service", "name": "revoked", "admin": false }),
            ),
            _ if !ours => (
                StatusCode::FORBIDDEN,
                json!({ "status": 403, "message": "Missing or invalid credentials." }),
            ),
            ("GET", ["users"]) => (StatusCode::OK, json!({ "items": [model], "_pagination": { "next": null } })),
            ("GET", ["users", name]) if *name == self.who => (StatusCode::OK, model),
            ("GET", ["users", name, "tokens"]) if *name == self.who => {
                let tokens = self.held().tokens.clone();
                let listed: Vec<Value> = tokens
                    .iter()
                    .map(|token| json!({ "kind": "api_token", "id": format!("a{}", &token[13..]), "user": self.who }))
                    .collect();
                (StatusCode::OK, json!({ "api_tokens": listed }))
            }
            ("DELETE", ["users", name, "tokens", id]) if *name == self.who => {
                self.held().tokens.retain(|token| format!("a{}", &token[13..]) != **id);
                (StatusCode::NO_CONTENT, Value::Null)
            }
            _ => (StatusCode::NOT_FOUND, json!({ "status": 404, "message": null })),
        }
    }

    /// `RabbitMQ` 3.10: who has no password hash cannot sign in, and an open connection goes on until it is ended.
    fn broker(&self, method: &Method, path: &[&str], body: &Value) -> Told {
        let held = || self.held();
        match (method.as_str(), path) {
            ("GET", ["overview"]) => (StatusCode::OK, json!({ "rabbitmq_version": "3.10.8" })),
            ("GET", ["whoami"]) => (StatusCode::OK, json!({ "name": "revoked", "tags": ["administrator"] })),
            ("GET", ["users", "revoked"]) => (
                StatusCode::OK,
                json!({ "name": "revoked", "password_hash": "x", "tags": ["administrator"] }),
            ),
            ("GET", ["users", name]) if *name == self.who => {
                let hash = if held().broker_password { "eHh4" } else { "" };
                (StatusCode::OK, json!({ "name": self.who, "password_hash": hash, "tags": [] }))
            }
            ("PUT", ["users", name]) if *name == self.who => {
                if body["password_hash"] == "" {
                    held().broker_password = false;
                }
                (StatusCode::NO_CONTENT, Value::Null)
            }
            ("GET", ["connections", "username", name]) if *name == self.who => {
                let listed: Vec<Value> = held()
                    .connections
                    .iter()
                    .map(|name| json!({ "name": name, "user": self.who }))
                    .collect();
                (StatusCode::OK, Value::Array(listed))
            }
            ("DELETE", ["connections", "username", name]) if *name == self.who => {
                held().connections.clear();
                (StatusCode::NO_CONTENT, Value::Null)
            }
            _ => (
                StatusCode::NOT_FOUND,
                json!({ "error": "Object Not Found", "reason": "Not Found" }),
            ),
        }
    }
}
