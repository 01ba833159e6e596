//! The streams that the provider keeps (SSF 1.0 section 8): how each is delivered, and what waits in the one that is polled.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::audience;

/// Delivery by push (RFC 8935).
pub(super) const PUSH: &str = "urn:ietf:rfc:8935";
/// Delivery by poll (RFC 8936).
pub(super) const POLL: &str = "urn:ietf:rfc:8936";

/// How long a poll is held when nothing waits.
const HELD: Duration = Duration::from_secs(5);
/// How long a token may wait for its acknowledgement.
const PATIENCE: Duration = Duration::from_mins(1);

/// Every stream.
#[derive(Default)]
pub(super) struct Streams {
    all: Mutex<Vec<Stream>>,
    /// Told when a token is offered or acknowledged.
    changed: Notify,
}

struct Stream {
    id: String,
    config: Value,
    /// Tokens by their `jti`, oldest first.
    waiting: Vec<(String, String)>,
    acknowledged: BTreeSet<String>,
}

impl Streams {
    /// Makes a stream as its receiver wants it.
    pub(super) fn make(&self, issuer: &str, wanted: Value) -> Value {
        let mut all = self.lock();
        let id = format!("stream-{}", all.len() + 1);
        let mut config = wanted;
        config["stream_id"] = id.as_str().into();
        config["iss"] = issuer.into();
        let polled = config["delivery"]["method"] == POLL;
        config["aud"] = json!([audience(if polled { "poll" } else { "push" })]);
        config["events_delivered"] = config["events_requested"].clone();
        if polled {
            config["delivery"]["endpoint_url"] = format!("{issuer}/ssf/poll/{id}").into();
        }
        all.push(Stream {
            id,
            config: config.clone(),
            waiting: Vec::new(),
            acknowledged: BTreeSet::new(),
        });
        config
    }

    /// A stream as it is.
    pub(super) fn read(&self, id: &str) -> Option<Value> {
        self.with(|stream| stream.id == id, |stream| stream.config.clone())
    }

    /// One poll: takes in what is acknowledged, and gives what waits.
    pub(super) async fn poll(&self, id: &str, asked: &Value) -> Option<Value> {
        let names = asked["ack"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let names: BTreeSet<String> = names.map(str::to_owned).collect();
        let took = self.with(
            |stream| stream.id == id,
            |stream| {
                stream.waiting.retain(|(jti, _)| !names.contains(jti));
                stream.acknowledged.extend(names.iter().cloned());
            },
        );
        took?;
        if !names.is_empty() {
            self.changed.notify_waiters();
        }
        let none = asked["maxEvents"] == 0;
        let held = !none && asked["returnImmediately"] != true;
        let changed = self.changed.notified();
        if held && self.waiting(id).is_empty() {
            // Late or not, what waits then is the answer.
            let _ = tokio::time::timeout(HELD, changed).await;
        }
        let sets = if none { Map::new() } else { self.waiting(id) };
        Some(json!({ "sets": sets }))
    }

    /// Puts a token into the stream that is polled.
    pub(super) fn offer(&self, jti: &str, token: String) -> anyhow::Result<()> {
        let offered = self.with(
            |stream| stream.config["delivery"]["method"] == POLL,
            |stream| stream.waiting.push((jti.to_owned(), token)),
        );
        offered.context("nobody has made a stream that is polled")?;
        self.changed.notify_waiters();
        Ok(())
    }

    /// Returns once a token is acknowledged.
    pub(super) async fn acknowledged(&self, jti: &str) -> anyhow::Result<()> {
        let acknowledged = async {
            loop {
                let changed = self.changed.notified();
                if self.with(|stream| stream.acknowledged.contains(jti), |_| ()).is_some() {
                    return;
                }
                changed.await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, acknowledged).await;
        in_time.with_context(|| format!("no poll has acknowledged the event within {} s", PATIENCE.as_secs()))
    }

    /// Where the stream that is pushed goes, and what is sent as `Authorization`.
    pub(super) fn pushes_to(&self) -> anyhow::Result<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let delivery = self.with(
            |stream| stream.config["delivery"]["method"] == PUSH,
            |stream| {
                let delivery = &stream.config["delivery"];
                (text(&delivery["endpoint_url"]), text(&delivery["authorization_header"]))
            },
        );
        delivery.context("nobody has made a stream that is pushed")
    }

    fn waiting(&self, id: &str) -> Map<String, Value> {
        let waiting = self.with(
            |stream| stream.id == id,
            |stream| {
                let waiting = stream.waiting.iter();
                waiting.map(|(jti, token)| (jti.clone(), token.as_str().into())).collect()
            },
        );
        waiting.unwrap_or_default()
    }

    fn with<T>(&self, which: impl Fn(&Stream) -> bool, look: impl FnOnce(&mut Stream) -> T) -> Option<T> {
        self.lock().iter_mut().find(|stream| which(stream)).map(look)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Stream>> {
        // Nothing between lock and unlock can leave it half-written.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
