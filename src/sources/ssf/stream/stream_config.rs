//! One stream as the config wants it: what its push endpoint, its supervisor and the commands share.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::stream_state::{StreamState, StreamStatus, VerificationRequest};
use crate::clock::Clock;
use crate::http::{self, Bounds};
use crate::model::{Alarm, AlarmKind, Delivery, Disposition};
use crate::sources::ssf::endpoint::answer::{malformed, refusal};
use crate::sources::ssf::endpoint::request_checks::RequestChecks;
use crate::sources::ssf::tokens::stream_events::{StreamEvent, unasked};
use crate::sources::ssf::tokens::token_reader::TokenReader;
use crate::sources::ssf::transmitter::access_token::AccessToken;
use crate::sources::ssf::transmitter::management::{Management, StreamRequest};
use crate::sources::ssf::transmitter::metadata::{Discovery, Method, Transmitter};
use crate::sources::{Rejection, RejectionKind, SourceState};

/// How long a transmitter's metadata is used before it is asked for again.
const METADATA_AGE: Duration = Duration::from_hours(1);
/// How long it is not asked for after it could not be had.
const METADATA_PAUSE: Duration = Duration::from_secs(15);
/// How long a sender waits when our store cannot be read.
const OUR_TROUBLE: Duration = Duration::from_secs(5);

/// How long a transmitter may hold a poll before our client gives up: a minute is usual, and half of one more is for the way. Whatever
/// else is asked has a bound of its own.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(5),
    read: Duration::from_secs(90),
    total: Duration::from_secs(90),
};

/// What the config wants of a stream.
pub(in crate::sources::ssf) struct StreamConfig {
    /// How tokens are to come.
    pub(in crate::sources::ssf) method: Method,
    /// For push: our endpoint's address.
    pub(in crate::sources::ssf) endpoint: Option<String>,
    /// For push: the checks at our endpoint.
    pub(in crate::sources::ssf) request_checks: RequestChecks,
    /// For push: the header that the transmitter is told to send.
    pub(in crate::sources::ssf) authorization: Option<SecretString>,
    /// The event types to ask for.
    pub(in crate::sources::ssf) events: Vec<String>,
    /// What the stream is called at the transmitter.
    pub(in crate::sources::ssf) description: String,
    /// How often it is asked to prove that it is alive.
    pub(in crate::sources::ssf) verify_every: Duration,
    /// The most tokens of one poll.
    pub(in crate::sources::ssf) max_events: u32,
    /// Whether a poll waits at the transmitter.
    pub(in crate::sources::ssf) long_poll: bool,
    /// How long to wait between two polls that do not.
    pub(in crate::sources::ssf) poll_every: Duration,
}

/// One stream of one transmitter.
pub struct Stream {
    pub(in crate::sources::ssf) name: String,
    pub(in crate::sources::ssf) reader: TokenReader,
    pub(in crate::sources::ssf) discovery: Discovery,
    pub(in crate::sources::ssf) access_token: AccessToken,
    pub(in crate::sources::ssf) config: StreamConfig,
    pub(in crate::sources::ssf) clock: Clock,
    pub(in crate::sources::ssf) client: reqwest::Client,
    cache: Mutex<TransmitterCache>,
}

/// What is known of the transmitter.
#[derive(Default)]
struct TransmitterCache {
    /// Its metadata, and since when.
    metadata: Option<(Arc<Transmitter>, Instant)>,
    /// When it could not be had last.
    failed: Option<Instant>,
}

impl Stream {
    pub(in crate::sources::ssf) fn new(
        name: &str,
        reader: TokenReader,
        discovery: Discovery,
        access_token: AccessToken,
        config: StreamConfig,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            reader,
            discovery,
            access_token,
            config,
            clock,
            client: http::client(BOUNDS)?,
            cache: Mutex::default(),
        })
    }

    /// The transmitter, as it last described itself.
    pub(in crate::sources::ssf) async fn transmitter(&self) -> anyhow::Result<Arc<Transmitter>> {
        let mut cache = self.cache.lock().await;
        if let Some((transmitter, at)) = cache.metadata.as_ref()
            && at.elapsed() < METADATA_AGE
        {
            return Ok(Arc::clone(transmitter));
        }
        // Tokens wait while it is asked for, so one look may not wait for it several times.
        let failed = cache.failed.is_some_and(|at| at.elapsed() < METADATA_PAUSE);
        anyhow::ensure!(!failed, "the transmitter's metadata could not be had a moment ago");
        match self.discovery.transmitter(&self.client).await {
            Ok(transmitter) => {
                let transmitter = Arc::new(transmitter);
                cache.metadata = Some((Arc::clone(&transmitter), Instant::now()));
                Ok(transmitter)
            }
            Err(error) => {
                cache.failed = Some(Instant::now());
                Err(error)
            }
        }
    }

    /// Asks for the transmitter's metadata anew next time: its endpoints may have moved.
    pub(in crate::sources::ssf) async fn look_again(&self) {
        self.cache.lock().await.metadata = None;
    }

    /// The client of the management API.
    pub(in crate::sources::ssf) fn management<'a>(&'a self, transmitter: &'a Transmitter) -> Management<'a> {
        Management {
            transmitter,
            access_token: &self.access_token,
            client: &self.client,
        }
    }

    /// What is asked for when the stream is made.
    pub(in crate::sources::ssf) fn wanted(&self) -> StreamRequest<'_> {
        StreamRequest {
            method: self.config.method,
            endpoint: self.config.endpoint.as_deref(),
            authorization: self.config.authorization.as_ref(),
            events: &self.config.events,
            description: &self.config.description,
        }
    }

    /// Reads a token and takes what it says into `delivery`. What it says about the stream itself is checked against what is remembered;
    /// with a `name`, that must be the token's own.
    ///
    /// # Errors
    /// A refusal with the RFC's code; not now, where the stored state or the issuer's keys cannot be read.
    pub(in crate::sources::ssf) async fn take(
        &self,
        token: &[u8],
        name: Option<&str>,
        own_state: &dyn SourceState,
        delivery: &mut Delivery,
    ) -> Result<(), Rejection> {
        let made = StreamState::recall(own_state).await.map_err(|error| self.forgetful(&error))?;
        let critical = made.as_ref().map_or(&[][..], |made| &made.critical);
        let token = self.reader.read(token, critical, delivery.received_at).await?;
        if name.is_some_and(|name| name != token.jti) {
            return Err(malformed("the token stands under another name than its jti"));
        }
        let mut signal = token.signal;
        delivery.renamed.extend(token.renamed);
        match token.stream_event {
            Some(StreamEvent::Verification { state: Some(state) }) => {
                let asked = VerificationRequest::recall(own_state, &state)
                    .await
                    .map_err(|error| self.forgetful(&error))?;
                let asked = asked.ok_or_else(unasked)?;
                // The same answer may come again, and is answered as the first time.
                if asked.answered_at.is_none() {
                    let answered = asked.answered(&state, delivery.received_at);
                    delivery
                        .state_changes
                        .extend(answered.map_err(|error| self.forgetful(&error))?);
                    delivery.alarms.push(over(AlarmKind::StreamSilent));
                    delivery.verified = true;
                }
            }
            Some(StreamEvent::Updated { stream, status }) => {
                if made.is_some_and(|made| stream.is_some_and(|stream| stream != made.id)) {
                    signal.disposition =
                        Disposition::Ignore("other_stream: the event is about a stream that is not this one".to_owned());
                } else {
                    let status = StreamStatus { status, reason: None };
                    if status.is_enabled() {
                        delivery.alarms.push(over(AlarmKind::StreamStopped));
                    }
                    delivery
                        .state_changes
                        .push(status.keep().map_err(|error| self.forgetful(&error))?);
                }
            }
            Some(StreamEvent::Verification { state: None }) | None => {}
        }
        delivery.signals.push(signal);
        Ok(())
    }

    fn forgetful(&self, error: &anyhow::Error) -> Rejection {
        tracing::error!(
            source = self.name,
            error = format!("{error:#}"),
            "could not read, or keep, what is remembered of a stream"
        );
        refusal(RejectionKind::NotNow(OUR_TROUBLE), "not_stored", "try again later")
    }
}

/// An alarm that is over.
pub(in crate::sources::ssf) fn over(kind: AlarmKind) -> Alarm {
    Alarm {
        kind,
        about: None,
        summary: None,
    }
}

/// An alarm that is raised.
pub(in crate::sources::ssf) fn raised(kind: AlarmKind, summary: String) -> Alarm {
    Alarm {
        kind,
        about: None,
        summary: Some(summary),
    }
}

/// What a verification is asked for with: 128 bits that nobody can guess.
///
/// # Errors
/// Where the system has no randomness to give.
pub(in crate::sources::ssf) fn new_state() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system has no randomness to give"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
