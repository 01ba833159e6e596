//! Makes a stream, or takes over the one that there is; and what else an operator asks of a transmitter.

use ::http::StatusCode;
use anyhow::Context as _;
use serde_json::Value;

use super::stream_config::{Stream, new_state};
use super::stream_state::{StreamState, VerificationRequest};
use crate::model::MemoStep;
use crate::sources::SourceState;
use crate::sources::ssf::transmitter::management::{Management, ManagementError, StreamDescription};
use crate::sources::ssf::transmitter::metadata::{Method, Transmitter};

/// How a stream came to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectOutcome {
    /// It was made.
    StreamState,
    /// It was there, and is as the config wants it.
    Finding,
    /// It was there, and was changed.
    Changed,
    /// It was there, could not be changed, and was made anew.
    MadeAnew,
}

impl ConnectOutcome {
    /// A word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::StreamState => "made",
            Self::Finding => "found",
            Self::Changed => "changed",
            Self::MadeAnew => "made anew",
        }
    }
}

/// Something about a stream that an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether no token will be taken as things are.
    pub fatal: bool,
    /// What it is, and what to do.
    pub what: String,
}

/// A stream that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// How it came to be.
    pub way: ConnectOutcome,
    /// What is to be remembered.
    pub made: StreamState,
    /// The event types that were asked for and will not come.
    pub missing: Vec<String>,
    /// What an operator should know.
    pub found: Vec<Finding>,
}

impl Stream {
    /// Makes the stream, or takes over the one that there is. What is in [`Connected::made`] is to be stored.
    ///
    /// # Errors
    /// What the transmitter said, or what is wrong with the stream that it made.
    pub async fn connect(&self, own_state: &dyn SourceState) -> anyhow::Result<Connected> {
        let transmitter = self.discovery.transmitter(&self.client).await?;
        let method = self.config.method;
        if let Some(methods) = &transmitter.methods {
            anyhow::ensure!(
                methods.contains(&method),
                "the transmitter does not offer delivery by {}; set delivery to the other",
                method.word()
            );
        }
        let management = self.management(&transmitter);
        let (way, stream) = match StreamState::recall(own_state).await? {
            Some(made) => self.again(&management, &made.id).await?,
            None => self.first(&management).await?,
        };
        self.judged(&transmitter, way, stream)
    }

    /// Makes a stream; where there is one, takes that.
    async fn first(&self, management: &Management<'_>) -> anyhow::Result<(ConnectOutcome, StreamDescription)> {
        match management.create(&self.wanted()).await {
            Ok(stream) => Ok((ConnectOutcome::StreamState, stream)),
            Err(trouble) if trouble.status() == Some(StatusCode::CONFLICT) => {
                let there = self.ours_of(management.read_all().await?)?;
                self.adopt(management, there).await
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Takes up the stream that we made before.
    async fn again(&self, management: &Management<'_>, id: &str) -> anyhow::Result<(ConnectOutcome, StreamDescription)> {
        match management.read(id).await {
            Ok(stream) => self.adopt(management, stream).await,
            Err(trouble) if trouble.status() == Some(StatusCode::NOT_FOUND) => self.first(management).await,
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// The stream that is ours among those that there are.
    fn ours_of(&self, mut streams: Vec<StreamDescription>) -> anyhow::Result<StreamDescription> {
        let ours = streams.iter().position(|stream| self.fits(stream));
        match (ours, streams.len()) {
            (Some(n), _) => Ok(streams.swap_remove(n)),
            // A transmitter with room for one says that it is ours.
            (None, 1) => Ok(streams.swap_remove(0)),
            (None, 0) => anyhow::bail!("the transmitter says that there is a stream for us already, and lists none"),
            (None, _) => {
                let ids: Vec<&str> = streams.iter().map(|stream| stream.id.as_str()).collect();
                anyhow::bail!(
                    "the transmitter makes no more streams for us, and none of those that there are is for this source: {}; delete one there",
                    ids.join(", ")
                )
            }
        }
    }

    /// Whether a stream comes as the config wants it.
    fn fits(&self, stream: &StreamDescription) -> bool {
        stream.method == Some(self.config.method)
            && (self.config.method == Method::Poll || stream.endpoint.as_deref() == self.config.endpoint.as_deref())
    }

    /// Makes a stream that there is what the config wants: PATCH, else PUT, else anew.
    async fn adopt(
        &self,
        management: &Management<'_>,
        stream: StreamDescription,
    ) -> anyhow::Result<(ConnectOutcome, StreamDescription)> {
        let asked: &[String] = &self.config.events;
        let all_come = asked.iter().all(|event| stream.requested.contains(event));
        // What header a transmitter was told to send it does not tell, so a pushed stream is set again.
        if self.config.method == Method::Poll && self.fits(&stream) && all_come {
            return Ok((ConnectOutcome::Finding, stream));
        }
        let wanted = self.wanted();
        let mut changed = management.update(&stream.id, &wanted).await;
        if changed.as_ref().is_err_and(unable) {
            changed = management.replace(&stream.id, &wanted).await;
        }
        match changed {
            Ok(Some(changed)) => Ok((ConnectOutcome::Changed, changed)),
            // To be done later; what is there now is read again.
            Ok(None) => Ok((ConnectOutcome::Changed, management.read(&stream.id).await?)),
            Err(trouble) if unable(&trouble) => {
                management.delete(&stream.id).await?;
                let anew = management.create(&wanted).await;
                Ok((
                    ConnectOutcome::MadeAnew,
                    anew.context("the old stream is deleted, and no new one was made; run connect again")?,
                ))
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Looks whether tokens of the stream will be taken, and what will not come.
    fn judged(&self, transmitter: &Transmitter, way: ConnectOutcome, stream: StreamDescription) -> anyhow::Result<Connected> {
        let name = &self.name;
        let issuer = &self.reader.issuer.name;
        // A stream of another issuer would be a stream of other keys (SSF 1.0 section 8.1.1.1).
        anyhow::ensure!(
            stream.iss.as_ref().is_none_or(|iss| iss == issuer),
            "the transmitter made a stream whose issuer is not {issuer}; it is not used"
        );
        let method = self.config.method;
        anyhow::ensure!(
            stream.method.is_none_or(|theirs| theirs == method),
            "the transmitter made a stream with the other delivery method"
        );
        let mut found = Vec::new();
        let mut say = |fatal, what: String| found.push(Finding { fatal, what });
        if method == Method::Poll {
            let endpoint = stream.endpoint.as_deref();
            let endpoint = endpoint.context("the transmitter made a stream and does not say where it is polled")?;
            self.discovery.allowed(endpoint)?;
        }
        let aud: Vec<Value> = stream.aud.iter().map(|name| Value::from(name.as_str())).collect();
        if !self.reader.audience.is_named_by(Some(&Value::from(aud))) {
            let written = if stream.aud.is_empty() {
                "nothing".to_owned()
            } else {
                format!("{:?}", stream.aud)
            };
            say(
                true,
                format!("the stream's aud is {written}, so every token would be refused; set audience of source {name} to it"),
            );
        }
        let missing: Vec<String> = self
            .config
            .events
            .iter()
            .filter(|event| !stream.delivered.contains(event))
            .cloned()
            .collect();
        if missing.len() == self.config.events.len() {
            say(
                true,
                "the transmitter delivers none of the event types that were asked for".to_owned(),
            );
        } else if missing.iter().any(|event| event.ends_with("caep/event-type/session-revoked")) {
            say(
                false,
                "session-revoked will not come: nothing will be told of a session ended at the issuer".to_owned(),
            );
        }
        if transmitter.subjects_none {
            say(
                false,
                format!(
                    "the stream is about nobody until subjects are added: revoked source ssf add-subject {name} email:…, or a default at the transmitter"
                ),
            );
        }
        if transmitter.verification.is_none() {
            say(
                false,
                "the transmitter cannot be asked whether the stream is alive: its silence is never noticed".to_owned(),
            );
        }
        if !transmitter.version.starts_with("1_0") {
            say(
                false,
                format!(
                    "the transmitter speaks version {} of SSF, which is not known here",
                    transmitter.version
                ),
            );
        }
        Ok(Connected {
            way,
            made: StreamState::of(stream, method, transmitter.critical.clone(), self.clock.now()),
            missing,
            found,
        })
    }

    /// The stream and its status as the transmitter has them now; no status where it tells none.
    ///
    /// # Errors
    /// What the transmitter said.
    pub async fn as_it_is(&self, made: &StreamState) -> anyhow::Result<(StreamDescription, Option<(String, Option<String>)>)> {
        let transmitter = self.discovery.transmitter(&self.client).await?;
        let management = self.management(&transmitter);
        let stream = management.read(&made.id).await?;
        match management.status(&made.id).await {
            Ok(status) => Ok((stream, Some(status))),
            Err(ManagementError::Absent(_)) => Ok((stream, None)),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Sets the stream's status at the transmitter: `enabled`, `paused` or `disabled`.
    ///
    /// # Errors
    /// What the transmitter said.
    pub async fn set_status(&self, made: &StreamState, status: &str, reason: Option<&str>) -> anyhow::Result<()> {
        let transmitter = self.discovery.transmitter(&self.client).await?;
        Ok(self.management(&transmitter).set_status(&made.id, status, reason).await?)
    }

    /// Deletes the stream at the transmitter. One that it does not know counts as deleted.
    ///
    /// # Errors
    /// What the transmitter said.
    pub async fn disconnect(&self, made: &StreamState) -> anyhow::Result<()> {
        let transmitter = self.discovery.transmitter(&self.client).await?;
        match self.management(&transmitter).delete(&made.id).await {
            Err(trouble) if trouble.status() != Some(StatusCode::NOT_FOUND) => Err(trouble.into()),
            _ => Ok(()),
        }
    }

    /// Adds a subject (RFC 9493) to the stream.
    ///
    /// # Errors
    /// What the transmitter said.
    pub async fn add_subject(&self, made: &StreamState, subject: &Value) -> anyhow::Result<()> {
        let transmitter = self.discovery.transmitter(&self.client).await?;
        Ok(self.management(&transmitter).add_subject(&made.id, subject).await?)
    }

    /// Takes a subject out of the stream.
    ///
    /// # Errors
    /// What the transmitter said.
    pub async fn remove_subject(&self, made: &StreamState, subject: &Value) -> anyhow::Result<()> {
        let transmitter = self.discovery.transmitter(&self.client).await?;
        Ok(self.management(&transmitter).remove_subject(&made.id, subject).await?)
    }

    /// Prepares a verification: its state, and the steps to store before [`Stream::ask`].
    ///
    /// # Errors
    /// Where the stored state cannot be read.
    pub async fn new_question(&self, own_state: &dyn SourceState) -> anyhow::Result<(String, Vec<MemoStep>)> {
        let state = new_state()?;
        let steps = VerificationRequest::first(own_state, &state, self.clock.now()).await?;
        Ok((state, steps))
    }

    /// Asks for the verification that was prepared.
    ///
    /// # Errors
    /// What the transmitter said.
    pub async fn ask(&self, made: &StreamState, state: &str) -> Result<(), ManagementError> {
        let doing = "asking for a verification";
        let transmitter = self.discovery.transmitter(&self.client).await;
        let transmitter = transmitter.map_err(|error| ManagementError::Unreachable { doing, error })?;
        self.management(&transmitter).verify(&made.id, state).await
    }
}

/// Whether the transmitter cannot do it at all.
fn unable(trouble: &ManagementError) -> bool {
    let unable = [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED];
    trouble.status().is_some_and(|status| unable.contains(&status))
}
