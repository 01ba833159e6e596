//! An account as the target shows it: what it is called, and how it is.

use anyhow::anyhow;
use serde_json::Value;

use super::Described;
use super::client::{Answer, Call, fail};
use super::description::change::ChangeStep;
use super::description::principal::{NameForm, NameRule};
use super::description::template::{Part, Slot};
use super::values::{Configured, Values};
use crate::json::scalar_text;
use crate::model::{AccountState, Door, DoorKind, Principal, PrincipalTrait, Sentence, Subject};
use crate::targets::{CallContext, Remedy, TargetError};

/// An account as it was read.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) value: Value,
    /// The target's id of the request.
    pub(super) request: Option<String>,
}

impl Account {
    /// Takes the account out of an answer.
    pub(super) fn of(target: &Described, answer: &Answer, value: Option<&Value>) -> Result<Self, TargetError> {
        let place = &target.description().principal.id;
        let value = value.ok_or_else(|| answer.not_understood("there is no account where the description looks for it"))?;
        let id = place.text(value);
        Ok(Self {
            id: id.ok_or_else(|| answer.not_understood(format!("the account has no id at {place}")))?,
            value: value.clone(),
            request: answer.request.clone(),
        })
    }

    /// Reads the account of this id.
    pub(super) async fn read(target: &Described, context: &CallContext, id: &str) -> Result<Self, TargetError> {
        let reading = &target.description().principal.reading;
        let ours = target.ours(context).await?;
        let doing = format!("reading the account {id}");
        let values = Values {
            id: Some(id),
            ours: ours.as_deref(),
            ..Values::default()
        };
        let outcome = target
            .session
            .send(context, &Call::new(&doing, &reading.request, values))
            .await?;
        let answer = outcome.success(&doing)?;
        let Some(found) = reading.at.first(&answer.body) else {
            let why = anyhow!("the account is gone since it was looked up; the next attempt looks again");
            return Err(fail(doing, Remedy::Retry, why, answer.request));
        };
        let account = Self::of(target, &answer, Some(found))?;
        if account.id != id {
            // A cache or a proxy in between that answers with somebody else's account must not get that somebody contained.
            return Err(answer.not_understood("it is about another account than was asked for"));
        }
        Ok(account)
    }

    /// The principal that it is.
    pub(super) fn principal(&self, target: &Described, ours: Option<&str>) -> Principal {
        let rule = &target.description().principal;
        let holds = |any: &Option<super::description::answer::AnyOf>| any.as_ref().is_some_and(|any| any.holds(&self.value));
        let mut names = vec![Subject::Opaque(self.id.clone())];
        for (form, name) in self.names(target) {
            let name = subject(form, &name);
            names.extend(name.filter(|name| !names.contains(name)));
        }
        let managed = rule.managed_by.as_ref().and_then(|place| place.of(&self.value));
        let traits = [
            (ours == Some(self.id.as_str())).then_some(PrincipalTrait::Ourselves),
            holds(&rule.admin).then_some(PrincipalTrait::Admin),
            holds(&rule.bot).then_some(PrincipalTrait::Bot),
            managed.map(PrincipalTrait::ManagedBy),
        ];
        Principal {
            id: self.id.clone(),
            names,
            traits: traits.into_iter().flatten().collect(),
            account: self.state(target),
        }
    }

    /// The names that it bears, each with its form.
    pub(super) fn names(&self, target: &Described) -> Vec<(NameForm, String)> {
        let configured = target.session.client.configured();
        let rules = target.description().principal.names.iter();
        let found = rules.flat_map(|rule| {
            let texts = rule.at.all(&self.value).into_iter().filter_map(scalar_text);
            texts
                .filter_map(|text| unwritten(rule, text, &configured))
                .map(|text| (rule.is, text))
        });
        found.collect()
    }

    /// How it is.
    pub(super) fn state(&self, target: &Described) -> AccountState {
        let description = target.description();
        let rule = &description.principal;
        let holds = |any: &Option<super::description::answer::AnyOf>| any.as_ref().is_some_and(|any| any.holds(&self.value));
        let suspended = holds(&rule.suspended);
        let managed = rule.managed_by.as_ref().and_then(|place| place.of(&self.value));
        let own_password = description.password.iter().any(|step| self.takes(step)) && managed.is_none() && !holds(&rule.bot);
        let mut doors = Vec::new();
        let password = own_password.then(|| Door::new(DoorKind::OwnPassword, OWN_PASSWORD));
        if !suspended {
            doors.extend(password.clone());
        }
        let elsewhere = managed
            .as_ref()
            .map(|_| Door::new(DoorKind::SignInElsewhere, SIGN_IN_ELSEWHERE));
        doors.extend(elsewhere.clone());
        let now = target.session.client.clock.now();
        let swept = description.residuals.iter().filter(|residual| residual.covered_by_sweep);
        let swept: Vec<Door> = swept
            .map(|residual| {
                let says = format!(
                    "{} still makes something new for a while; a sweep after that ends it",
                    residual.what
                );
                // It is about the target and never about a person.
                Door::new(DoorKind::PendingCode, Sentence::recalled(says)).until(now.plus(target.life(residual)))
            })
            .collect();
        doors.extend(swept);
        AccountState {
            suspended,
            suspended_at: None,
            own_password,
            // Where the sign-in is decided elsewhere, nobody here knows whether the next one lifts a suspension.
            revived_elsewhere: managed.is_some(),
            doors_once_enabled: password.into_iter().chain(elsewhere).collect(),
            doors,
            notes: Vec::new(),
            request: self.request.clone(),
        }
    }

    /// Whether a step of a change is for it.
    pub(super) fn takes(&self, step: &ChangeStep) -> bool {
        let when = step.when.as_ref().is_none_or(|when| when.holds(&self.value));
        when && !step.unless.as_ref().is_some_and(|unless| unless.holds(&self.value))
    }
}

const OWN_PASSWORD: &str = "whoever knows the password of this account signs in again; `reset_password` replaces it";
const SIGN_IN_ELSEWHERE: &str =
    "the sign-in is decided by another system: end the account there too, or its next sign-in may lift a suspension here";

/// The subject that a name of this form is.
pub(super) fn subject(form: NameForm, name: &str) -> Option<Subject> {
    match form {
        NameForm::AccountId => Some(Subject::Opaque(name.to_owned())),
        NameForm::Username => Some(Subject::Username(name.to_owned())),
        NameForm::Email => Subject::email(name).ok(),
        NameForm::EmployeeId => Some(Subject::EmployeeId(name.to_owned())),
        NameForm::IssSub => None,
    }
}

/// The name in a text that holds more: `alice` of `@alice:example.org`.
fn unwritten(rule: &NameRule, text: String, configured: &Configured) -> Option<String> {
    let Some(template) = &rule.written else { return Some(text) };
    let (mut before, mut after, mut passed) = (String::new(), String::new(), false);
    for part in &template.0 {
        let around = if passed { &mut after } else { &mut before };
        match part {
            Part::Literal(literal) => around.push_str(literal),
            Part::Slot(Slot::Key(key), _) => around.push_str(configured.keys.get(key)?),
            Part::Slot(..) => passed = true,
        }
    }
    let name = text.strip_prefix(&before)?.strip_suffix(&after)?;
    (!name.is_empty()).then(|| name.to_owned())
}
