//! Who we are at the target: the account that must never be acted on.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::client::{Call, Outcome};
use super::session::Session;
use super::values::Values;
use crate::targets::{CallContext, TargetError};

/// How long it is believed.
const FRESH: Duration = Duration::from_mins(1);

/// Our own account's id, as the config says it or as the target said it last.
#[derive(Default)]
pub(super) struct OwnAccount {
    configured: Option<String>,
    asked: Mutex<Option<(Instant, String)>>,
}

impl OwnAccount {
    /// What the config says, where it says anything.
    pub(super) fn new(configured: Option<String>) -> Self {
        Self {
            configured,
            asked: Mutex::default(),
        }
    }

    /// What the config says.
    pub(super) fn configured(&self) -> Option<&str> {
        self.configured.as_deref()
    }

    /// Our own account's id. `None` where the credential is no account's: for any other the settings demand it where the description cannot ask.
    pub(super) async fn id(&self, session: &Session, context: &CallContext) -> Result<Option<String>, TargetError> {
        match &self.configured {
            Some(id) => Ok(Some(id.clone())),
            None => self.asked(session, context).await,
        }
    }

    /// What the target says, where the description can ask.
    pub(super) async fn asked(&self, session: &Session, context: &CallContext) -> Result<Option<String>, TargetError> {
        let Some(reading) = &session.client.description.ourselves else {
            return Ok(None);
        };
        if let Some((at, id)) = &*self.asked.lock().unwrap_or_else(PoisonError::into_inner)
            && at.elapsed() < FRESH
        {
            return Ok(Some(id.clone()));
        }
        let doing = "asking who we are";
        let outcome = session
            .send(context, &Call::new(doing, &reading.request, Values::default()))
            .await?;
        let answer = match outcome {
            Outcome::Success(answer) => answer,
            other => other.success(doing)?,
        };
        let id = reading.at.text(&answer.body);
        let id = id.ok_or_else(|| answer.not_understood(format!("it names nobody at {}", reading.at)))?;
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), id.clone()));
        Ok(Some(id))
    }

    /// Forgets what the target said.
    pub(super) fn forget(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
