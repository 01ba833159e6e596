//! Apply: one change at the target. A success is no proof; only the next observation says whether it worked.

use anyhow::anyhow;
use secrecy::SecretString;

use super::Described;
use super::account::Account;
use super::client::{Answer, Call, Outcome, fail};
use super::description::change::ChangeStep;
use super::description::grant::{GrantListing, GrantRule};
use super::description::request::Request;
use super::observe::{grants, name_of};
use super::values::Values;
use crate::model::{Action, GrantKind, GrantRef, Principal, PrincipalTrait};
use crate::targets::unknown_password::unknown_password;
use crate::targets::{Applied, CallContext, Remedy, TargetError};

/// Makes one change.
pub(super) async fn apply(
    target: &Described,
    context: &CallContext,
    action: &Action,
    principal: &Principal,
) -> Result<Applied, TargetError> {
    let ours = target.ours(context).await?;
    let doing = format!("asked to {action} of {}", principal.id);
    if ours.as_deref() == Some(principal.id.as_str()) || principal.traits.contains(&PrincipalTrait::Ourselves) {
        return Err(give_up(
            doing,
            "this is the account that revoked itself uses; acting on it would lock revoked out",
        ));
    }
    if target.session.client.witness.is_some() {
        return Err(give_up(doing, "this is a trial, and a trial changes nothing"));
    }
    let change = Change {
        target,
        context,
        principal,
        ours: ours.as_deref(),
    };
    let description = target.description();
    match action {
        Action::Suspend if description.suspend.is_empty() => Err(give_up(doing, "an account cannot be suspended here")),
        Action::Suspend => {
            let suspension = async {
                let before = change.prepare().await;
                let mut applied = change.steps(&doing, &description.suspend).await?;
                applied.requests.splice(0..0, before.requests);
                applied.notes.extend(before.notes);
                Ok(applied)
            };
            change.lock_out(&doing, suspension).await
        }
        Action::ResetPassword if description.password.is_empty() => Err(give_up(doing, "a password cannot be set here")),
        Action::ResetPassword => change.lock_out(&doing, change.steps(&doing, &description.password)).await,
        Action::EndAll { kind } => change.end_all(*kind).await,
        Action::EndMany { grants } => change.end_many(grants).await,
        Action::End { grant } => change.end_many(std::slice::from_ref(grant)).await,
        Action::Disable { grant } => change.disable(grant).await,
        Action::EndAllSessions => change.end_all(GrantKind::Session).await,
        Action::ClearCaches | Action::Silence | Action::EndLeaked { .. } => {
            Err(give_up(doing, "the description of this kind has no such change"))
        }
        Action::Release => Err(give_up(
            doing,
            "a description does not enable accounts; do it at the target by hand",
        )),
    }
}

/// An error that trying again cannot help.
fn give_up(doing: String, why: &'static str) -> TargetError {
    fail(doing, Remedy::GiveUp, anyhow!(why), None)
}

/// What every change is made with.
#[derive(Clone, Copy)]
struct Change<'c> {
    target: &'c Described,
    context: &'c CallContext,
    principal: &'c Principal,
    ours: Option<&'c str>,
}

impl Change<'_> {
    fn values(&self) -> Values<'_> {
        Values {
            id: Some(&self.principal.id),
            ours: self.ours,
            ..Values::default()
        }
    }

    async fn send(&self, call: &Call<'_>) -> Result<(Answer, bool), TargetError> {
        match self.target.session.send(self.context, call).await? {
            Outcome::Told(answer) => Ok((answer, true)),
            outcome => Ok((outcome.success(&call.doing)?, false)),
        }
    }

    /// What goes before a suspension. What fails of it does not stand in its way.
    async fn prepare(&self) -> Applied {
        let mut applied = Applied::default();
        for step in &self.target.description().before {
            match self.step("preparing the suspension", step).await {
                Ok(done) => applied.requests.extend(done.and_then(|answer| answer.request)),
                Err(error) => applied.notes.push(format!("before the suspension: {error}")),
            }
        }
        applied
    }

    /// Makes a change that locks the account out, unless it is the last administrator's.
    async fn lock_out(
        &self,
        doing: &str,
        change: impl Future<Output = Result<Applied, TargetError>>,
    ) -> Result<Applied, TargetError> {
        if !self.principal.traits.contains(&PrincipalTrait::Admin) {
            return change.await;
        }
        let administrators = &self.target.administrators;
        let done = administrators
            .lock_out(self.target, self.context, &self.principal.id, change)
            .await?;
        done.ok_or_else(|| {
            give_up(
                doing.to_owned(),
                "this is the last active administrator, and nobody would be left in charge; appoint another one",
            )
        })
    }

    async fn steps(&self, doing: &str, steps: &[ChangeStep]) -> Result<Applied, TargetError> {
        let mut applied = Applied::default();
        let mut sent = false;
        for step in steps {
            if let Some(answer) = self.step(doing, step).await? {
                sent = true;
                applied.sent_at = answer.sent_at.or(applied.sent_at);
                applied.requests.extend(answer.request);
            }
        }
        if !sent {
            applied.already = true;
            applied.notes.push(format!(
                "{doing}: nothing was sent, since no request of the description is for an account in this state"
            ));
        }
        Ok(applied)
    }

    /// Sends one step; `None` where it is not for the account as it is.
    async fn step(&self, doing: &str, step: &ChangeStep) -> Result<Option<Answer>, TargetError> {
        let random = random(doing)?;
        let account = if step.needs_account() {
            Some(Account::read(self.target, self.context, &self.principal.id).await?)
        } else {
            None
        };
        if account.as_ref().is_some_and(|account| !account.takes(step)) {
            return Ok(None);
        }
        let read = match &step.read {
            Some(reading) => {
                let doing = format!("{doing}: reading what is written back");
                let (answer, _) = self.send(&Call::new(&doing, &reading.request, self.values())).await?;
                let value = reading.at.first(&answer.body).cloned();
                Some(value.ok_or_else(|| answer.not_understood(format!("there is nothing at {}", reading.at)))?)
            }
            None => account.map(|account| account.value),
        };
        let values = Values {
            random: Some(&random),
            principal: read.as_ref(),
            ..self.values()
        };
        let (answer, _) = self.send(&Call::new(doing, &step.request, values)).await?;
        Ok(Some(answer))
    }

    /// Ends everything of a kind: whole where one call does that, and one by one what it does not reach.
    async fn end_all(&self, kind: GrantKind) -> Result<Applied, TargetError> {
        let rules = self
            .target
            .description()
            .grants
            .iter()
            .filter(|rule| rule.kind == kind && rule.ends());
        let mut applied: Option<Applied> = None;
        for rule in rules {
            let done = match (&rule.end_all, &rule.listing) {
                (Some(request), _) => {
                    let doing = format!("ending all of the kind {} of {}", rule.label(), self.principal.id);
                    self.end(&doing, rule, request, self.values()).await?
                }
                (None, Some(listing)) => {
                    let held = grants(self.target, self.context, &self.principal.id, rule, listing).await?;
                    let names = held
                        .items
                        .iter()
                        .filter_map(|(item, each)| name_of(rule, listing, item, each.as_deref()));
                    self.end_of(rule, &names.collect::<Vec<_>>()).await?
                }
                (None, None) => continue,
            };
            applied = Some(match applied {
                Some(before) => join(before, done),
                None => done,
            });
        }
        applied.ok_or_else(|| {
            give_up(
                format!("ending all of the kind {kind}"),
                "nothing of this kind can be ended here",
            )
        })
    }

    async fn end_many(&self, names: &[GrantRef]) -> Result<Applied, TargetError> {
        let Some(first) = names.first() else {
            return Ok(Applied::default());
        };
        let rule = self.rule(first)?;
        if names.iter().any(|name| (name.kind, &name.part) != (first.kind, &first.part)) {
            return Err(give_up(format!("ending {} grants", names.len()), "they are of several kinds"));
        }
        self.end_of(rule, names).await
    }

    fn rule(&self, name: &GrantRef) -> Result<&GrantRule, TargetError> {
        let mut rules = self.target.description().grants.iter();
        let rule = rules.find(|rule| rule.kind == name.kind && rule.part == name.part);
        rule.ok_or_else(|| give_up(format!("ending {name}"), "the description knows nothing of this kind"))
    }

    /// Ends grants of one rule.
    async fn end_of(&self, rule: &GrantRule, names: &[GrantRef]) -> Result<Applied, TargetError> {
        let mut applied: Option<Applied> = None;
        let known = self.with_ids(rule, names).await?;
        if known.is_empty() {
            return Ok(Applied {
                already: true,
                ..Applied::default()
            });
        }
        let mut add = |done| {
            applied = Some(match applied.take() {
                Some(before) => join(before, done),
                None => done,
            });
        };
        if let Some((request, most)) = &rule.end_set {
            for set in known.chunks(*most) {
                let ids: Vec<&str> = set.iter().map(|(_, id)| id.as_str()).collect();
                let values = Values {
                    grants: &ids,
                    ..self.values()
                };
                let doing = format!("ending {} of the kind {} of {}", set.len(), rule.label(), self.principal.id);
                add(self.end(&doing, rule, request, values).await?);
            }
        } else if let Some(request) = &rule.end {
            for (name, id) in &known {
                add(self.end_one(&format!("ending {name}"), rule, request, name, id).await?);
            }
        } else if let Some(request) = &rule.end_all {
            let doing = format!("ending all of the kind {} of {}", rule.label(), self.principal.id);
            add(self.end(&doing, rule, request, self.values()).await?);
        }
        applied.ok_or_else(|| {
            give_up(
                format!("ending what is of the kind {}", rule.label()),
                "the description has no way to end it",
            )
        })
    }

    async fn disable(&self, name: &GrantRef) -> Result<Applied, TargetError> {
        let rule = self.rule(name)?;
        let doing = format!("disabling {name}");
        let Some(request) = &rule.disable else {
            return Err(give_up(doing, "the description has no way to disable it; end it instead"));
        };
        let Some((name, id)) = self.with_ids(rule, std::slice::from_ref(name)).await?.pop() else {
            return Ok(Applied {
                already: true,
                ..Applied::default()
            });
        };
        self.end_one(&doing, rule, request, &name, &id).await
    }

    /// The target's own ids of the grants. Where an id is the secret itself, only the list knows it; what is in no list any more is left out.
    async fn with_ids(&self, rule: &GrantRule, names: &[GrantRef]) -> Result<Vec<(GrantRef, String)>, TargetError> {
        let listing: &GrantListing = match &rule.listing {
            Some(listing) if listing.secret_id => listing,
            _ => return Ok(names.iter().map(|name| (name.clone(), name.id.clone())).collect()),
        };
        let held = grants(self.target, self.context, &self.principal.id, rule, listing).await?;
        let known = held.items.iter().filter_map(|(item, each)| {
            let name = name_of(rule, listing, item, each.as_deref())?;
            names.contains(&name).then_some((name, listing.id.text(item)?))
        });
        Ok(known.collect())
    }

    async fn end_one(
        &self,
        doing: &str,
        rule: &GrantRule,
        request: &Request,
        name: &GrantRef,
        id: &str,
    ) -> Result<Applied, TargetError> {
        let values = Values {
            grant: Some(id),
            parent: name.parent.as_deref(),
            ..self.values()
        };
        self.end(doing, rule, request, values).await
    }

    async fn end(&self, doing: &str, rule: &GrantRule, request: &Request, values: Values<'_>) -> Result<Applied, TargetError> {
        let random = random(doing)?;
        let values = Values {
            random: Some(&random),
            ..values
        };
        let (answer, already) = self.send(&Call::new(doing, request, values).told(&rule.gone)).await?;
        Ok(Applied {
            requests: answer.request.into_iter().collect(),
            already,
            sent_at: answer.sent_at,
            notes: Vec::new(),
        })
    }
}

/// Several changes as one: already so only where all were, and as late as the last.
fn join(before: Applied, mut after: Applied) -> Applied {
    after.requests.splice(0..0, before.requests);
    after.notes.splice(0..0, before.notes);
    after.already &= before.already;
    after.sent_at = after.sent_at.max(before.sent_at);
    after
}

/// A text that nobody keeps.
fn random(doing: &str) -> Result<SecretString, TargetError> {
    unknown_password().map_err(|source| fail(doing, Remedy::Retry, source, None))
}
