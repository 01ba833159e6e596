//! The target kind `exec`: a program of the operator's own, asked by JSON on its standard input and answering on its standard output.
//!
//! Reading order: `settings` (what an operator writes), `contract` (what is asked, and what an answer looks like), `conversation` (one question:
//! run, read, refuse what is not understood), `description` (what the program says that it can do), `answers` (what an answer means here).
//! `docs/targets/exec.md` is the contract for whoever writes such a program.

use std::sync::Arc;

use anyhow::anyhow;
use async_trait::async_trait;

use self::contract::{Applied as AppliedAnswer, Ask, Observed, Probed, Resolved, Who};
use self::conversation::Conversation;
use self::description::Known;
use super::{Applied, Built, CallContext, Kind, ObservationRequest, Probe, Remedy, Target, TargetError, TargetRole, one};
use crate::clock::Clock;
use crate::model::{Access, Action, Capabilities, Principal, Resolution, Subject};
use crate::settings::Settings;

mod answers;
mod contract;
mod conversation;
mod description;
mod settings;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "exec",
    about: "a program of your own, asked by JSON on its standard input",
    role: TargetRole::Application,
    tested: &[],
    build,
};

fn build(settings: &Settings<'_>, clock: &Clock) -> Built {
    Ok(Arc::new(Exec {
        conversation: Conversation::new(settings::read(settings)?),
        known: Known::default(),
        clock: clock.clone(),
    }))
}

/// A program of the operator's own.
struct Exec {
    conversation: Conversation,
    known: Known,
    clock: Clock,
}

#[async_trait]
impl Target for Exec {
    fn capabilities(&self) -> Capabilities {
        self.known.capabilities()
    }

    fn asks_by(&self, name: &Subject) -> bool {
        self.known.asks_by(name)
    }

    async fn resolve(&self, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
        let doing = format!("looking up {}", subject.masked());
        self.known.learn(&self.conversation, context).await?;
        if !self.asks_by(subject) {
            return Err(TargetError {
                doing,
                remedy: Remedy::GiveUp,
                source: anyhow!(
                    "the program says that it cannot be asked by {}; contain the account by another name",
                    subject.format()
                ),
                request: None,
            });
        }
        let text = subject.to_string();
        let value = text.split_once(':').map_or(text.as_str(), |(_, value)| value);
        let ask = Ask::Resolve {
            format: subject.format(),
            value,
        };
        let answer: Resolved = self.conversation.ask(context, &doing, &ask).await?;
        answers::resolution(answer, subject).map_err(|source| self.conversation.misunderstood(doing, source))
    }

    async fn observe(&self, context: &CallContext, principal: &Principal, ask: &ObservationRequest) -> Result<Access, TargetError> {
        let doing = format!("looking at what {} can reach", principal.id);
        self.known.learn(&self.conversation, context).await?;
        let question = Ask::Observe {
            principal: Who::from(principal),
            kinds: &ask.kinds,
        };
        let answer: Observed = self.conversation.ask(context, &doing, &question).await?;
        answers::access(answer, principal, ask, &self.capabilities(), self.clock.now())
            .map_err(|source| self.conversation.misunderstood(doing, source))
    }

    async fn apply(&self, context: &CallContext, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError> {
        let principal = one(action, principals)?;
        let doing = format!("asked to {action}");
        let question = Ask::Apply {
            principal: Who::from(principal),
            action,
        };
        let answer: AppliedAnswer = self.conversation.ask(context, &doing, &question).await?;
        answers::applied(answer).map_err(|source| self.conversation.misunderstood(doing, source))
    }

    async fn probe(&self, context: &CallContext) -> Result<Probe, TargetError> {
        let description = self.known.learn_anew(&self.conversation, context).await?;
        let doing = "asking the program how its system is".to_owned();
        let answer: Probed = self.conversation.ask(context, &doing, &Ask::Probe).await?;
        let probe = answers::probe(&answer).map_err(|source| self.conversation.misunderstood(doing, source))?;
        Ok(description.beside(probe))
    }
}
