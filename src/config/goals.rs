//! `[goals]`: how soon access is to end.

use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeTable;

use super::tables::{MONTH, SECOND, period};
use super::{ConfigReport, Diagnostics, file, read};
use crate::model::{Goal, Goals, Reason};
use crate::settings::{ConfigError, Period, salvage};

pub(super) fn goals(written: &file::Goals, found: &mut Diagnostics) -> Goals {
    let general = goal(
        (&written.first_revoke, &written.containment),
        Goal::default(),
        written.containment.is_some(),
        found,
    );
    let own = [
        (Reason::Compromised, &written.compromised),
        (Reason::Departed, &written.departed),
        (Reason::Suspended, &written.suspended),
        (Reason::CredentialChanged, &written.credential_changed),
        (Reason::Logout, &written.logout),
    ];
    let own = own
        .into_iter()
        .filter(|(_, own)| own.first_revoke.is_some() || own.containment.is_some());
    let by_reason = own
        .map(|(reason, own)| {
            let keys = (&own.first_revoke, &own.containment);
            (reason, goal(keys, general, own.containment.is_some(), found))
        })
        .collect();
    Goals { general, by_reason }
}

/// What is written, over what holds without it. A first revoke that is to come only after the containment is a slip of the hand, and so is told;
/// where only the containment is written, the first revoke is to be there with it at the latest.
fn goal(
    (first, containment): (&Option<Spanned<Period>>, &Option<Spanned<Period>>),
    without: Goal,
    is_contained_written: bool,
    found: &mut Diagnostics,
) -> Goal {
    let mut length = |written: &Option<Spanned<Period>>, key: &str, default: Duration| {
        period(written.as_ref(), key, default, SECOND..=MONTH, found)
    };
    let mut goal = Goal {
        first_revoke: length(first, "first_revoke", without.first_revoke),
        containment: length(containment, "containment", without.containment),
    };
    if goal.first_revoke > goal.containment {
        match first {
            Some(first) => {
                let (first_revoke, containment) = (Period(goal.first_revoke), Period(goal.containment));
                let message = format!("first_revoke ({first_revoke}) is longer than containment ({containment})");
                found.complain(first.span(), message);
            }
            None if is_contained_written => goal.first_revoke = goal.containment,
            None => {}
        }
    }
    goal
}

/// The goals of the config in `path`; the defaults where there is no such file. Reads no credential and nothing else of it.
///
/// # Errors
/// Where it cannot be read, or what is wrong with its goals.
pub fn goals_in(path: &Path) -> Result<Goals, ConfigReport> {
    if !path.exists() {
        return Ok(Goals::default());
    }
    let name = path.display().to_string();
    let refuse = |text: &str, errors: Vec<ConfigError>| Err(ConfigReport::new(name.clone(), text, errors));
    let text = match read(path) {
        Ok((text, _)) => text,
        Err(error) => return refuse("", vec![ConfigError::new(format!("{error:#}"))]),
    };
    let (mut root, _) = DeTable::parse_recoverable(&text);
    let own = root.get_mut().remove_entry("goals");
    root.get_mut().clear();
    root.get_mut().extend(own);
    let (written, errors) = salvage::<file::File>(root);
    let mut found = Diagnostics {
        errors,
        warnings: Vec::new(),
    };
    let goals = written.map(|written| goals(&written.goals, &mut found)).unwrap_or_default();
    if found.errors.is_empty() {
        Ok(goals)
    } else {
        refuse(&text, found.errors)
    }
}
