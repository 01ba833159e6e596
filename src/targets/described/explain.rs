//! What a description can do, in words: for `revoked target explain`, and for whoever writes one.

use serde::Serialize;

use super::capabilities::why_unlisted;
use super::description::Description;
use super::description::grant::{EndedBy, GrantRule};
use crate::settings::Period;
use crate::targets::TargetRole;

/// What a description can end, list and prove, and what it asks of an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The word for the kind.
    pub kind: String,
    /// One line.
    pub about: String,
    /// The versions that it was run against.
    pub tested: Vec<String>,
    /// What it is to the others, where the target's table does not say it.
    pub role: TargetRole,
    /// The credentials that a config names.
    pub credentials: Vec<String>,
    /// The settings that a config must write.
    pub keys: Vec<String>,
    /// The settings that a config may write, each with its default.
    pub optional: Vec<String>,
    /// Where requests go besides the target's own URL.
    pub origins: Vec<String>,
    /// The names that an account is asked for by.
    pub asked_by: Vec<String>,
    /// Whether an account can be suspended.
    pub suspends: bool,
    /// Whether it can get a password that nobody knows.
    pub resets_password: bool,
    /// What becomes of each kind of grant.
    pub grants: Vec<ExplainedGrant>,
    /// What lives on for a while.
    pub residuals: Vec<String>,
    /// What the vendor says that we may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// What is not ended or seen.
    pub not_covered: Vec<String>,
    /// What is allowed and could be better.
    pub advice: Vec<String>,
}

/// What becomes of one kind of grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedGrant {
    /// Which.
    pub kind: String,
    /// How it is ended.
    pub ended: String,
    /// How it is seen that it is gone.
    pub proved: String,
}

impl Description {
    /// Says what it can do.
    #[must_use]
    pub fn explain(&self) -> Explained {
        let mut asked_by: Vec<String> = self.resolves.iter().map(|rule| rule.by.word().to_owned()).collect();
        asked_by.dedup();
        let mut optional: Vec<String> = self
            .lengths()
            .map(|(key, residual)| format!("{key} (default {})", Period(residual.life)))
            .collect();
        if self.ourselves.is_some() {
            optional.push("ourselves (asked for where it is not written)".to_owned());
        }
        let residuals = self.residuals.iter().map(|residual| {
            let swept = if residual.covered_by_sweep {
                ", and a later sweep ends what it makes, where the playbook has one"
            } else {
                ""
            };
            format!(
                "{}: up to {} after our last change{swept}",
                residual.what,
                Period(residual.life)
            )
        });
        let mut keys = self.keys.clone();
        let asked = self.ourselves.is_none() && !self.acts_as_application;
        keys.extend(asked.then(|| "ourselves".to_owned()));
        Explained {
            kind: self.name.clone(),
            about: self.about.clone(),
            tested: self.tested.clone(),
            role: self.role,
            credentials: self.needs.clone(),
            keys,
            optional,
            origins: self.origins.iter().map(|url| url.origin().ascii_serialization()).collect(),
            asked_by,
            suspends: !self.suspend.is_empty(),
            resets_password: !self.password.is_empty(),
            grants: self.grants.iter().map(explain).collect(),
            residuals: residuals.collect(),
            rate: self.limits.rate.clone(),
            not_covered: self.not_covered.clone(),
            advice: advice(self),
        }
    }
}

fn explain(rule: &GrantRule) -> ExplainedGrant {
    let mut ended: Vec<String> = Vec::new();
    ended.extend(rule.end_all.as_ref().map(|_| "all at once".to_owned()));
    ended.extend(rule.end_set.as_ref().map(|(_, most)| format!("in sets of {most}")));
    ended.extend(rule.end.as_ref().map(|_| "one by one".to_owned()));
    ended.extend(rule.disable.as_ref().map(|_| "or disabled one by one".to_owned()));
    ended.extend(rule.ended_by.iter().map(|by| match by {
        EndedBy::Suspend => "by the suspension".to_owned(),
        EndedBy::Password => "by a new password".to_owned(),
    }));
    let proved = match (&rule.listing, &rule.proof) {
        (Some(_), None) => "listed, and seen gone".to_owned(),
        (Some(_), Some(_)) => "listed and seen gone; the target also says since when nothing older works".to_owned(),
        (None, Some(_)) => "the target says since when nothing older works".to_owned(),
        (None, None) => format!("never: {}", why_unlisted(rule)),
    };
    ExplainedGrant {
        kind: rule.label(),
        ended: if ended.is_empty() {
            "not".to_owned()
        } else {
            ended.join(", ")
        },
        proved,
    }
}

/// What is allowed and could be better.
fn advice(description: &Description) -> Vec<String> {
    let mut advice = Vec::new();
    let mut say = |holds: bool, what: &str| {
        if holds {
            advice.push(what.to_owned());
        }
    };
    say(
        description.tested.is_empty(),
        "`tested` names no version: nobody has seen it work; run revoked target try against the system, and note its version",
    );
    say(
        description.ourselves.is_none() && !description.acts_as_application,
        "there is no [self]: each config must say by `ourselves` whose credential it uses",
    );
    say(
        description.principal.admin.is_some() && description.admins.is_none(),
        "[principal] says who is an administrator, and no [admins] lists them: the last one is not told from the others",
    );
    say(
        description.suspend.is_empty(),
        "there is no [[suspend]]: a playbook with `block` ends unverified here",
    );
    say(
        description.principal.names.is_empty(),
        "[principal] has no `names`: a protected person is not recognised by another name than the one that was asked for",
    );
    say(
        description.grants.is_empty(),
        "there is no [[grant]]: nothing is ended or listed",
    );
    advice
}
