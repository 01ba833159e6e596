//! What an answer means here, and which answers are not believed whatever their form.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};

use super::contract::{
    Applied as AppliedAnswer, GrantAnswer, LevelWord, Observed, PrincipalAnswer, Probed, ResidualAnswer, Resolved,
};
use super::conversation::sentence;
use crate::model::{
    Access, AccountState, Capabilities, Door, DoorKind, Grant, GrantRef, Principal, PrincipalTrait, Residual, ResidualEnd,
    Resolution, Subject, Timestamp,
};
use crate::targets::{Applied, Finding, Level, ObservationRequest, Probe};

/// The longest id, in bytes.
const LONGEST_ID: usize = 255;

/// The most of anything in one answer that is not a list of grants.
const MOST: usize = 100;

/// Who somebody is.
pub(super) fn resolution(answer: Resolved, asked: &Subject) -> anyhow::Result<Resolution> {
    match (answer.nobody, answer.principal, answer.ambiguous) {
        (true, None, ids) if ids.is_empty() => Ok(Resolution::None),
        (false, Some(found), ids) if ids.is_empty() => principal(found, asked).map(Resolution::One),
        (false, None, ids) if ids.len() > 1 => {
            ensure!(ids.len() <= MOST, "ambiguous has more than {MOST} accounts");
            for id in &ids {
                check_id("the id of an account", id)?;
            }
            Ok(Resolution::Ambiguous(ids))
        }
        (false, None, ids) if ids.len() == 1 => bail!("ambiguous has one account; that is a principal"),
        _ => bail!("it has to be exactly one of nobody, principal and ambiguous"),
    }
}

fn principal(found: PrincipalAnswer, asked: &Subject) -> anyhow::Result<Principal> {
    check_id("the id of an account", &found.id)?;
    ensure!(found.names.len() <= MOST, "the account has more than {MOST} names");
    let mut names = vec![Subject::Opaque(found.id.clone())];
    for name in &found.names {
        let name: Subject = name.parse().ok().with_context(|| {
            format!(
                "{:?} is no name such as email:alice@example.org or username:alice",
                sentence(name)
            )
        })?;
        names.push(name);
    }
    // Whoever searches for something like it finds somebody else one day.
    ensure!(
        names.iter().any(|name| same(name, asked)),
        "the account's names do not hold the one that was asked for, so it may be somebody else"
    );
    let traits = [
        found.ourselves.then_some(PrincipalTrait::Ourselves),
        found.admin.then_some(PrincipalTrait::Admin),
        found.last_admin.then_some(PrincipalTrait::LastAdmin),
        found.bot.then_some(PrincipalTrait::Bot),
        found.managed_by.map(|by| PrincipalTrait::ManagedBy(sentence(&by))),
    ];
    Ok(Principal {
        id: found.id,
        names,
        traits: traits.into_iter().flatten().collect(),
        account: account(found.suspended, found.suspended_at, found.own_password),
    })
}

/// Whether two names are one. Ids, and what an issuer calls somebody, may differ in case alone.
fn same(name: &Subject, asked: &Subject) -> bool {
    match asked {
        Subject::Opaque(_) | Subject::IssSub { .. } => name == asked,
        _ => name.to_string().to_lowercase() == asked.to_string().to_lowercase(),
    }
}

fn account(suspended: bool, suspended_at: Option<Timestamp>, own_password: bool) -> AccountState {
    let door = Door::new(
        DoorKind::OwnPassword,
        "whoever knows the password signs in; a suspension or a new password closes it",
    );
    AccountState {
        suspended,
        suspended_at: suspended_at.filter(|_| suspended),
        own_password,
        doors: if own_password && !suspended {
            vec![door.clone()]
        } else {
            Vec::new()
        },
        doors_once_enabled: if own_password { vec![door] } else { Vec::new() },
        ..AccountState::default()
    }
}

/// What somebody can reach.
pub(super) fn access(
    answer: Observed,
    principal: &Principal,
    ask: &ObservationRequest,
    able: &Capabilities,
    at: Timestamp,
) -> anyhow::Result<Access> {
    ensure!(
        answer.principal == principal.id,
        "it is about another account than was asked for"
    );
    if let Some(kind) = answer.listed.iter().find(|kind| !able.lists.contains(kind)) {
        bail!("it says that {kind} was listed, which its description cannot list");
    }
    if let Some(kind) = answer.listed.iter().find(|kind| answer.unseen.contains_key(kind)) {
        bail!("{kind} is both listed and unseen");
    }
    let mut seen = BTreeSet::new();
    let mut grants = Vec::with_capacity(answer.grants.len());
    for found in answer.grants {
        ensure!(
            answer.listed.contains(&found.kind),
            "it has a grant of the kind {}, which it does not say was listed",
            found.kind
        );
        let grant = grant(found)?;
        ensure!(seen.insert(grant.name.clone()), "{} stands in it twice", grant.name);
        if ask.kinds.contains(&grant.name.kind) {
            grants.push(grant);
        }
    }
    let mut access = Access::empty(at);
    access.account = account(answer.suspended, answer.suspended_at, answer.own_password);
    access.unseen = answer.unseen.iter().map(|(kind, why)| (*kind, sentence(why))).collect();
    access.unseen.retain(|kind, _| ask.kinds.contains(kind));
    for kind in ask.kinds.iter().filter(|kind| able.lists.contains(kind)) {
        if answer.listed.contains(kind) {
            access.listed.insert(*kind);
        } else {
            let silent = || "the program did not list it".to_owned();
            access.unseen.entry(*kind).or_insert_with(silent);
        }
    }
    access.grants = grants;
    access.residuals = few("residuals", &answer.residuals)?
        .iter()
        .map(residual)
        .collect::<anyhow::Result<_>>()?;
    access.notes = few("notes", &answer.notes)?.iter().map(|note| sentence(note)).collect();
    Ok(access)
}

fn grant(found: GrantAnswer) -> anyhow::Result<Grant> {
    let what = format!("the id of a {}", found.kind);
    check_id(&what, &found.id)?;
    for name in [&found.parent, &found.part].into_iter().flatten() {
        check_id("a parent or a part", name)?;
    }
    Ok(Grant {
        name: GrantRef {
            kind: found.kind,
            id: found.id,
            parent: found.parent,
            part: found.part,
        },
        enabled: found.enabled,
        made_by: None,
        created_at: found.created_at,
        last_used_at: found.last_used_at,
        expires_at: found.expires_at,
    })
}

fn residual(found: &ResidualAnswer) -> anyhow::Result<Residual> {
    let ends = match (found.until, found.seconds) {
        (Some(until), None) => ResidualEnd::Until(until),
        (None, Some(seconds)) => ResidualEnd::AfterOurAct(seconds),
        _ => bail!("a residual ends either until a moment or so many seconds after our change"),
    };
    Ok(Residual {
        what: sentence(&found.what),
        ends,
    })
}

/// A change was made.
pub(super) fn applied(answer: AppliedAnswer) -> anyhow::Result<Applied> {
    for request in few("requests", &answer.requests)? {
        check_id("the id of a request", request)?;
    }
    Ok(Applied {
        notes: few("notes", &answer.notes)?.iter().map(|note| sentence(note)).collect(),
        requests: answer.requests,
        already: answer.already,
        sent_at: None,
    })
}

/// How the system is.
pub(super) fn probe(answer: &Probed) -> anyhow::Result<Probe> {
    let findings = few("findings", &answer.findings)?.iter().map(|found| Finding {
        level: match found.level {
            LevelWord::Note => Level::Note,
            LevelWord::Warning => Level::Warning,
            LevelWord::Error => Level::Error,
        },
        what: sentence(&found.what),
        advice: sentence(&found.advice),
    });
    Ok(Probe {
        version: answer.version.as_deref().map(sentence),
        acting_as: answer.acting_as.as_deref().map(sentence),
        findings: findings.collect(),
        ..Probe::default()
    })
}

fn few<'a, T>(what: &str, list: &'a [T]) -> anyhow::Result<&'a [T]> {
    ensure!(list.len() <= MOST, "{what} has more than {MOST} members");
    Ok(list)
}

/// An id is shown, stored and sent back: visible characters of ASCII, and not many.
fn check_id(what: &str, id: &str) -> anyhow::Result<()> {
    ensure!(
        !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic()),
        "{what} has to be 1 to {LONGEST_ID} visible characters of ASCII without spaces, and {:?} is not",
        sentence(&id.chars().take(40).collect::<String>())
    );
    Ok(())
}
