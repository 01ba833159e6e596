//! The second look: what it proves, and what is still to be done.

use std::collections::{BTreeMap, BTreeSet};

use super::room::Room;
use super::{Attempt, End};
use crate::model::{Action, GrantKind, PasswordReset, Remaining, Verdict};
use crate::targets::Ask;

/// What a second look came to.
pub(super) enum Proof {
    /// Nothing is left to do, and this is proved.
    Holds(Verdict),
    /// Something is left, and another round may help.
    Remains(String),
    /// Something is left, and there is nothing to send against it.
    Hopeless(String),
}

impl Attempt<'_> {
    /// Looks again at everything that may have changed since it was looked at. A list that still holds what the target said it ended may lag,
    /// so it gets a few more looks; anything that is new goes round again at once.
    pub(super) async fn prove(&mut self, room: &mut Room<'_>, kinds: &BTreeSet<GrantKind>) -> Result<Proof, End> {
        if let Some(what) = Box::pin(self.leaked_still_works(room)).await? {
            return Ok(Proof::Remains(what));
        }
        let mut ask = room.looks.stale(kinds);
        let mut waits = self.context.attempt_limits.recheck_delays.iter();
        loop {
            if let Some(ask) = &ask {
                let seen = self.look(room, ask).await?;
                self.take_in(room, seen);
            }
            room.access = room.observed.clone();
            let verdict = self.claim.job.containment.verdict(&room.before, &room.access, room.progress);
            let left = match verdict {
                Ok(verdict) => return Ok(self.judge(room, verdict)),
                Err(left) => left,
            };
            match waits.next().filter(|_| lags(room, &left)) {
                Some(wait) => self.pause(*wait).await?,
                None => return Ok(self.still_there(room, &left)),
            }
            ask = Some(Ask {
                kinds: left.grants.iter().map(|name| name.kind).collect(),
                account: left.open,
                since: BTreeMap::new(),
            });
        }
    }

    /// A sweep's one look, where nothing came back.
    pub(super) fn verdict_at_once(&mut self, room: &Room<'_>) -> Result<Verdict, End> {
        let verdict = self.claim.job.containment.verdict(&room.before, &room.access, room.progress);
        verdict.map_err(|left| End::Hopeless(self.why_hopeless(&left.to_string())))
    }

    /// A good verdict stands only when nothing is left to send: a block that was confirmed late means another round of revoking, and what
    /// an observation cannot show must have been accepted.
    fn judge(&self, room: &Room<'_>, verdict: Verdict) -> Proof {
        let plan = self.plan(room);
        if !plan.is_empty() {
            let what: Vec<String> = plan.iter().map(Action::to_string).collect();
            return Proof::Remains(format!("still to do: {}", what.join(", ")));
        }
        let containment = &self.claim.job.containment;
        let refused = |wanted: fn(&Action) -> bool| self.refused.iter().find(|(action, _)| wanted(action));
        if containment.resets(&room.access)
            && containment.reset_password == PasswordReset::Always
            && let Some((_, why)) = refused(|action| matches!(action, Action::ResetPassword))
        {
            return Proof::Hopeless(format!("the password could not be reset: {why}"));
        }
        let after_sessions = refused(|action| matches!(action, Action::EndAllSessions | Action::ClearCaches | Action::Silence));
        match (verdict, after_sessions) {
            // The lists are empty, but whether every node knows is not.
            (Verdict::Contained | Verdict::Residual { .. }, Some((_, why))) => Proof::Holds(Verdict::Unverified {
                kinds: [(GrantKind::Session, why.clone())].into(),
            }),
            (Verdict::Unverified { mut kinds }, Some((_, why))) => {
                kinds.entry(GrantKind::Session).or_insert_with(|| why.clone());
                Proof::Holds(Verdict::Unverified { kinds })
            }
            (verdict, _) => Proof::Holds(verdict),
        }
    }

    fn still_there(&self, room: &Room<'_>, left: &Remaining) -> Proof {
        let what = left.to_string();
        if self.plan(room).is_empty() {
            Proof::Hopeless(self.why_hopeless(&what))
        } else {
            Proof::Remains(what)
        }
    }

    fn why_hopeless(&self, what: &str) -> String {
        let mut text = what.to_owned();
        for (action, why) in &self.refused {
            text = format!("{text}; {action} was refused: {why}");
        }
        if self.refused.is_empty() {
            text.push_str("; this target cannot end that");
        }
        text
    }
}

/// Whether all that is left is what the target said it had done.
fn lags(room: &Room<'_>, left: &Remaining) -> bool {
    (!left.open || room.shut) && left.grants.iter().all(|name| room.gone.contains(name))
}
