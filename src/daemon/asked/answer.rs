//! Asks targets on behalf of a command.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::future::join_all;

use super::probe::{findings, prove};
use super::{Answer, Asks, Probed, Question, Says};
use crate::config::TargetConfig;
use crate::model::{Subject, Timestamp};
use crate::policy::CurrentPolicy;
use crate::store::Store;
use crate::targets::CallContext;
use crate::worker::{AsksReactivation, Reactivation, rehearse, rehearse_release};

/// Whoever has the credentials of targets, and answers questions about them.
#[derive(Clone)]
pub struct Answerer {
    targets: Vec<TargetConfig>,
    policy: CurrentPolicy,
    store: Option<Store>,
}

#[async_trait]
impl AsksReactivation for Answerer {
    async fn reactivations(
        &self,
        target: &str,
        suspensions: &BTreeMap<String, Timestamp>,
    ) -> anyhow::Result<Vec<Option<(Reactivation, Vec<Subject>)>>> {
        let questions: Vec<Question> = suspensions
            .iter()
            .map(|(account, since)| Question {
                target: target.to_owned(),
                asks: Asks::Reactivation {
                    account: account.clone(),
                    suspended_at: *since,
                },
            })
            .collect();
        let answers = self.answer(&questions).await.into_iter().map(|answer| match answer {
            Ok(Says::Reactivation(found)) => Ok(found),
            Ok(_) => Err(anyhow::anyhow!("another question was answered than was asked")),
            Err(why) => Err(anyhow::anyhow!(why)),
        });
        answers.collect()
    }
}

impl Answerer {
    /// Asks these targets. Without a store no canary can be tried.
    #[must_use]
    pub fn new(targets: Vec<TargetConfig>, policy: impl Into<CurrentPolicy>, store: Option<Store>) -> Self {
        Self {
            targets,
            policy: policy.into(),
            store,
        }
    }

    /// The answers, in the order of the questions. All targets are asked at once, so that one that does not answer holds up no other; one
    /// target is asked one question after the other.
    pub async fn answer(&self, questions: &[Question]) -> Vec<Answer> {
        let mut of_each: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, question) in questions.iter().enumerate() {
            of_each.entry(&question.target).or_default().push(place);
        }
        let asked = of_each.into_values().map(async |places| {
            let mut answers = Vec::with_capacity(places.len());
            for place in places {
                answers.push((place, self.answer_one(&questions[place]).await));
            }
            answers
        });
        let mut answers: Vec<(usize, Answer)> = join_all(asked).await.into_iter().flatten().collect();
        answers.sort_by_key(|(place, _)| *place);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    async fn answer_one(&self, question: &Question) -> Answer {
        let Some(target) = self.targets.iter().find(|target| target.name == question.target) else {
            return Err(format!(
                "the daemon that runs was started with a config that has no target {:?}: restart it",
                question.target
            ));
        };
        let context = CallContext::unpaced();
        let asked = target.target.as_ref();
        let failed = |error: crate::targets::TargetError| error.to_string();
        match &question.asks {
            Asks::Probe { prove: is_proved } => {
                let probe = findings(target, &self.policy.now()).await;
                let canary = match &target.canary {
                    Some(canary) if *is_proved => Some(prove(self.store.as_ref(), target, canary).await),
                    _ => None,
                };
                Ok(Says::Probe(Box::new(Probed {
                    kind: target.kind.to_owned(),
                    role: target.role,
                    able: asked.capabilities(),
                    probe,
                    canary,
                })))
            }
            Asks::Rehearsal { subject, containment } => {
                let plan = rehearse((&target.name, asked), &context, containment, subject).await;
                Ok(Says::Rehearsal(plan.map_err(failed)?))
            }
            Asks::Reactivation { account, suspended_at } => {
                let found = rehearse_release(asked, &context, account, *suspended_at).await;
                // The names are no part of what is shown.
                let found = found.map_err(failed)?.map(|found| {
                    let names = found.names.clone();
                    (found, names)
                });
                Ok(Says::Reactivation(found))
            }
            Asks::Resolution { name } if asked.asks_by(name) => {
                let found = asked.resolve(&context, name).await;
                Ok(Says::Resolution(Some(found.map_err(failed)?)))
            }
            Asks::Resolution { .. } => Ok(Says::Resolution(None)),
        }
    }
}
