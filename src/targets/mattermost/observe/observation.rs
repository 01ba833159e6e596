//! What every list of an observation is read with, and what one list contributes to it.

use crate::model::{AccountState, Grant, GrantKind, GrantRef, Principal};
use crate::targets::mattermost::Mattermost;
use crate::targets::mattermost::api::failure::Refusal;
use crate::targets::mattermost::own_account::OwnAccount;
use crate::targets::{CallContext, ObservationRequest, TargetError};

/// What one list contributes to an observation.
#[derive(Default)]
pub(in crate::targets::mattermost) struct PartialObservation {
    pub(in crate::targets::mattermost) listed: Vec<GrantKind>,
    pub(in crate::targets::mattermost) unseen: Vec<(GrantKind, String)>,
    pub(in crate::targets::mattermost) grants: Vec<Grant>,
    pub(in crate::targets::mattermost) ended_with_suspension: Vec<GrantRef>,
    pub(in crate::targets::mattermost) notes: Vec<String>,
    pub(in crate::targets::mattermost) requests: Vec<String>,
}

/// What every list is read with.
#[derive(Clone, Copy)]
pub(in crate::targets::mattermost) struct ObservationContext<'l> {
    pub(in crate::targets::mattermost) target: &'l Mattermost,
    pub(in crate::targets::mattermost) context: &'l CallContext,
    pub(in crate::targets::mattermost) principal: &'l Principal,
    /// The account as it is now.
    pub(in crate::targets::mattermost) account: &'l AccountState,
    pub(in crate::targets::mattermost) own_account: &'l OwnAccount,
    pub(in crate::targets::mattermost) ask: &'l ObservationRequest,
    /// Why there may be bots of the account that are not seen, so that what they made cannot be told from what others made.
    pub(in crate::targets::mattermost) unseen_owned: Option<&'static str>,
}

impl ObservationContext<'_> {
    /// Whether `kind` was asked for.
    pub(in crate::targets::mattermost) fn wants(&self, kind: GrantKind) -> bool {
        self.ask.kinds.contains(&kind)
    }

    /// The bot that made something, where it was not the account itself.
    pub(in crate::targets::mattermost) fn made_by(&self, maker: &str) -> Option<String> {
        (maker != self.principal.id).then(|| maker.to_owned())
    }

    /// What a refusal to list `kinds` means: all of it is unseen, but where it is an error. A feature that is switched off lets nobody in now,
    /// but what was made with it is kept and works again when somebody switches it on: that is no proof that it is gone.
    pub(in crate::targets::mattermost) fn refused(
        &self,
        kinds: &[GrantKind],
        what: &str,
        refusal: Refusal,
    ) -> Result<PartialObservation, TargetError> {
        let mut part = PartialObservation::default();
        part.requests.extend(refusal.request.clone());
        let why = if refusal.switched_off() {
            format!(
                "{what} are switched off at the server, which lists none then; those that exist work again when somebody switches them on"
            )
        } else if refusal.forbids() {
            // A permission that was there a minute ago may be gone: ask again before the next list is believed.
            self.target.own_account_cache.forget();
            format!("the operator account may not list {what}")
        } else if refusal.unknown_call() {
            let version = self
                .target
                .api
                .version()
                .map_or_else(String::new, |version| format!(" {version}"));
            format!("this server{version} cannot list {what}")
        } else {
            return Err(refusal.into());
        };
        part.unseen.extend(kinds.iter().map(|kind| (*kind, why.clone())));
        Ok(part)
    }
}

impl PartialObservation {
    /// Records that `kind` was listed, whole or not.
    pub(in crate::targets::mattermost) fn saw(&mut self, kind: GrantKind, short: Option<&str>) {
        match short {
            None => self.listed.push(kind),
            Some(why) => self.unseen.push((kind, why.to_owned())),
        }
    }
}
