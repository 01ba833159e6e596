//! A transmitter that a test commands: metadata, keys, streams, status, subjects, verifications that really come, and polls with
//! acknowledgements, over real HTTP on loopback.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

pub(crate) const TOKEN: &str = "the-receivers-token";
pub(crate) const AUDIENCE: &str = "https://revoked.example.test/signals/idp";
pub(crate) const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const SSF: &str = "https://schemas.openid.net/secevent/ssf/event-type/";
const DELIVERED: [&str; 3] = [
    REVOKED,
    "https://schemas.openid.net/secevent/caep/event-type/credential-change",
    "https://schemas.openid.net/secevent/risc/event-type/account-disabled",
];

/// Making an RSA key takes a moment, so it is made once.
static KEY: LazyLock<Signer> = LazyLock::new(|| Signer::generate("fake-1", Algorithm::Rs256).unwrap());

/// How a transmitter behaves.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one bad habit, and a test picks any of them"
)]
pub(crate) struct Manners {
    /// The path of its issuer.
    pub(crate) path: &'static str,
    /// The name of its audience.
    pub(crate) audience: &'static str,
    /// Members put into its metadata, over the usual ones.
    pub(crate) metadata: Value,
    /// Members put into a stream's configuration, over the usual ones.
    pub(crate) stream: Value,
    /// How long it holds a poll that asks to be held.
    pub(crate) hold: Duration,
    /// Whether it takes out what is acknowledged.
    pub(crate) heeds_acks: bool,
    /// Whether polls that acknowledge anything are served at all.
    pub(crate) takes_acks: bool,
    /// The most tokens that may be asked for in one poll.
    pub(crate) most_events: u64,
    /// Whether it answers a verification that is asked for.
    pub(crate) verifies: bool,
    /// Whether streams can only be made, read and deleted, as CAEP's interoperability profile has it.
    pub(crate) interop: bool,
    /// Whether it changes streams later, with 202.
    pub(crate) later: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            path: "",
            audience: AUDIENCE,
            metadata: json!({}),
            stream: json!({}),
            hold: Duration::from_millis(300),
            heeds_acks: true,
            takes_acks: true,
            most_events: u64::MAX,
            verifies: true,
            interop: false,
            later: false,
        }
    }
}

/// One request that came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) body: Value,
    pub(crate) language: Option<String>,
}

#[derive(Debug, Default)]
struct Stream {
    config: Value,
    status: String,
    subjects: Vec<Value>,
    /// What waits to be polled, oldest first.
    queue: Vec<(String, Value)>,
    acked: Vec<String>,
    errs: BTreeMap<String, Value>,
}

/// An answer that is not the usual one.
#[derive(Debug)]
struct Scripted {
    /// The end of the path that it is for.
    path: &'static str,
    status: u16,
    retry_after: Option<u64>,
    body: Value,
}

#[derive(Debug, Default)]
struct Desk {
    streams: BTreeMap<String, Stream>,
    seen: Vec<Seen>,
    /// Answers to give instead of the usual ones, by the end of the path.
    scripted: Vec<Scripted>,
    next: u64,
}

/// A running transmitter, ended when dropped.
#[derive(Clone)]
pub(crate) struct Transmitter(Arc<Inner>);

struct Inner {
    manners: Mutex<Manners>,
    url: String,
    desk: Mutex<Desk>,
    came: Notify,
    http: reqwest::Client,
}

impl Transmitter {
    pub(crate) async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self(Arc::new(Inner {
            url: format!("http://{}{}", listener.local_addr().unwrap(), manners.path),
            manners: Mutex::new(manners),
            desk: Mutex::default(),
            came: Notify::new(),
            http: revoked::http::client(revoked::http::Bounds::default()).unwrap(),
        }));
        tokio::spawn(serve(this.clone(), listener));
        this
    }

    /// Its issuer.
    pub(crate) fn issuer(&self) -> &str {
        &self.0.url
    }

    /// Changes its manners.
    pub(crate) fn behave(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.0.manners.lock().unwrap());
    }

    /// Answers the next request whose path ends so with that status, and `Retry-After`.
    pub(crate) fn script(&self, path: &'static str, status: u16, retry_after: Option<u64>) {
        let body = json!({"error": "scripted"});
        self.desk().scripted.push(Scripted {
            path,
            status,
            retry_after,
            body,
        });
    }

    /// Answers the next request whose path ends so with that status and body.
    pub(crate) fn reply(&self, path: &'static str, status: u16, body: Value) {
        self.desk().scripted.push(Scripted {
            path,
            status,
            retry_after: None,
            body,
        });
    }

    /// The requests so far whose line begins so.
    pub(crate) fn seen(&self, line: &str) -> Vec<Seen> {
        let desk = self.desk();
        desk.seen.iter().filter(|seen| seen.line.starts_with(line)).cloned().collect()
    }

    /// The ids of the streams.
    pub(crate) fn streams(&self) -> Vec<String> {
        self.desk().streams.keys().cloned().collect()
    }

    /// Puts a stream there that somebody made before.
    pub(crate) fn put_stream(&self, config: &Value) -> String {
        let mut desk = self.desk();
        self.insert(&mut desk, config)
    }

    /// Takes every stream away.
    pub(crate) fn lose_streams(&self) {
        self.desk().streams.clear();
    }

    /// Sets the status of the only stream.
    pub(crate) fn set_status(&self, status: &str) {
        self.only(|stream| status.clone_into(&mut stream.status));
    }

    pub(crate) fn config(&self) -> Value {
        self.only(|stream| stream.config.clone())
    }

    pub(crate) fn status(&self) -> String {
        self.only(|stream| stream.status.clone())
    }

    pub(crate) fn subjects(&self) -> Vec<Value> {
        self.only(|stream| stream.subjects.clone())
    }

    /// What was acknowledged, in order.
    pub(crate) fn acked(&self) -> Vec<String> {
        self.only(|stream| stream.acked.clone())
    }

    /// What was refused, with the code.
    pub(crate) fn errs(&self) -> BTreeMap<String, String> {
        self.only(|stream| {
            let errs = stream.errs.iter();
            errs.map(|(jti, err)| (jti.clone(), err["err"].as_str().unwrap().to_owned()))
                .collect()
        })
    }

    /// How many tokens wait.
    pub(crate) fn waiting(&self) -> usize {
        self.only(|stream| stream.queue.len())
    }

    /// How many tokens of that name wait.
    pub(crate) fn waiting_for(&self, name: &str) -> usize {
        self.only(|stream| stream.queue.iter().filter(|(jti, _)| jti == name).count())
    }

    /// Puts a token in the queue under a name.
    pub(crate) fn queue(&self, name: &str, token: impl Into<Value>) {
        self.only(|stream| stream.queue.push((name.to_owned(), token.into())));
        self.0.came.notify_waiters();
    }

    /// Queues a signed token of these claims under its own name.
    pub(crate) fn emit(&self, claims: &Value) {
        self.queue(claims["jti"].as_str().unwrap(), Self::sign(claims));
    }

    pub(crate) fn sign(claims: &Value) -> String {
        KEY.sign(claims).unwrap()
    }

    /// Signs a payload under a header of the caller's own.
    pub(crate) fn sign_under(header: &Value, payload: &str) -> String {
        KEY.sign_under(header, payload.as_bytes()).unwrap()
    }

    /// The public half of its key.
    pub(crate) fn jwk() -> Value {
        KEY.jwk().unwrap()
    }

    /// Claims that all of a person's sessions were revoked.
    pub(crate) fn claims(&self, jti: &str, email: &str) -> Value {
        self.claims_of(jti, REVOKED, json!({}), json!({"format": "email", "email": email}))
    }

    #[expect(clippy::needless_pass_by_value, reason = "the callers write JSON literals")]
    pub(crate) fn claims_of(&self, jti: &str, uri: &str, event: Value, sub_id: Value) -> Value {
        let audience = self.0.manners.lock().unwrap().audience;
        json!({
            "iss": self.issuer(),
            "aud": audience,
            "jti": jti,
            "iat": Clock::system().now().ms() / 1000,
            "sub_id": sub_id,
            "events": {uri: event},
        })
    }

    /// Claims of an event about the only stream itself.
    pub(crate) fn about_stream(&self, jti: &str, event: &str, claims: Value) -> Value {
        let id = self.only(|stream| stream.config["stream_id"].clone());
        self.claims_of(jti, &format!("{SSF}{event}"), claims, json!({"format": "opaque", "id": id}))
    }

    fn only<T>(&self, look: impl FnOnce(&mut Stream) -> T) -> T {
        let mut desk = self.desk();
        assert_eq!(desk.streams.len(), 1, "there is not one stream");
        look(desk.streams.values_mut().next().unwrap())
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap()
    }

    fn manners(&self) -> Manners {
        self.0.manners.lock().unwrap().clone()
    }

    fn metadata(&self) -> Value {
        let url = self.issuer();
        let usual = json!({
            "spec_version": "1_0",
            "issuer": url,
            "jwks_uri": format!("{url}/jwks"),
            "delivery_methods_supported": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"],
            "configuration_endpoint": format!("{url}/streams"),
            "status_endpoint": format!("{url}/status"),
            "add_subject_endpoint": format!("{url}/subjects/add"),
            "remove_subject_endpoint": format!("{url}/subjects/remove"),
            "verification_endpoint": format!("{url}/verify"),
            "default_subjects": "ALL",
        });
        merged(usual, &self.manners().metadata)
    }

    fn insert(&self, desk: &mut Desk, receivers: &Value) -> String {
        desk.next += 1;
        let id = format!("stream-{}", desk.next);
        let usual = json!({
            "stream_id": id,
            "iss": self.issuer(),
            "aud": [self.manners().audience],
            "events_supported": DELIVERED,
            "events_delivered": DELIVERED,
            "min_verification_interval": 1,
        });
        let mut config = merged(merged(usual, receivers), &self.manners().stream);
        if config["delivery"].is_null() || config["delivery"]["method"] == "urn:ietf:rfc:8936" {
            config["delivery"] = json!({"method": "urn:ietf:rfc:8936", "endpoint_url": format!("{}/poll/{id}", self.issuer())});
        }
        let stream = Stream {
            config,
            status: "enabled".to_owned(),
            ..Stream::default()
        };
        desk.streams.insert(id.clone(), stream);
        id
    }

    /// Answers one request.
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default();
        let line = format!("{} {path}", parts.method);
        self.desk().seen.push(Seen {
            line: line.clone(),
            body: body.clone(),
            language: header("content-language"),
        });
        if let Some(scripted) = self.scripted(&path) {
            let mut answer = plain(scripted.status, &scripted.body);
            if let Some(wait) = scripted.retry_after {
                answer.headers_mut().insert("retry-after", wait.into());
            }
            return answer;
        }
        let own = self.manners().path;
        if path == format!("/.well-known/ssf-configuration{own}") {
            return plain(200, &self.metadata());
        }
        let Some(path) = path.strip_prefix(own) else {
            return plain(404, &Value::Null);
        };
        if path == "/jwks" {
            return plain(200, &KEY.jwks().unwrap());
        }
        if path == "/token" {
            return plain(
                200,
                &json!({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300}),
            );
        }
        if header("authorization").as_deref() != Some(&format!("Bearer {TOKEN}")) {
            return plain(401, &Value::Null);
        }
        let id = query.strip_prefix("stream_id=").map(str::to_owned);
        let named = body["stream_id"].as_str().unwrap_or_default().to_owned();
        if let Some(id) = path.strip_prefix("/poll/") {
            return self.poll(id, &body).await;
        }
        if path == "/verify" && self.desk().streams.contains_key(&named) {
            return self.verify(&body);
        }
        let manners = self.manners();
        let mut desk = self.desk();
        let known = |desk: &Desk, id: &str| desk.streams.contains_key(id);
        match (parts.method.as_str(), path) {
            ("PATCH" | "PUT", "/streams") | ("POST", "/status") if manners.interop => plain(405, &Value::Null),
            ("POST", "/streams") if !desk.streams.is_empty() => plain(409, &Value::Null),
            ("POST", "/streams") => {
                let id = self.insert(&mut desk, &body);
                plain(201, &desk.streams[&id].config)
            }
            ("GET", "/streams") => match id {
                None => plain(200, &desk.streams.values().map(|stream| stream.config.clone()).collect()),
                Some(id) if known(&desk, &id) => plain(200, &desk.streams[&id].config),
                Some(_) => plain(404, &Value::Null),
            },
            ("PATCH" | "PUT", "/streams") if known(&desk, &named) => {
                let stream = desk.streams.get_mut(&named).unwrap();
                stream.config = merged(stream.config.take(), &body);
                if stream.config["delivery"]["method"] == "urn:ietf:rfc:8936" {
                    stream.config["delivery"]["endpoint_url"] = format!("{}/poll/{named}", self.issuer()).into();
                }
                let status = if manners.later { 202 } else { 200 };
                plain(status, &stream.config)
            }
            ("DELETE", "/streams") if id.as_ref().is_some_and(|id| known(&desk, id)) => {
                desk.streams.remove(&id.unwrap());
                bare(204)
            }
            ("GET", "/status") if id.as_ref().is_some_and(|id| known(&desk, id)) => {
                let id = id.unwrap();
                plain(200, &json!({"stream_id": id, "status": desk.streams[&id].status}))
            }
            ("POST", "/status") if known(&desk, &named) => {
                let stream = desk.streams.get_mut(&named).unwrap();
                body["status"].as_str().unwrap().clone_into(&mut stream.status);
                plain(200, &body)
            }
            ("POST", "/subjects/add") if known(&desk, &named) => {
                desk.streams.get_mut(&named).unwrap().subjects.push(body["subject"].clone());
                bare(200)
            }
            ("POST", "/subjects/remove") if known(&desk, &named) => {
                let stream = desk.streams.get_mut(&named).unwrap();
                stream.subjects.retain(|subject| *subject != body["subject"]);
                bare(204)
            }
            _ => plain(404, &Value::Null),
        }
    }

    fn scripted(&self, path: &str) -> Option<Scripted> {
        let mut desk = self.desk();
        let n = desk.scripted.iter().position(|scripted| path.ends_with(scripted.path))?;
        Some(desk.scripted.remove(n))
    }

    /// A verification comes by the way that everything else comes.
    fn verify(&self, asked: &Value) -> Response<Body> {
        if !self.manners().verifies {
            return bare(204);
        }
        let event = match asked.get("state") {
            Some(state) => json!({ "state": state }),
            None => json!({}),
        };
        let jti = {
            let mut desk = self.desk();
            desk.next += 1;
            format!("verification-{}", desk.next)
        };
        let claims = self.about_stream(&jti, "verification", event);
        let config = self.config();
        if config["delivery"]["method"] == "urn:ietf:rfc:8935" {
            let this = self.clone();
            tokio::spawn(async move { this.push(&Self::sign(&claims)).await });
        } else {
            self.emit(&claims);
        }
        bare(204)
    }

    /// Pushes a token to where the stream says; gives the status of the answer.
    pub(crate) async fn push(&self, token: &str) -> u16 {
        let delivery = self.config()["delivery"].clone();
        let mut push = self
            .0
            .http
            .post(delivery["endpoint_url"].as_str().unwrap())
            .header("content-type", "application/secevent+jwt")
            .body(token.to_owned());
        if let Some(header) = delivery["authorization_header"].as_str() {
            push = push.header("authorization", header);
        }
        push.send().await.map_or(0, |answer| answer.status().as_u16())
    }

    async fn poll(&self, id: &str, asked: &Value) -> Response<Body> {
        let manners = self.manners();
        if !manners.takes_acks && (!asked["ack"].is_null() || !asked["setErrs"].is_null()) {
            return plain(503, &Value::Null);
        }
        if asked["maxEvents"].as_u64().is_some_and(|most| most > manners.most_events) {
            return plain(400, &Value::Null);
        }
        let names: Vec<String> = asked["ack"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|jti| jti.as_str().unwrap().to_owned())
            .collect();
        {
            let mut desk = self.desk();
            let Some(stream) = desk.streams.get_mut(id) else {
                return plain(404, &Value::Null);
            };
            let errs: Vec<(String, Value)> = asked["setErrs"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(jti, err)| (jti.clone(), err.clone()))
                .collect();
            if manners.heeds_acks {
                stream
                    .queue
                    .retain(|(jti, _)| !names.contains(jti) && !errs.iter().any(|(bad, _)| bad == jti));
            }
            stream.acked.extend(names);
            stream.errs.extend(errs);
        }
        let most = usize::try_from(asked["maxEvents"].as_u64().unwrap_or(100)).unwrap();
        let answer = |desk: &Desk| {
            let queue = &desk.streams.get(id)?.queue;
            let sets: BTreeMap<&String, &Value> = queue.iter().take(most).map(|(jti, token)| (jti, token)).collect();
            Some((sets.is_empty(), json!({"sets": sets, "moreAvailable": queue.len() > most})))
        };
        let now = asked["returnImmediately"] == true || most == 0;
        let deadline = tokio::time::Instant::now() + if now { Duration::ZERO } else { manners.hold };
        loop {
            let came = self.0.came.notified();
            match answer(&self.desk()) {
                None => return plain(404, &Value::Null),
                Some((empty, sets)) if !empty || tokio::time::Instant::now() >= deadline => return plain(200, &sets),
                Some(_) => {}
            }
            let _ = tokio::time::timeout_at(deadline, came).await;
        }
    }
}

async fn serve(this: Transmitter, listener: TcpListener) {
    loop {
        let (line, _) = listener.accept().await.unwrap();
        let this = this.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let this = this.clone();
            async move { Ok::<_, Infallible>(this.answer(request.map(Body::new)).await) }
        });
        tokio::spawn(async move { http1::Builder::new().serve_connection(TokioIo::new(line), service).await });
    }
}

fn plain(status: u16, body: &Value) -> Response<Body> {
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    answer
}

fn bare(status: u16) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
}

/// The members of `over` in the place of those of `under`; one that is null goes.
fn merged(mut under: Value, over: &Value) -> Value {
    for (name, value) in over.as_object().into_iter().flatten() {
        if value.is_null() {
            under.as_object_mut().unwrap().remove(name);
        } else {
            under[name] = value.clone();
        }
    }
    under
}
