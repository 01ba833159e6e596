//! What the program says that it can do. It is asked before anything else, and again now and then.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::ensure;
use tokio::time::Instant;

use super::contract::{Ask, Described};
use super::conversation::{Conversation, sentence};
use crate::model::{Capabilities, GrantKind, Sentence, Subject};
use crate::targets::{CallContext, Finding, Level, Probe, TargetError};

/// How long a description is believed.
const FRESH: Duration = Duration::from_mins(10);

/// Who has more to say than this says it on a page.
const MOST_SENTENCES: usize = 50;

/// What is known of the program.
#[derive(Default)]
pub(super) struct Known(RwLock<Option<(Instant, Arc<Description>)>>);

/// What the program can do.
pub(super) struct Description {
    able: Capabilities,
    asks_by: BTreeSet<String>,
}

impl Known {
    /// Nothing, until the program was asked.
    pub(super) fn capabilities(&self) -> Capabilities {
        self.last()
            .map(|(_, description)| description.able.clone())
            .unwrap_or_default()
    }

    /// A program that was not asked yet may know any name.
    pub(super) fn asks_by(&self, name: &Subject) -> bool {
        let format = name.format();
        Subject::FORMATS.contains(&format)
            && self
                .last()
                .is_none_or(|(_, description)| format == "opaque" || description.asks_by.contains(format))
    }

    /// Asks the program where that was long ago.
    pub(super) async fn learn(&self, conversation: &Conversation, context: &CallContext) -> Result<(), TargetError> {
        if self.last().is_none_or(|(at, _)| at.elapsed() >= FRESH) {
            self.learn_anew(conversation, context).await?;
        }
        Ok(())
    }

    /// Asks the program.
    pub(super) async fn learn_anew(
        &self,
        conversation: &Conversation,
        context: &CallContext,
    ) -> Result<Arc<Description>, TargetError> {
        let doing = "asking the program what it can do";
        let described: Described = conversation.ask(context, doing, &Ask::Describe).await?;
        let description = Description::read(described).map_err(|source| conversation.misunderstood(doing.to_owned(), source))?;
        let description = Arc::new(description);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&description)));
        Ok(description)
    }

    fn last(&self) -> Option<(Instant, Arc<Description>)> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Description {
    fn read(described: Described) -> anyhow::Result<Self> {
        if let Some(format) = described
            .asks_by
            .iter()
            .find(|format| !Subject::FORMATS.contains(&format.as_str()))
        {
            anyhow::bail!(
                "asks_by holds {:?}; there are {}",
                sentence(format),
                Subject::FORMATS.join(", ")
            );
        }
        ensure!(!described.asks_by.is_empty(), "asks_by is empty, so nobody can be looked up");
        let within = |name: &str, kinds: &BTreeSet<GrantKind>| {
            let stray = kinds.iter().find(|kind| !described.ends.contains(kind));
            stray.map_or(Ok(()), |kind| {
                Err(anyhow::anyhow!("{name} holds {kind}, which ends does not"))
            })
        };
        within("disables", &described.disables)?;
        within("end_sets", &described.end_sets.keys().copied().collect())?;
        if let Some(kind) = described.lists.iter().find(|kind| described.unlisted.contains_key(kind)) {
            anyhow::bail!("{kind} is both in lists and in unlisted");
        }
        let blind: Vec<GrantKind> = described.ends.difference(&described.lists).copied().collect();
        ensure!(
            blind.is_empty(),
            "ends holds {}, which lists does not: what cannot be listed can only be in ends_all",
            blind.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ")
        );
        ensure!(
            described.end_sets.values().all(|most| (1..=10_000).contains(most)),
            "a set in end_sets is from 1 to 10000 grants"
        );
        ensure!(
            described.not_covered.len() <= MOST_SENTENCES,
            "not_covered has more than {MOST_SENTENCES} sentences"
        );
        Ok(Self {
            able: Capabilities {
                ends: described.ends,
                lists: described.lists,
                unlisted: described
                    .unlisted
                    .into_iter()
                    .map(|(kind, why)| (kind, sentence(&why)))
                    .collect(),
                ends_all: described.ends_all,
                end_sets: described.end_sets,
                disables: described.disables,
                suspends: described.suspends,
                resets_password: described.resets_password,
                password_first: described.password_first,
                set_size: 1,
                not_covered: described
                    .not_covered
                    .iter()
                    .map(|line| Sentence::from(sentence(line)))
                    .collect(),
                ..Capabilities::default()
            },
            asks_by: described.asks_by,
        })
    }

    /// What the probe found, with what the program cannot do at all.
    pub(super) fn beside(&self, mut probe: Probe) -> Probe {
        let mut note = |what: &str, advice: &str| {
            probe.findings.push(Finding {
                level: Level::Note,
                what: what.to_owned(),
                advice: advice.to_owned(),
            });
        };
        if !self.able.suspends {
            note(
                "the program cannot suspend an account",
                "teach it to, where its system can; until then a containment that demands it stays unverified",
            );
        }
        if self.able.lists.is_empty() {
            note(
                "the program lists nothing, so that nothing is ever proved ended",
                "teach it to list what its system knows",
            );
        }
        probe
    }
}
