//! One question to the program: it is run for it, within its limits, and what is not an answer by the contract is an error.

use std::time::Duration;

use anyhow::{Context as _, anyhow};

use super::contract::{Answer, Ask, Failed, Question, Then, VERSION};
use crate::bounded_program::{Program, RunError};
use crate::targets::retry_after::{LONGEST_WAIT, SHORTEST_WAIT};
use crate::targets::{CallContext, Remedy, TargetError};
use crate::telemetry::sanitized;

/// How long to wait where the program is limited and names no time.
const WAIT: Duration = Duration::from_mins(1);

/// How much of a sentence is kept.
const SENTENCE: usize = 500;

/// Asks the program.
pub(super) struct Conversation {
    program: Program,
}

impl Conversation {
    pub(super) const fn new(program: Program) -> Self {
        Self { program }
    }

    /// Asks, and reads the answer.
    pub(super) async fn ask<A: Answer>(&self, context: &CallContext, doing: &str, ask: &Ask<'_>) -> Result<A, TargetError> {
        let fail = |remedy, source| TargetError {
            doing: doing.to_owned(),
            remedy,
            source,
            request: None,
        };
        let question = Question { revoked: VERSION, ask };
        let mut input = serde_json::to_vec(&question).map_err(|error| fail(Remedy::GiveUp, error.into()))?;
        input.push(b'\n');
        let output = {
            let _permit = context.permit().await;
            self.program.run(&input).await
        };
        let output = output.map_err(|error| {
            // Whatever is asked, it will not start.
            let remedy = if matches!(error, RunError::Start { .. }) {
                Remedy::Pause
            } else {
                Remedy::Retry
            };
            fail(remedy, anyhow::Error::new(error).context("the program gave no answer"))
        })?;
        if output.code != 0 {
            let said = if output.said.is_empty() { "nothing" } else { &output.said };
            let error = anyhow!(
                "the program ended with code {} and said: {said}; whatever went wrong, it has to answer and end with 0",
                output.code
            );
            return Err(fail(Remedy::Retry, error));
        }
        let check_version = |version: u32| {
            if version == VERSION {
                return Ok(());
            }
            let error = anyhow!("it answers by version {version} of the contract, and {VERSION} was asked for");
            Err(fail(Remedy::Pause, error))
        };
        if let Ok(failed) = serde_json::from_slice::<Failed>(&output.stdout) {
            check_version(failed.version())?;
            return Err(fail(
                remedy_of(&failed),
                anyhow!("the program says: {}", sentence(&failed.error.what)),
            ));
        }
        let answer: A = serde_json::from_slice(&output.stdout)
            .map_err(|error| anyhow!("{}", told(&error)))
            .context("the answer is not one by the contract in docs/targets/exec.md")
            .map_err(|error| fail(Remedy::Retry, error))?;
        check_version(answer.version())?;
        Ok(answer)
    }

    /// The error for an answer that is one by its form and cannot be so.
    pub(super) fn misunderstood(&self, doing: String, source: anyhow::Error) -> TargetError {
        let name = self.program.path.display();
        TargetError {
            doing,
            remedy: Remedy::Retry,
            source: source.context(format!("the answer of {name} is not believed")),
            request: None,
        }
    }
}

fn remedy_of(failed: &Failed) -> Remedy {
    match failed.error.then {
        Then::Retry => Remedy::Retry,
        Then::RetryAfter => {
            let wait = failed.error.seconds.map_or(WAIT, Duration::from_secs);
            Remedy::RetryAfter(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
        }
        Then::Pause => Remedy::Pause,
        Then::GiveUp => Remedy::GiveUp,
    }
}

/// A sentence of the program's, made harmless.
pub(super) fn sentence(text: &str) -> String {
    sanitized(text.trim(), SENTENCE)
}

/// What is wrong with an answer: names of members are told, values are not, since they may be anything.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let named = ["unknown field", "unknown variant", "missing field", "duplicate field"];
    if error.is_eof() {
        "it is empty, or ends too early".to_owned()
    } else if named.iter().any(|start| text.starts_with(start)) {
        sanitized(&text, SENTENCE)
    } else if error.is_data() {
        format!(
            "a value has the wrong form (line {}, column {})",
            error.line(),
            error.column()
        )
    } else {
        format!("it is not one JSON object (line {}, column {})", error.line(), error.column())
    }
}
