//! The intruder: uses each stolen thing every 50 ms over real HTTP, and gets in again by every way that a stolen thing allows.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::people::{People, Stolen};
use super::{Progress, ProgressSender};
use crate::clock::Clock;
use crate::http::{Bounds, client, read_body};
use crate::model::Timestamp;

/// How often each stolen thing is used.
const EVERY: Duration = Duration::from_millis(50);
/// The largest answer that the intruder reads.
const ANSWER_CAP: usize = 64 * 1024;

/// A stolen thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StolenCredential {
    /// A signed-in session, and the password behind it.
    Session,
    /// A personal access token.
    AccessToken,
    /// An OAuth refresh token, with the app's own secret.
    RefreshToken,
}

impl StolenCredential {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Session, Self::AccessToken, Self::RefreshToken];
}

impl fmt::Display for StolenCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session => "stolen session",
            Self::AccessToken => "stolen access token",
            Self::RefreshToken => "stolen refresh token",
        })
    }
}

/// One call of the intruder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    /// When it was sent.
    pub(super) sent: Timestamp,
    /// Whether it was to get in again (a login, a refresh) and not to use what is there.
    pub(super) regains: bool,
    /// The answer's status; 0 where none came.
    pub(super) status: u16,
}

impl Call {
    pub(super) fn is_ok(&self) -> bool {
        self.status == 200
    }
}

/// Every call, by what was used.
#[derive(Debug, Clone, Default)]
pub(super) struct CallRecord(BTreeMap<StolenCredential, Vec<Call>>);

impl CallRecord {
    pub(super) fn of(&self, credential: StolenCredential) -> &[Call] {
        self.0.get(&credential).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The intruder at work.
pub(super) struct Intruder {
    record: Arc<Mutex<CallRecord>>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Intruder {
    /// Sets the intruder to work, with a client of its own for each stolen thing.
    pub(super) fn start(server: &str, people: &People, clock: &Clock, progress: &ProgressSender) -> anyhow::Result<Self> {
        let intruder = Self {
            record: Arc::default(),
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
        };
        for credential in StolenCredential::ALL {
            let user = CredentialUser {
                credential,
                server: server.to_owned(),
                stolen: people.stolen.clone(),
                bearer: match credential {
                    StolenCredential::Session => people.stolen.session.clone(),
                    StolenCredential::AccessToken => people.stolen.access_token.clone(),
                    // Nothing yet: the first thing to do with a refresh token is to use it.
                    StolenCredential::RefreshToken => String::new(),
                },
                client: client(Bounds::default())?,
                clock: clock.clone(),
                progress: progress.clone(),
                record: Arc::clone(&intruder.record),
                out: false,
                locked_out: false,
                counts: (0, 0),
            };
            intruder.tracker.spawn(user.work(intruder.stop.clone()));
        }
        intruder.tracker.close();
        Ok(intruder)
    }

    /// Lets the intruder work undisturbed until each stolen thing was used so often.
    pub(super) async fn at_ease(&self, uses: usize) {
        while self.least_used_since(Timestamp::from_ms(0)) < uses {
            tokio::time::sleep(EVERY).await;
        }
    }

    /// How often the stolen thing that was used least was used since `since`.
    pub(super) fn least_used_since(&self, since: Timestamp) -> usize {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let used = |credential| {
            record
                .of(credential)
                .iter()
                .filter(|call| call.sent >= since && !call.regains)
                .count()
        };
        StolenCredential::ALL.into_iter().map(used).min().unwrap_or_default()
    }

    /// Ends the intruder's work; what is under way is awaited and counts.
    pub(super) async fn stop(self) -> CallRecord {
        self.stop.cancel();
        self.tracker.wait().await;
        std::mem::take(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Uses one stolen credential.
struct CredentialUser {
    credential: StolenCredential,
    server: String,
    stolen: Stolen,
    bearer: String,
    client: reqwest::Client,
    clock: Clock,
    progress: ProgressSender,
    record: Arc<Mutex<CallRecord>>,
    /// Whether it has been thrown out.
    out: bool,
    /// Whether the newest attempt to get in again has failed.
    locked_out: bool,
    /// Calls answered as asked, and calls refused.
    counts: (u64, u64),
}

impl CredentialUser {
    async fn work(mut self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if self.credential == StolenCredential::RefreshToken {
            self.refresh().await;
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let status = self.look().await;
            if status == 401 {
                self.get_in_again().await;
            }
        }
    }

    /// Reads the victim's own account: what anybody who is signed in may do.
    async fn look(&mut self) -> u16 {
        let request = self
            .client
            .get(format!("{}/api/v4/users/me", self.server))
            .bearer_auth(&self.bearer);
        let (status, _, _) = self.send(request, false).await;
        status
    }

    async fn get_in_again(&mut self) {
        match self.credential {
            StolenCredential::Session => self.log_in().await,
            StolenCredential::RefreshToken => self.refresh().await,
            // A token cannot be made again without a session.
            StolenCredential::AccessToken => {}
        }
    }

    async fn log_in(&mut self) {
        let body = serde_json::json!({ "login_id": self.stolen.username, "password": self.stolen.password });
        let request = self.client.post(format!("{}/api/v4/users/login", self.server)).json(&body);
        if let (200, Some(token), _) = self.send(request, true).await {
            self.bearer = token;
        }
    }

    async fn refresh(&mut self) {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", &self.stolen.client_id),
            ("client_secret", &self.stolen.client_secret),
            ("refresh_token", &self.stolen.refresh_token),
        ];
        let request = self.client.post(format!("{}/oauth/access_token", self.server)).form(&form);
        let (status, _, body) = self.send(request, true).await;
        let text = |member: &str| body.get(member).and_then(serde_json::Value::as_str).map(str::to_owned);
        if let (200, Some(access), Some(refresh)) = (status, text("access_token"), text("refresh_token")) {
            self.bearer = access;
            self.stolen.refresh_token = refresh;
        }
    }

    /// Sends a call and keeps it. Gives the status, the `Token` header and the JSON of the answer.
    async fn send(&mut self, request: reqwest::RequestBuilder, regains: bool) -> (u16, Option<String>, serde_json::Value) {
        let sent = self.clock.now();
        let mut answer = (0, None, serde_json::Value::Null);
        if let Ok(response) = request.send().await {
            let token = response.headers().get("token").and_then(|value| value.to_str().ok());
            answer = (response.status().as_u16(), token.map(str::to_owned), answer.2);
            if let Ok(body) = read_body(response, ANSWER_CAP).await {
                answer.2 = serde_json::from_slice(&body).unwrap_or_default();
            }
        }
        let call = Call {
            sent,
            regains,
            status: answer.0,
        };
        self.record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .entry(self.credential)
            .or_default()
            .push(call);
        self.show(call);
        answer
    }

    fn show(&mut self, call: Call) {
        if call.is_ok() {
            self.counts.0 += 1;
        } else {
            self.counts.1 += 1;
        }
        self.progress.send(Progress::StolenCredential {
            credential: self.credential,
            ok: self.counts.0,
            refused: self.counts.1,
            status: call.status,
        });
        if call.regains {
            return self.tell_of_regaining(call);
        }
        match (call.is_ok(), self.out) {
            (false, false) => {
                self.out = true;
                self.progress.line(format!(
                    "the {} gets {} after {} calls that worked",
                    self.credential, call.status, self.counts.0
                ));
            }
            (true, true) => {
                self.out = false;
                self.progress.line(format!("the {} works again", self.credential));
            }
            _ => {}
        }
    }

    /// Tells when getting in again works, and once when it no longer does. The first use of a refresh token is not worth a line.
    fn tell_of_regaining(&mut self, call: Call) {
        let what = match self.credential {
            StolenCredential::Session => "the stolen password",
            StolenCredential::AccessToken | StolenCredential::RefreshToken => "the refresh token itself",
        };
        if call.is_ok() && self.out {
            self.progress.line(format!("the intruder gets in again with {what}"));
        } else if !call.is_ok() && !self.locked_out {
            self.progress
                .line(format!("the intruder tries {what}, over and over: {}", call.status));
        }
        self.locked_out = !call.is_ok();
    }
}
