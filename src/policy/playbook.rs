//! What a playbook demands where the config says nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Containment, GrantKind, PasswordReset, Reason, Scope};

/// A named set of containments, one for each target.
pub type Playbook = BTreeMap<String, Containment>;

/// The reasons that have a playbook of their own from the start, each named like its reason.
pub const BUILT_IN: [Reason; 5] = [
    Reason::Compromised,
    Reason::Departed,
    Reason::Suspended,
    Reason::CredentialChanged,
    Reason::Logout,
];

/// One minute (a refresh in flight), eleven (a node's session cache has run out), an hour, a day.
const WATCH: [u64; 4] = [60, 660, 3600, 86_400];

/// What the playbook of this name demands at every target where the config says nothing. A playbook that the config invents starts as
/// `compromised` does.
///
/// - `compromised`: everything goes that an intruder could act with, and a password of the target's own is replaced; the account stays open,
///   since its owner must be able to come back, and keeps its second factors and memberships for the same reason.
/// - `departed`: everything goes, and the account is suspended first.
/// - `suspended`: the person may come back next week, so tokens are disabled, not destroyed, and nothing that others may depend on (bots,
///   webhooks, apps) is touched.
/// - `credential_changed`: what was made with the old credential goes; no later sweep, since the next session is the owner's own.
/// - `logout`: sessions go, no later sweep.
#[must_use]
pub fn built_in(name: &str) -> Containment {
    let all: BTreeSet<GrantKind> = GrantKind::ALL.into();
    let (end, watch): (BTreeSet<GrantKind>, &[u64]) = match Reason::from_word(name) {
        Some(Reason::Suspended) => (
            [
                GrantKind::Session,
                GrantKind::Connection,
                GrantKind::AccessToken,
                GrantKind::OauthGrant,
            ]
            .into(),
            &WATCH,
        ),
        Some(Reason::CredentialChanged) => ([GrantKind::Session, GrantKind::Connection, GrantKind::OauthGrant].into(), &[]),
        Some(Reason::Logout) => ([GrantKind::Session, GrantKind::Connection].into(), &[]),
        Some(Reason::Departed) => (all, &WATCH),
        _ => {
            let kept = [GrantKind::MfaFactor, GrantKind::Membership];
            (all.into_iter().filter(|kind| !kept.contains(kind)).collect(), &WATCH)
        }
    };
    let reason = Reason::from_word(name);
    Containment {
        scope: Scope::Everything,
        end,
        block: reason == Some(Reason::Departed),
        // An intruder who knows the password is back before the owner has read the news; every responder's runbook resets it.
        reset_password: match reason {
            None | Some(Reason::Compromised) => PasswordReset::Own,
            Some(_) => PasswordReset::Never,
        },
        disable_tokens: reason == Some(Reason::Suspended),
        watch: watch.to_vec(),
        keep_out: None,
        leaked: None,
    }
}

/// Whether a containment demands nothing at all: the way to leave a target out of a playbook.
#[must_use]
pub fn demands_nothing(containment: &Containment) -> bool {
    containment.end.is_empty() && !containment.block && containment.reset_password == PasswordReset::Never
}
