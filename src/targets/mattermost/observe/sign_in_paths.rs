//! What still lets somebody in afresh at this server, account by account.

use std::time::Duration;

use crate::model::{AccountState, Door, DoorKind, Sentence, Timestamp};
use crate::targets::mattermost::Mattermost;
use crate::targets::mattermost::api::version::Version;
use crate::targets::mattermost::api::wire::{Account, instant};

/// How long an OAuth code that was handed out may be exchanged.
const CODE: Duration = Duration::from_mins(10);
/// How long a mailed link sets a new password.
const RESET_LINK: Duration = Duration::from_hours(24);

/// What an account is like, as the server has just shown it.
pub(in crate::targets::mattermost) fn account_state(
    target: &Mattermost,
    account: &Account,
    request: Option<String>,
) -> AccountState {
    let (version, now) = (target.api.version(), target.api.clock.now());
    let suspended = !account.is_active();
    AccountState {
        suspended,
        suspended_at: instant(account.delete_at),
        own_password: signs_in_here(account),
        revived_elsewhere: lifts_a_suspension(&account.auth_service),
        doors: doors(account, suspended, version, now),
        doors_once_enabled: doors(account, false, version, now),
        notes: Vec::new(),
        request,
    }
}

/// Whether somebody signs in to it with a password of this server.
fn signs_in_here(account: &Account) -> bool {
    account.auth_service.is_empty() && !account.is_bot
}

/// Whether a sign-in by this service, or its synchronisation, lifts a suspension here. A sign-in by SAML is refused.
fn lifts_a_suspension(service: &str) -> bool {
    !matches!(service, "" | "saml")
}

fn doors(account: &Account, suspended: bool, version: Option<Version>, now: Timestamp) -> Vec<Door> {
    let mut doors = Vec::new();
    if account.is_bot {
        return doors;
    }
    if signs_in_here(account) && !suspended {
        doors.push(Door::new(
            DoorKind::OwnPassword,
            "whoever knows the password of this account signs in again; `reset_password` replaces it",
        ));
        doors.push(
            Door::new(
                DoorKind::ResetLink,
                "a mail that was sent already holds a link that sets a new password; another reset mail replaces it",
            )
            .until(now.plus(RESET_LINK)),
        );
    }
    doors.extend(sign_in(&account.auth_service, suspended));
    let codes_live = !suspended || !version.is_some_and(Version::ends_codes);
    if codes_live {
        doors.push(
            Door::new(
                DoorKind::PendingCode,
                "an OAuth code that was handed out and not exchanged yet makes a grant; the sweep after 11 minutes ends it",
            )
            .until(now.plus(CODE)),
        );
    }
    if !suspended || lifts_a_suspension(&account.auth_service) {
        doors.push(Door::new(
            DoorKind::PendingCode,
            "a sign-in that was begun on a desktop or a phone (3 minutes) still makes a session; the sweep after a minute ends it",
        ));
    }
    doors
}

/// A constant for each service that the server has, so that the store keeps it once; any other has a sentence put together for it.
macro_rules! decided_by {
    ($service:literal) => {
        concat!(
            "the sign-in is decided by ",
            $service,
            ": the next sign-in there lifts a suspension here and revives every access token; disable the account there first"
        )
    };
}

/// What it means where the sign-in is decided elsewhere.
fn sign_in(service: &str, suspended: bool) -> Option<Door> {
    let says = match service {
        "" => return None,
        "saml" if suspended => return None,
        "saml" => Sentence::from("the sign-in is decided by SAML: end the account's sessions at the identity provider too"),
        "ldap" => Sentence::from(
            "the sign-in is decided by LDAP: its next synchronisation lifts a suspension unless the account is disabled there",
        ),
        "gitlab" => Sentence::from(decided_by!("gitlab")),
        "google" => Sentence::from(decided_by!("google")),
        "office365" => Sentence::from(decided_by!("office365")),
        "openid" => Sentence::from(decided_by!("openid")),
        service => Sentence::from(format!(decided_by!("{}"), service)),
    };
    Some(Door::new(DoorKind::SignInElsewhere, says))
}

/// What lets people in afresh at this server, whoever it is; for `revoked check`.
pub(in crate::targets::mattermost) fn of_the_server(version: Option<Version>, services: &[&str], oauth: bool) -> Vec<Door> {
    let mut doors = vec![
        Door::new(
            DoorKind::OwnPassword,
            "a password of this server: playbooks with `reset_password` replace it where an account signs in by one",
        ),
        Door::new(DoorKind::ResetLink, "a link in a password mail, for 24 hours"),
        Door::new(
            DoorKind::PendingCode,
            "a sign-in begun on a desktop or a phone, for 3 minutes",
        ),
    ];
    if oauth {
        let through = if version.is_some_and(Version::ends_codes) {
            ""
        } else {
            ", through a suspension too"
        };
        doors.push(Door::new(
            DoorKind::PendingCode,
            format!("an OAuth code that was not exchanged yet, for 10 minutes{through}"),
        ));
    }
    if !services.is_empty() {
        doors.push(Door::new(
            DoorKind::SignInElsewhere,
            format!(
                "a sign-in through {}, which lifts a suspension here: disable the account there first",
                services.join(", ")
            ),
        ));
    }
    doors
}
