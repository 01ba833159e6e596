//! What a target would get, in words.

use std::time::Duration;

use crate::model::{Containment, GrantKind, PasswordReset, Scope};
use crate::settings::Period;

/// What is demanded of somebody at a target, in words.
pub(super) fn demands(demanded: &Containment) -> String {
    match &demanded.scope {
        Scope::Everything => {}
        Scope::AllSessions => return "every session ends".to_owned(),
        Scope::Session(_) => return "one session ends".to_owned(),
        Scope::AccessToken(_) => return "one access token ends".to_owned(),
        Scope::Leaked => return "what the leaked credential opens ends".to_owned(),
    }
    let mut parts = Vec::new();
    if demanded.block {
        parts.push("the account is suspended".to_owned());
    }
    if !demanded.end.is_empty() {
        parts.push(format!("{} end", kinds(demanded)));
    }
    match demanded.reset_password {
        PasswordReset::Never => {}
        PasswordReset::Own => parts.push("a password of its own is replaced".to_owned()),
        PasswordReset::Always => parts.push("the password is replaced".to_owned()),
    }
    if demanded.disable_tokens && demanded.end.contains(&GrantKind::AccessToken) {
        parts.push("tokens are only disabled".to_owned());
    }
    if !demanded.watch.is_empty() {
        let times = demanded.watch.iter();
        let times: Vec<String> = times
            .map(|seconds| Period(Duration::from_secs(*seconds)).to_string())
            .collect();
        parts.push(format!("looked at again after {}", times.join(", ")));
    }
    if let Some(seconds) = demanded.keep_out {
        parts.push(format!("kept out for {}", Period(Duration::from_secs(seconds))));
    }
    parts.join("; ")
}

/// The kinds that end: by group where a whole one does.
fn kinds(demanded: &Containment) -> String {
    if demanded.end.len() == GrantKind::ALL.len() {
        return "all grants".to_owned();
    }
    let mut left = demanded.end.clone();
    let mut words = Vec::new();
    for (group, kinds) in GrantKind::GROUPS {
        if kinds.iter().all(|kind| left.contains(kind)) {
            words.push(group.to_owned());
            left.retain(|kind| !kinds.contains(kind));
        }
    }
    words.extend(left.iter().map(|kind| kind.word().to_owned()));
    words.join(", ")
}
