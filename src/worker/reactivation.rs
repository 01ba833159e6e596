//! Reactivation: which grants work again when a suspension is undone, rehearsed before, and the same when it is done.

use serde::{Deserialize, Serialize};

use crate::model::{Access, Door, GrantKind, Principal, Subject, digest_of};

/// The kinds that a suspension makes useless without ending them.
pub(super) const REACTIVATED_KINDS: [GrantKind; 4] = [
    GrantKind::AccessToken,
    GrantKind::OauthAuthorization,
    GrantKind::Bot,
    GrantKind::BotToken,
];

/// What enabling an account again would bring back, and what it would not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = AccountReactivation)]
pub struct Reactivation {
    /// The account.
    pub principal: String,
    /// What the target calls it.
    #[serde(skip)]
    pub names: Vec<Subject>,
    /// The grants that work again, as `kind id`.
    pub revived: Vec<String>,
    /// What else lets somebody in again.
    #[schema(value_type = Vec<Object>)]
    pub doors: Vec<Door>,
    /// A hash of all this: a release is about what was rehearsed.
    pub set: String,
}

impl Reactivation {
    /// What enabling the account again would bring back, by what an observation of it shows.
    #[must_use]
    pub fn of(principal: &Principal, access: &Access) -> Self {
        let mut revived: Vec<String> = access
            .grants
            .iter()
            // Bots that were disabled with their owner stay disabled; their tokens work again with them only.
            .filter(|grant| grant.enabled && matches!(grant.name.kind, GrantKind::AccessToken | GrantKind::OauthAuthorization))
            .map(|grant| grant.name.to_string())
            .collect();
        revived.sort();
        let since = access.account.suspended_at.map_or(0, crate::model::Timestamp::ms);
        let set = digest_of(&format!("{}\n{since}\n{}", principal.id, revived.join("\n")));
        Self {
            principal: principal.id.clone(),
            names: principal.names.clone(),
            revived,
            doors: access.account.doors_once_enabled.clone(),
            set: set.trim_start_matches("sha256:").chars().take(16).collect(),
        }
    }

    /// In words, for a verdict and a person: `came` for what has happened, `would come` for what may.
    #[must_use]
    pub fn in_words(&self, came: &str) -> String {
        match self.revived.len() {
            0 => format!("no access token {came} back to life"),
            count => format!("{count} {came} back to life: {}", self.revived.join(", ")),
        }
    }
}
