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

    /// Our own account's id.
    pub(super) async fn id(&self, session: &Session, context: &CallContext) -> Result<String, TargetError> {
        let reading = match (&self.configured, &session.client.description.ourselves) {
            (Some(id), _) => return Ok(id.clone()),
            (None, Some(reading)) => reading,
            // The settings demand the key where the description cannot ask.
            (None, None) => return Ok(String::new()),
        };
        if let Some((at, id)) = &*self.asked.lock().unwrap_or_else(PoisonError::into_inner)
            && at.elapsed() < FRESH
        {
            return Ok(id.clone());
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
        Ok(id)
    }

    /// Forgets what the target said.
    pub(super) fn forget(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
