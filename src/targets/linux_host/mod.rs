//! The target kind `linux-host`: accounts at hosts that are reached by OpenSSH. One target, many hosts: a person is contained at all of them.
//!
//! Reading order: `settings` (what an operator writes), `ssh` (one question to one host: `script.sh` on the standard input of a shell there),
//! `report` (the lines that come back), `failure` (why there are none), `hosts` (a question to all hosts at once), `account` (who somebody is and what they reach, from what
//! the hosts say). The names that a signal brought go there as data, and never as a part of a command.

use std::sync::Arc;

use anyhow::anyhow;
use async_trait::async_trait;

use self::hosts::Hosts;
use self::ssh::Asked;
use super::{
    Applied, Built, CallContext, Finding, Kind, Level, ObservationRequest, Probe, Remedy, Target, TargetError, TargetRole, one,
};
use crate::clock::Clock;
use crate::model::{Access, Action, Capabilities, GrantKind, Principal, Resolution, Sentence, Subject};
use crate::settings::Settings;

mod account;
mod failure;
mod hosts;
mod report;
mod settings;
mod ssh;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "linux-host",
    about: "accounts at Linux hosts, by OpenSSH: many hosts are one target",
    role: TargetRole::Application,
    tested: &["Debian 12, OpenSSH 9.2"],
    build,
};

fn build(settings: &Settings<'_>, clock: &Clock) -> Built {
    Ok(Arc::new(LinuxHosts {
        hosts: settings::read(settings)?,
        clock: clock.clone(),
    }))
}

/// Hosts on which people have accounts.
struct LinuxHosts {
    hosts: Hosts,
    clock: Clock,
}

#[async_trait]
impl Target for LinuxHosts {
    fn capabilities(&self) -> Capabilities {
        let kinds = [GrantKind::SshKey, GrantKind::Session];
        Capabilities {
            ends: kinds.into(),
            lists: kinds.into(),
            ends_all: kinds.into(),
            suspends: true,
            resets_password: true,
            set_size: 1,
            not_covered: NOT_COVERED.iter().copied().map(Sentence::from).collect(),
            ..Capabilities::default()
        }
    }

    fn asks_by(&self, name: &Subject) -> bool {
        account::name_of(name).is_some()
    }

    async fn resolve(&self, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
        let doing = format!("looking up {}", subject.masked());
        let Some(name) = account::name_of(subject) else {
            return Err(TargetError {
                doing,
                remedy: Remedy::GiveUp,
                source: anyhow!(
                    "an account is named by username:<its name>: letters, digits and ._-@, and not digits alone; contain it by that"
                ),
                request: None,
            });
        };
        let answers = self.hosts.ask(context, Asked::Look, name, self.clock.now()).await;
        account::resolution(name, &answers, doing)
    }

    async fn observe(&self, context: &CallContext, principal: &Principal, ask: &ObservationRequest) -> Result<Access, TargetError> {
        let doing = format!("looking at what {} can reach", principal.id);
        let answers = self.hosts.ask(context, Asked::Look, &principal.id, self.clock.now()).await;
        account::access(&answers, &ask.kinds, self.clock.now(), doing)
    }

    async fn apply(&self, context: &CallContext, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError> {
        let principal = one(action, principals)?;
        let doing = format!("asked to {action}");
        let asked = match action {
            Action::Suspend => Asked::Suspend,
            Action::ResetPassword => Asked::Password,
            Action::Release => Asked::Release,
            Action::EndAll {
                kind: GrantKind::SshKey, ..
            } => Asked::Keys,
            Action::EndAll {
                kind: GrantKind::Session,
                ..
            } => Asked::Processes,
            _ => {
                let why = anyhow!("a host ends all processes and all keys of an account; single ones are not told apart");
                return Err(TargetError::new(doing, Remedy::GiveUp, why));
            }
        };
        let answers = self.hosts.ask(context, asked, &principal.id, self.clock.now()).await;
        account::applied(&answers, doing)
    }

    async fn probe(&self, context: &CallContext) -> Result<Probe, TargetError> {
        let answers = self.hosts.ask(context, Asked::Probe, "root", self.clock.now()).await;
        let mut probe = Probe {
            acting_as: Some(self.hosts.user().to_owned()),
            ..Probe::default()
        };
        let count = answers.len();
        let failed: Vec<_> = answers
            .iter()
            .filter_map(|(host, answer)| Some((host, answer.as_ref().err()?)))
            .collect();
        // One host that is down must not stop the work at all others.
        let level = if failed.len() == count { Level::Error } else { Level::Warning };
        probe.findings.extend(failed.iter().map(|(host, failure)| Finding {
            level,
            what: format!("{host}: {failure}"),
            advice: failure.advice().to_owned(),
        }));
        let systems = answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()?.system.clone());
        let systems: std::collections::BTreeSet<String> = systems.collect();
        probe.version = (!systems.is_empty()).then(|| systems.into_iter().collect::<Vec<_>>().join(", "));
        Ok(probe)
    }
}

/// What lives on and cannot be ended or seen.
const NOT_COVERED: [&str; 6] = [
    "processes that the person began and that run as somebody else (sudo, su) go on; where the host keeps who signed in, the notes count them",
    "what the person left that others run: set-uid programs, services, lines in others' files, keys put into others' accounts",
    "entries of sudoers, groups, crontabs, jobs of at and lingering services stay: the notes list them; they do nothing while the account has \
     expired, and all of it after a release",
    "an account that is kept elsewhere (LDAP, SSSD) is suspended there, and not at the host; its keys and processes are ended all the same",
    "shared accounts whose key or password the person knows",
    "containers and virtual machines at the hosts, and hosts that the target does not list",
];
