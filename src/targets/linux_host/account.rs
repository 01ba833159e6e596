//! Who somebody is, what they reach, and what became of a change, from what all hosts said.

use std::collections::BTreeSet;

use anyhow::anyhow;

use super::hosts::Answers;
use super::report::Report;
use crate::model::{
    Access, AccountState, Door, DoorKind, Grant, GrantKind, GrantRef, Principal, PrincipalTrait, Resolution, Subject, Timestamp,
};
use crate::targets::{Applied, Remedy, TargetError};

const DAY: i64 = 86_400_000;

/// The longest name of an account.
const LONGEST: usize = 64;

/// Whether this may be the name of an account. Digits alone would be taken for a uid, a dash for an option.
pub(super) fn is_name(name: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(sound)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && !name.bytes().all(|byte| byte.is_ascii_digit())
}

/// The account that a subject names, if it can name one.
pub(super) fn name_of(subject: &Subject) -> Option<&str> {
    match subject {
        Subject::Username(name) | Subject::Opaque(name) if is_name(name) => Some(name),
        _ => None,
    }
}

/// Who somebody is: the account of that name at whichever host has one.
pub(super) fn resolution(name: &str, answers: &Answers, doing: String) -> Result<Resolution, TargetError> {
    let reports: Vec<&Report> = answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()).collect();
    if let Some((host, why)) = answers
        .iter()
        .find_map(|(host, answer)| Some((host, answer.as_ref().ok()?.system_account.as_ref()?)))
    {
        return Err(TargetError {
            doing,
            remedy: Remedy::GiveUp,
            source: anyhow!("{host}: {why}, and such accounts are not touched"),
            request: None,
        });
    }
    if reports.iter().all(|report| report.account.is_none()) {
        // Where one did not answer, the account may be there.
        return failure(answers, doing).map_or(Ok(Resolution::None), Err);
    }
    let local = reports
        .iter()
        .filter_map(|report| report.account)
        .all(|account| account.local);
    Ok(Resolution::One(Principal {
        id: name.to_owned(),
        names: vec![Subject::Opaque(name.to_owned()), Subject::Username(name.to_owned())],
        traits: [
            reports
                .iter()
                .any(|report| report.ourselves)
                .then_some(PrincipalTrait::Ourselves),
            (!local).then(|| PrincipalTrait::ManagedBy("the directory that the hosts ask".to_owned())),
        ]
        .into_iter()
        .flatten()
        .collect(),
        account: state(&reports),
    }))
}

/// How the account is at all hosts that answered: suspended where every one of them says so.
fn state(reports: &[&Report]) -> AccountState {
    let accounts: Vec<_> = reports.iter().filter_map(|report| report.account).collect();
    let suspended = !accounts.is_empty() && accounts.iter().all(super::report::AccountAtHost::is_suspended);
    let door = |kind, says: &'static str| Door::new(kind, says);
    let password = door(
        DoorKind::OwnPassword,
        "whoever knows the password signs in where sshd or a console asks for it; a suspension or a new password closes it",
    );
    let own_password = accounts.iter().any(|account| !account.locked);
    let mut once_enabled = vec![password.clone()];
    if reports.iter().any(|report| !report.keys.is_empty()) {
        once_enabled.push(door(DoorKind::AccessToken, "keys in authorized_keys sign in again"));
    }
    let expired = accounts.iter().filter_map(|account| account.expires).max();
    AccountState {
        suspended,
        // The day on which it was made to expire, which is the one before the day it was done.
        suspended_at: expired
            .filter(|_| suspended)
            .map(|day| Timestamp::from_ms(day.saturating_add(1).saturating_mul(DAY))),
        own_password,
        doors: if own_password && !suspended {
            vec![password]
        } else {
            Vec::new()
        },
        doors_once_enabled: once_enabled,
        ..AccountState::default()
    }
}

/// What somebody reaches.
pub(super) fn access(answers: &Answers, kinds: &BTreeSet<GrantKind>, at: Timestamp, doing: String) -> Result<Access, TargetError> {
    let reports: Vec<&Report> = answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()).collect();
    if reports.is_empty()
        && let Some(error) = failure(answers, doing.clone())
    {
        return Err(error);
    }
    if let Some(why) = reports.iter().find_map(|report| report.system_account.as_ref()) {
        return Err(TargetError {
            doing,
            remedy: Remedy::GiveUp,
            source: anyhow!("{why}, and such accounts are not touched"),
            request: None,
        });
    }
    if reports.len() == answers.len() && reports.iter().all(|report| report.account.is_none()) {
        return Err(TargetError {
            doing,
            remedy: Remedy::Retry,
            source: anyhow!("the account is gone since it was looked up; the next attempt looks again"),
            request: None,
        });
    }
    let mut access = Access::empty(at);
    access.account = state(&reports);
    let wanted = [GrantKind::SshKey, GrantKind::Session];
    access.listed = wanted.into_iter().filter(|kind| kinds.contains(kind)).collect();
    for (host, answer) in answers {
        let report = match answer {
            Ok(report) => report,
            Err(failure) => {
                let why = format!("{host}: {failure}");
                for kind in std::mem::take(&mut access.listed) {
                    access.unseen.insert(kind, why.clone());
                }
                access.notes.push(why.clone());
                access.unreached.push(why);
                continue;
            }
        };
        let of = |kind: GrantKind, id: String| Grant {
            name: GrantRef {
                parent: Some(host.clone()),
                ..GrantRef::new(kind, id)
            },
            ..Grant::new(kind, "")
        };
        let keys = report.keys.iter().map(|path| of(GrantKind::SshKey, path.replace('/', ":")));
        let processes = report.processes.iter();
        let processes = processes.map(|(pid, began)| of(GrantKind::Session, format!("{pid}:{began}")));
        access
            .grants
            .extend(keys.chain(processes).filter(|grant| kinds.contains(&grant.name.kind)));
        for why in &report.unseen_keys {
            if access.listed.remove(&GrantKind::SshKey) {
                access.unseen.insert(GrantKind::SshKey, format!("{host}: {why}"));
            }
        }
        if let Some(account) = report.account.filter(|account| !account.local) {
            access.notes.push(format!(
                "{host}: the account (uid {}) is kept elsewhere, and has to be suspended there",
                account.uid
            ));
        }
        access.notes.extend(report.notes.iter().map(|note| format!("{host}: {note}")));
    }
    Ok(access)
}

/// What became of a change: done where every host that has the account did it.
pub(super) fn applied(answers: &Answers, doing: String) -> Result<Applied, TargetError> {
    if let Some(error) = failure(answers, doing) {
        return Err(error);
    }
    let reports = || {
        answers
            .iter()
            .filter_map(|(host, answer)| Some((host, answer.as_ref().ok()?)))
    };
    Ok(Applied {
        already: reports().all(|(_, report)| report.nobody),
        notes: reports()
            .flat_map(|(host, report)| report.notes.iter().map(move |note| format!("{host}: {note}")))
            .collect(),
        ..Applied::default()
    })
}

/// The error for the hosts that did not do what was asked, by name; the others did. It pauses the target only where all of them refuse us.
fn failure(answers: &Answers, doing: String) -> Option<TargetError> {
    let mut told = Vec::new();
    let (mut ours, mut others) = (0, 0);
    for (host, answer) in answers {
        match answer {
            Err(failure) => {
                *if failure.is_ours() { &mut ours } else { &mut others } += 1;
                told.push(format!("{host}: {failure}"));
            }
            Ok(report) if !report.failed.is_empty() || report.system_account.is_some() => {
                others += 1;
                let why = report
                    .failed
                    .iter()
                    .chain(&report.system_account)
                    .cloned()
                    .collect::<Vec<_>>();
                told.push(format!("{host}: {}", why.join(", ")));
            }
            Ok(_) => {}
        }
    }
    let failed = ours + others;
    (failed > 0).then(|| TargetError {
        doing,
        remedy: if ours == answers.len() { Remedy::Pause } else { Remedy::Retry },
        source: match answers.len() - failed {
            0 => anyhow!("{}", told.join("; ")),
            done => anyhow!("{} (done at {done} of {} hosts)", told.join("; "), answers.len()),
        },
        request: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::linux_host::failure::Failure;

    #[test]
    fn a_name_that_a_shell_or_a_tool_could_take_for_something_else_is_none() {
        for name in ["alice", "Alice.B-1", "_svc", "a@example.org", "4real"] {
            assert!(is_name(name), "{name}");
        }
        let long = "a".repeat(65_536);
        for name in [
            "", "-rf", ".", "..", "1001", "al ice", "al'ice", "al\"ice", "$(id)", "a;b", "a\nb", "a\0b", "a/b", "a:b", "ä", "a*",
            "~", &long,
        ] {
            assert!(!is_name(name), "{name:?}");
        }
    }

    #[test]
    fn whoever_is_ourselves_at_one_host_is_ourselves_everywhere() {
        let answer = |ourselves| {
            let report = "revoked 1 n\naccount 1001 yes no none 20000\nend n\n";
            let report = Report::read(report.as_bytes(), "n").unwrap().unwrap();
            Ok(Report { ourselves, ..report })
        };
        for (hosts, ours) in [([false, false], false), ([false, true], true), ([true, false], true)] {
            let answers = hosts.map(|ourselves| ("a".to_owned(), answer(ourselves))).into();
            let Ok(Resolution::One(principal)) = resolution("alice", &answers, String::new()) else {
                panic!("{hosts:?}");
            };
            assert_eq!(principal.traits.contains(&PrincipalTrait::Ourselves), ours, "{hosts:?}");
        }
    }

    #[test]
    fn one_host_that_refuses_us_does_not_stop_the_work_at_the_others() {
        let refused = || Err(Failure::Refused(String::new()));
        let some = vec![("a".to_owned(), Ok(Report::default())), ("b".to_owned(), refused())];
        assert_eq!(failure(&some, String::new()).unwrap().remedy, Remedy::Retry);
        let all = vec![("a".to_owned(), refused()), ("b".to_owned(), refused())];
        assert_eq!(failure(&all, String::new()).unwrap().remedy, Remedy::Pause);
    }
}
