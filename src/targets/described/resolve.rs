//! From a subject to the account that it names at the target.

use std::collections::BTreeMap;

use anyhow::anyhow;
use serde_json::Value;

use super::Described;
use super::account::Account;
use super::client::{Answer, Call, Outcome, fail};
use super::description::principal::{NameForm, Reading};
use super::description::resolve::{Control, Lookup, Match, ResolveRule};
use super::listing;
use super::values::Values;
use crate::json::scalar_text;
use crate::model::{Principal, PrincipalTrait, Resolution, Subject};
use crate::targets::{CallContext, Remedy, TargetError};

/// How often one name may lead to another.
const LEADS: usize = 3;

/// Whether there is a way of asking by this name.
pub(super) fn asks_by(target: &Described, subject: &Subject) -> bool {
    rule(target, subject).is_some()
}

/// The way of asking by a name, and the name as it is asked for.
fn rule<'t, 's>(target: &'t Described, subject: &'s Subject) -> Option<(&'t ResolveRule, &'s str)> {
    let (form, name) = match subject {
        Subject::Username(name) => (NameForm::Username, name.as_str()),
        Subject::Email(address) | Subject::Account(address) => (NameForm::Email, address.as_str()),
        Subject::Opaque(id) => (NameForm::AccountId, id.as_str()),
        Subject::EmployeeId(id) => (NameForm::EmployeeId, id.as_str()),
        Subject::IssSub { sub, .. } => (NameForm::IssSub, sub.as_str()),
        _ => return None,
    };
    let rule = target.description().resolves.iter().find(|rule| {
        let of_issuer = match (&rule.issuer, subject) {
            (Some(template), Subject::IssSub { iss, .. }) => {
                let configured = target.session.client.configured();
                let values = Values {
                    configured: Some(&configured),
                    ..Values::default()
                };
                values.plain(template).as_ref() == Ok(iss)
            }
            (issuer, _) => issuer.is_none(),
        };
        rule.by == form && of_issuer
    })?;
    Some((rule, name))
}

/// A way of asking by a name that is the reading by the id as well: it knows what is said of nobody.
fn by_reading(target: &Described) -> Option<&ResolveRule> {
    let mut rules = target.description().resolves.iter();
    rules.find(|rule| matches!(&rule.how, Lookup::Direct(reading) if is_reading(target, reading)))
}

/// Whether this is how an account of a known id is read.
fn is_reading(target: &Described, reading: &Reading) -> bool {
    let of_account = &target.description().principal.reading;
    reading.at == of_account.at
        && reading.request.text.replace("{name}", "{id}") == of_account.request.text
        && reading.request.body.is_none()
}

/// Looks a subject up, by all of its names.
pub(super) async fn resolve(target: &Described, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
    let mut found: BTreeMap<String, Option<Account>> = BTreeMap::new();
    let mut asked = false;
    for name in subject.names() {
        let doing = format!("looking up {}", name.masked());
        let accounts = match (rule(target, name), name) {
            (Some((rule, text)), _) => look_up(target, context, &doing, rule, text).await?,
            // An id that the target itself has named can be read, also where nobody is asked for by one.
            (None, Subject::Opaque(id)) => match by_reading(target) {
                Some(rule) => look_up(target, context, &doing, rule, id).await?,
                None => vec![(id.clone(), Some(Account::read(target, context, id).await?))],
            },
            (None, _) => continue,
        };
        asked = true;
        for (id, account) in accounts {
            let known = found.entry(id).or_default();
            *known = known.take().or(account);
        }
    }
    if !asked {
        let ways: Vec<&str> = target.description().resolves.iter().map(|rule| rule.by.word()).collect();
        return Err(fail(
            format!("looking up {}", subject.masked()),
            Remedy::GiveUp,
            anyhow!(
                "an account is asked for here by {}, and this is none of them; let the source send such a name, or link one to the person",
                ways.join(", ")
            ),
            None,
        ));
    }
    if found.len() > 1 {
        return Ok(Resolution::Ambiguous(found.into_keys().collect()));
    }
    let Some((id, account)) = found.pop_first() else {
        return Ok(Resolution::None);
    };
    let account = match account {
        Some(account) => account,
        None => Account::read(target, context, &id).await?,
    };
    Ok(Resolution::One(principal(target, context, &account).await?))
}

async fn principal(target: &Described, context: &CallContext, account: &Account) -> Result<Principal, TargetError> {
    let ours = target.ours(context).await?;
    let mut principal = account.principal(target, ours.as_deref());
    if principal.traits.contains(&PrincipalTrait::Admin) && !principal.account.suspended {
        match target.administrators.is_last(target, context, &principal.id).await? {
            Some(true) => {
                principal.traits.insert(PrincipalTrait::LastAdmin);
            }
            Some(false) => {}
            None => principal.account.notes.push(UNKNOWN_ADMINS.to_owned()),
        }
    }
    Ok(principal)
}

const UNKNOWN_ADMINS: &str = "the account is an administrator of the target, and nobody looked whether there is another one";

/// The accounts of a name: their ids, and what is known of each already.
type Found = Vec<(String, Option<Account>)>;

async fn look_up(
    target: &Described,
    context: &CallContext,
    doing: &str,
    rule: &ResolveRule,
    name: &str,
) -> Result<Found, TargetError> {
    let (mut rule, mut asked) = (rule, name.to_owned());
    let (first, first_name) = (rule, name);
    for _ in 0..LEADS {
        let ours = target.ours(context).await?;
        let values = Values {
            name: Some(&asked),
            ours: ours.as_deref(),
            ..Values::default()
        };
        let reading = match &rule.how {
            Lookup::Search(list) => return search(target, context, doing, rule, list, values).await,
            Lookup::Direct(reading) | Lookup::LeadsTo { reading, .. } => reading,
        };
        let call = Call::new(doing, &reading.request, values).told(&rule.nobody);
        let answer = match target.session.send(context, &call).await? {
            Outcome::Success(answer) => answer,
            Outcome::Told(_) => {
                nobody(target, context, doing, rule, ours.as_deref()).await?;
                return Ok(Vec::new());
            }
            off @ Outcome::Off(_) => off.success(doing)?,
        };
        match &rule.how {
            Lookup::LeadsTo { reading, by } => {
                let next = reading.at.text(&answer.body);
                asked = next.ok_or_else(|| answer.not_understood(format!("it leads to nothing at {}", reading.at)))?;
                let further = target.description().resolves.iter().find(|further| further.by == *by);
                rule = further.ok_or_else(|| answer.not_understood("it leads to a name that nobody is asked for by"))?;
            }
            _ => return direct(target, context, (first, first_name), (rule, reading), &answer, &asked).await,
        }
    }
    Err(fail(
        doing,
        Remedy::GiveUp,
        anyhow!("the description leads from name to name and to no account"),
        None,
    ))
}

/// The account that an answer is about. `first` is how it was asked for in the beginning, `rule` and `asked` in the end.
async fn direct(
    target: &Described,
    context: &CallContext,
    (first, name): (&ResolveRule, &str),
    (rule, reading): (&ResolveRule, &Reading),
    answer: &Answer,
    asked: &str,
) -> Result<Found, TargetError> {
    let found = reading.at.first(&answer.body);
    let shown = Account::of(target, answer, found)?;
    let bears =
        |rule: &ResolveRule, value: &Value, name: &str| rule.matching.as_ref().is_none_or(|matching| matching.holds(value, name));
    let other = || answer.not_understood("it is about another account than was asked for");
    if !bears(rule, &shown.value, asked) || (rule.by == NameForm::AccountId && rule.matching.is_none() && shown.id != asked) {
        return Err(other());
    }
    // One call fewer where the answer is the account itself.
    let account = if is_reading(target, reading) {
        shown
    } else {
        Account::read(target, context, &shown.id).await?
    };
    if !bears(first, &account.value, name) {
        return Err(other());
    }
    let names: Vec<String> = account
        .names(target)
        .into_iter()
        .filter(|(form, _)| *form == first.by)
        .map(|(_, text)| text.to_lowercase())
        .collect();
    let of_form = target.description().principal.names.iter().any(|rule| rule.is == first.by);
    if first.matching.is_none() && first.by != NameForm::AccountId && of_form && !names.contains(&name.to_lowercase()) {
        return Err(other());
    }
    Ok(vec![(account.id.clone(), Some(account))])
}

async fn search(
    target: &Described,
    context: &CallContext,
    doing: &str,
    rule: &ResolveRule,
    list: &super::description::list::List,
    values: Values<'_>,
) -> Result<Found, TargetError> {
    let name = values.name.unwrap_or_default();
    let listed = listing::read(&target.session, context, doing, list, values).await?;
    let listed = listed.map_err(|why| fail(doing, Remedy::GiveUp, anyhow!("the target cannot be asked: {why}"), None))?;
    let matching = rule.matching.as_ref();
    let mut found: Found = Vec::new();
    for item in listed
        .items
        .iter()
        .filter(|item| matching.is_some_and(|matching| matching.holds(item, name)))
    {
        let id = target.description().principal.id.text(item);
        let id = id.ok_or_else(|| {
            let why = anyhow!("the answer is not understood: an account that was found has no id");
            fail(doing, Remedy::Retry, why, None)
        })?;
        if !found.iter().any(|(known, _)| *known == id) {
            found.push((id, None));
        }
    }
    if found.is_empty() {
        nobody(target, context, doing, rule, values.ours).await?;
    }
    Ok(found)
}

impl Match {
    /// Whether the name stands where it must.
    fn holds(&self, item: &Value, name: &str) -> bool {
        let same = |found: String| {
            if self.fold {
                found.to_lowercase() == name.to_lowercase()
            } else {
                found == name
            }
        };
        let mut found = self.places.iter().flat_map(|places| places.all(item));
        found.any(|value| scalar_text(value).is_some_and(same))
    }
}

/// Makes sure that "nobody" means nobody: where the target says the same for a wrong URL or for rights that are missing, another request must
/// show that we would see somebody.
async fn nobody(
    target: &Described,
    context: &CallContext,
    doing: &str,
    rule: &ResolveRule,
    ours: Option<&str>,
) -> Result<(), TargetError> {
    let Some(Control { request, holds }) = &rule.control else {
        return Ok(());
    };
    let values = Values {
        ours,
        ..Values::default()
    };
    let doing = format!("{doing}: making sure that nobody is there");
    let unproved = |request| {
        let why = anyhow!(
            "the target says that nobody is there, and shows us nothing either that we must see; correct `url`, or give our account the rights that \
             the page of this kind lists"
        );
        fail(&doing, Remedy::Pause, why, request)
    };
    let answer = match target.session.send(context, &Call::new(&doing, request, values)).await {
        Ok(outcome) => outcome.success(&doing)?,
        Err(error) if error.remedy == Remedy::GiveUp => return Err(unproved(error.request)),
        Err(error) => return Err(error),
    };
    if holds.holds(&answer.body) {
        Ok(())
    } else {
        Err(unproved(answer.request))
    }
}
