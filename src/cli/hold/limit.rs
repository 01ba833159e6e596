//! The limit of a source that a hold is about, as the config has it now.

use crate::cli::StoreArgs;
use crate::clock::Clock;
use crate::config::Config;
use crate::policy::{Policy, Share};
use crate::store::Hold;

/// What sources may ask for before a human is asked; nothing where the config cannot be read here.
pub(super) struct SourceLimits(Option<Policy>);

impl SourceLimits {
    pub(super) fn read(at: &StoreArgs) -> Self {
        let config = Config::load_without_secrets(&at.config, &Clock::system());
        Self(config.ok().map(|config| config.policy))
    }

    /// The limit that the hold is about, where it is about one: `5 a minute`.
    pub(super) fn of(&self, hold: &Hold) -> Option<String> {
        let limits = self.0.as_ref()?.limits_of(&hold.source);
        let share = |share: Option<Share>, within: &str| share.map(|share| format!("{share} of the people who are known {within}"));
        let (limit, within) = match hold.why.as_str() {
            "delivery_share" => return share(limits.delivery_share, "at once"),
            "departures_share" => return share(limits.departures_share, "an hour"),
            "compromises_share" => return share(limits.compromises_share, "a minute"),
            "operator_limit" => (limits.compromises_per_operator, "a minute by one operator"),
            "compromises_limit" => (limits.compromises_per_minute, "a minute"),
            "departures_limit" => (limits.departures_per_hour, "an hour"),
            "delivery_limit" => (limits.departures_per_delivery, "at once"),
            _ => return None,
        };
        Some(limit.map_or_else(|| "unlimited".to_owned(), |limit| format!("{limit} {within}")))
    }
}
