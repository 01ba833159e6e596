//! The health of a stream: reads its status, asks for verification events, and raises the alarm where none comes.
//!
//! A quiet stream and a dead one look alike, and only a verification that we asked for tells them apart (SSF 1.0 section 8.1.4). Its state
//! is stored before it is sent, since the answer may come before our request is answered. What is known in memory only is asked again
//! after a restart.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::StatusCode;
use tokio::time::Instant;

use super::stream_config::{Stream, new_state, over, raised};
use super::stream_state::{StreamState, StreamStatus, VerificationRequest};
use crate::model::{Alarm, AlarmKind, Delivery, StateChange, Timestamp};
use crate::sources::SourceState;
use crate::sources::ssf::transmitter::management::ManagementError;

/// How long a transmitter may take to prove that its stream is alive.
pub const PATIENCE: Duration = Duration::from_mins(5);
/// How often the status is read, where the stream's own time is not shorter.
const STATUS_EVERY: Duration = Duration::from_hours(1);
/// A transmitter that wants longer between two verifications is asked sooner all the same.
const LONGEST_INTERVAL: Duration = Duration::from_hours(24);
/// How long to wait after a request that came to nothing.
const AFTER_TROUBLE: Duration = Duration::from_secs(30);

/// What is known of a stream in this life of the daemon.
#[derive(Default)]
pub(in crate::sources::ssf) struct StreamHealth(Mutex<Life>);

#[derive(Default)]
struct Life {
    /// The stream that the rest is about.
    id: String,
    /// When the status is to be read next; `None` for now.
    status_at: Option<Instant>,
    /// When a verification is to be asked for next; `None` for now.
    ask_at: Option<Instant>,
    /// The one that is not answered yet.
    open: Option<Open>,
    /// What last went wrong with the management API.
    trouble: Option<String>,
}

/// A verification that was stored as asked for.
#[derive(Clone)]
struct Open {
    state: String,
    since: Instant,
    asked_at: Timestamp,
    stored: bool,
    sent: bool,
    not_before: Instant,
}

/// What a look found.
#[derive(Default)]
struct Found {
    state_changes: Vec<StateChange>,
    alarms: Vec<Alarm>,
}

impl StreamHealth {
    /// Does what is due. What came of it is to be stored; then [`StreamHealth::stored`] goes on.
    ///
    /// # Errors
    /// Where the stored state cannot be read. Trouble with the transmitter is kept for [`StreamHealth::trouble`].
    pub(in crate::sources::ssf) async fn look(
        &self,
        stream: &Stream,
        made: &StreamState,
        own_state: &dyn SourceState,
    ) -> anyhow::Result<Option<Delivery>> {
        {
            let mut life = self.life();
            if life.id != made.id {
                *life = Life {
                    id: made.id.clone(),
                    ..Life::default()
                };
            }
        }
        let mut found = Found::default();
        self.answered_or_silent(stream, made, own_state, &mut found).await?;
        self.read_status(stream, made, own_state, &mut found).await?;
        self.ask(stream, made, own_state, &mut found).await?;
        self.send(stream).await;
        if found.state_changes.is_empty() && found.alarms.is_empty() {
            return Ok(None);
        }
        let mut delivery = Delivery::of(&stream.name, Vec::new(), stream.clock.now());
        delivery.state_changes = found.state_changes;
        delivery.alarms = found.alarms;
        Ok(Some(delivery))
    }

    /// Goes on after the commit: a verification that is stored as asked for is asked for.
    pub(in crate::sources::ssf) async fn stored(&self, stream: &Stream) {
        if let Some(open) = self.life().open.as_mut() {
            open.stored = true;
        }
        self.send(stream).await;
    }

    /// What last went wrong with the management API, until it goes right.
    pub(in crate::sources::ssf) fn trouble(&self) -> Option<String> {
        self.life().trouble.clone()
    }

    /// Looks whether the open verification was answered; raises the alarm where it was not for too long.
    async fn answered_or_silent(
        &self,
        stream: &Stream,
        made: &StreamState,
        own_state: &dyn SourceState,
        found: &mut Found,
    ) -> anyhow::Result<()> {
        let Some(open) = self.life().open.clone() else {
            return Ok(());
        };
        let asked = VerificationRequest::recall(own_state, &open.state).await?;
        if asked.as_ref().is_some_and(|asked| asked.answered_at.is_some()) {
            self.life().open = None;
        } else if open.since.elapsed() >= PATIENCE {
            let why = if open.sent {
                "has not answered"
            } else {
                "could not be reached"
            };
            let summary = format!(
                "source {}: the stream {} was to prove that it is alive since {} and {why}; quiet means nothing until it does",
                stream.name, made.id, open.asked_at
            );
            found.alarms.push(raised(AlarmKind::StreamSilent, summary));
            let mut life = self.life();
            life.open = None;
            life.ask_at = Some(Instant::now() + least(made));
        }
        Ok(())
    }

    async fn read_status(
        &self,
        stream: &Stream,
        made: &StreamState,
        own_state: &dyn SourceState,
        found: &mut Found,
    ) -> anyhow::Result<()> {
        if self.life().status_at.is_some_and(|at| Instant::now() < at) {
            return Ok(());
        }
        let (now, next) = match self.ask_status(stream, made).await {
            Ok(Some(now)) => {
                // A third, so that two losses in a row do not end the stream.
                let timeout = made.inactivity_timeout.map(|seconds| Duration::from_secs(seconds) / 3);
                (Some(now), timeout.map_or(STATUS_EVERY, |timeout| timeout.min(STATUS_EVERY)))
            }
            Ok(None) => (None, STATUS_EVERY),
            Err(wait) => (None, wait),
        };
        self.life().status_at = Some(Instant::now() + next.max(Duration::from_secs(1)));
        let Some(now) = now else { return Ok(()) };
        if StreamStatus::recall(own_state)
            .await?
            .is_some_and(|before| before.status == now.status)
        {
            return Ok(());
        }
        found.state_changes.push(now.keep()?);
        found.alarms.push(if now.is_enabled() {
            over(AlarmKind::StreamStopped)
        } else {
            raised(AlarmKind::StreamStopped, stopped(stream, &now))
        });
        Ok(())
    }

    /// The status; `None` where the transmitter does not tell it.
    ///
    /// # Errors
    /// How long to wait before asking again.
    async fn ask_status(&self, stream: &Stream, made: &StreamState) -> Result<Option<StreamStatus>, Duration> {
        let asked = match stream.transmitter().await {
            Ok(transmitter) => stream.management(&transmitter).status(&made.id).await,
            Err(error) => Err(ManagementError::Unreachable {
                doing: "reading the stream's status",
                error,
            }),
        };
        let told = match asked {
            Ok((status, reason)) => Some(StreamStatus { status, reason }),
            Err(ManagementError::Absent(_)) => None,
            Err(trouble) if trouble.status() == Some(StatusCode::NOT_FOUND) => Some(gone()),
            Err(trouble) => {
                stream.look_again().await;
                tracing::warn!(source = stream.name, "{trouble}");
                self.life().trouble = Some(trouble.to_string());
                return Err(trouble.wait().unwrap_or(AFTER_TROUBLE));
            }
        };
        self.life().trouble = None;
        Ok(told)
    }

    /// Prepares a verification where one is due.
    async fn ask(&self, stream: &Stream, made: &StreamState, own_state: &dyn SourceState, found: &mut Found) -> anyhow::Result<()> {
        {
            let life = self.life();
            if life.open.is_some() || life.ask_at.is_some_and(|at| Instant::now() < at) {
                return Ok(());
            }
        }
        // A transmitter that cannot be reached is to prove itself all the same; only one that offers no such thing is not asked.
        if stream
            .transmitter()
            .await
            .is_ok_and(|transmitter| transmitter.verification.is_none())
        {
            self.life().ask_at = Some(Instant::now() + STATUS_EVERY);
            return Ok(());
        }
        let state = new_state()?;
        let asked_at = stream.clock.now();
        found
            .state_changes
            .extend(VerificationRequest::first(own_state, &state, asked_at).await?);
        let every = stream.config.verify_every.max(least(made));
        let now = Instant::now();
        let mut life = self.life();
        life.ask_at = Some(now + every);
        life.open = Some(Open {
            state,
            since: now,
            asked_at,
            stored: false,
            sent: false,
            not_before: now,
        });
        Ok(())
    }

    /// Sends the open verification, if it is stored and not sent.
    async fn send(&self, stream: &Stream) {
        let due = {
            let life = self.life();
            let due = life
                .open
                .as_ref()
                .filter(|open| open.stored && !open.sent && open.not_before <= Instant::now());
            due.map(|open| (life.id.clone(), open.state.clone()))
        };
        let Some((id, state)) = due else { return };
        let sent = match stream.transmitter().await {
            Ok(transmitter) => stream.management(&transmitter).verify(&id, &state).await,
            Err(error) => Err(ManagementError::Unreachable {
                doing: "asking for a verification",
                error,
            }),
        };
        let mut life = self.life();
        // Another may have taken its place while we waited for the answer.
        let Some(open) = life.open.as_mut().filter(|open| open.state == state) else {
            return;
        };
        match sent {
            Ok(()) => open.sent = true,
            Err(trouble) => {
                tracing::warn!(source = stream.name, "{trouble}");
                open.not_before = Instant::now() + trouble.wait().unwrap_or(AFTER_TROUBLE);
            }
        }
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        // Nothing between lock and unlock can leave it half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The shortest time between two verifications.
fn least(made: &StreamState) -> Duration {
    let told = made.min_verification_interval.map_or(Duration::ZERO, Duration::from_secs);
    told.clamp(Duration::from_mins(1), LONGEST_INTERVAL)
}

/// The status of a stream that its transmitter does not know.
pub(in crate::sources::ssf) fn gone() -> StreamStatus {
    StreamStatus {
        status: "gone".to_owned(),
        reason: None,
    }
}

/// What to tell the operator about a stream that has stopped.
pub(in crate::sources::ssf) fn stopped(stream: &Stream, status: &StreamStatus) -> String {
    let name = &stream.name;
    if status.status == "gone" {
        return format!("source {name}: the transmitter does not know our stream any more; run revoked source ssf connect {name}");
    }
    let reason = status.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
    format!(
        "source {name}: the transmitter has {} the stream{reason}: it sends nothing; ask there, or run revoked source ssf connect {name}",
        status.status
    )
}
