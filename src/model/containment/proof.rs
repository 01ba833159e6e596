//! The verdict: what the observations before and after prove.

use std::collections::BTreeMap;

use super::{Containment, Progress, Scope, is_named};
use crate::model::{Access, Capabilities, GrantKind, GrantRef, Remaining, Residual, ResidualEnd, Timestamp, Verdict};

impl Containment {
    /// What the observations before and after prove.
    ///
    /// # Errors
    /// [`Remaining`] where `after` still shows what was demanded gone: the attempt goes round again, and in the end fails.
    pub fn verdict(&self, before: &Access, after: &Access, able: &Capabilities, progress: &Progress) -> Result<Verdict, Remaining> {
        let unblocked = self.blocks() && !after.suspended();
        let kinds = self.kinds(able);
        let left = after
            .grants
            .iter()
            .filter(|grant| kinds.contains(&grant.name.kind) && self.alive(grant));
        let left = left.filter(|grant| self.names(&grant.name)).map(|grant| grant.name.clone());
        let grants: Vec<GrantRef> = left.collect();
        if (unblocked && able.suspends) || !grants.is_empty() {
            return Err(Remaining {
                open: unblocked && able.suspends,
                grants,
            });
        }
        let unseen: BTreeMap<GrantKind, String> = kinds
            .into_iter()
            .filter(|kind| !is_proved((before, after), able, progress, *kind))
            .map(|kind| (kind, why_unseen(after, able, kind)))
            .collect();
        let open = unblocked.then(|| "an account cannot be suspended here".to_owned());
        if !unseen.is_empty() || open.is_some() {
            return Ok(Verdict::Unverified { kinds: unseen, open });
        }
        if let (Scope::Session(id) | Scope::AccessToken(id), false) = (&self.scope, progress.acted)
            && !before.grants.iter().any(|grant| is_named(id, &grant.name.id))
        {
            let what = if matches!(self.scope, Scope::Session(_)) {
                "session"
            } else {
                "access token"
            };
            return Ok(Verdict::NoPrincipal {
                what: format!(
                    "no {what} of the id {id} was listed for this account; where it is the secret and not the id, use revoked leaked"
                ),
            });
        }
        let until = |residual: &Residual| match residual.ends {
            ResidualEnd::Until(until) => until,
            ResidualEnd::AfterOurAct(seconds) => after_our_act(progress, before.at, seconds),
        };
        let last = after
            .residuals
            .iter()
            .map(|residual| (until(residual), residual))
            .max_by_key(|(until, _)| *until);
        match last.filter(|(until, _)| *until > after.at) {
            Some((until, residual)) => Ok(Verdict::Residual {
                until,
                what: residual.what.clone(),
            }),
            None => Ok(Verdict::Contained),
        }
    }

    fn names(&self, name: &GrantRef) -> bool {
        match &self.scope {
            Scope::Session(id) | Scope::AccessToken(id) => is_named(id, &name.id),
            Scope::Everything | Scope::AllSessions | Scope::Leaked => true,
        }
    }
}

/// Whether nothing of this kind is left: it was listed whole, or the target says that nothing of it works that was issued before we acted, or
/// before somebody suspended the account where it was suspended all along.
fn is_proved((before, after): (&Access, &Access), able: &Capabilities, progress: &Progress, kind: GrantKind) -> bool {
    let Some(moment) = after.valid_from.get(&kind) else {
        return after.listed.contains(&kind);
    };
    let by_suspension = able.ended_by_suspension.contains(&kind) && before.suspended() && after.suspended();
    after.listed.contains(&kind)
        || progress.acted_at.is_proved_by(kind, *moment)
        || (by_suspension && !progress.acted_at.has_ended(kind))
}

fn why_unseen(after: &Access, able: &Capabilities, kind: GrantKind) -> String {
    if after.valid_from.contains_key(&kind) {
        return "the target does not say that what was issued until now has ended".to_owned();
    }
    let why = after.unseen.get(&kind).or_else(|| able.unlisted.get(&kind));
    why.cloned().unwrap_or_else(|| "the target has no list of it".to_owned())
}

/// When something ends that lives so many seconds from our last change. Where we changed nothing, it was issued before the first look.
fn after_our_act(progress: &Progress, before: Timestamp, seconds: u64) -> Timestamp {
    let since = progress.acted_at.last.unwrap_or(before);
    since.plus(std::time::Duration::from_secs(seconds))
}
