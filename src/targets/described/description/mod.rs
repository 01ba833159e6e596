//! A description: what a TOML file says about a system, read and checked whole. Every mistake is found, with its place.
//!
//! Reading order: here (the parts), `table` (how words and mistakes are read), `template` (texts that name values), `request` with `body`,
//! `answer` (what answers mean, and conditions), `list` and `moment`; then the parts: `auth`, `limits`, `principal`, `resolve`, `change`,
//! `grant`; `document` reads all of them.

pub(in crate::targets::described) mod answer;
pub(in crate::targets::described) mod auth;
pub(in crate::targets::described) mod body;
pub(in crate::targets::described) mod change;
pub(in crate::targets::described) mod document;
pub(in crate::targets::described) mod grant;
pub(in crate::targets::described) mod limits;
pub(in crate::targets::described) mod list;
pub(in crate::targets::described) mod moment;
pub(in crate::targets::described) mod principal;
pub(in crate::targets::described) mod request;
pub(in crate::targets::described) mod resolve;
pub(in crate::targets::described) mod table;
pub(in crate::targets::described) mod template;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Url;
use toml::de::DeTable;

use self::answer::{AnswerRule, AnyOf};
use self::auth::Auth;
use self::change::ChangeStep;
use self::grant::GrantRule;
use self::limits::Limits;
use self::principal::{Admins, PrincipalRule, Reading};
use self::resolve::ResolveRule;
use self::table::{Mistakes, Table};
use crate::settings::{ConfigError, ConfigReport};
use crate::targets::TargetRole;

/// What a description says about a system.
#[derive(Debug, Clone)]
pub struct Description {
    /// The word for the kind.
    pub name: String,
    /// One line.
    pub about: String,
    /// The versions that it was run against.
    pub tested: Vec<String>,
    /// What it is to the others.
    pub role: TargetRole,
    /// The credentials that the config must name.
    pub needs: Vec<String>,
    /// The settings that the config must write.
    pub keys: Vec<String>,
    /// What is not ended or seen, one sentence each.
    pub not_covered: Vec<String>,
    /// Further origins that requests go to.
    pub(in crate::targets::described) origins: Vec<Url>,
    /// What must hold of every success.
    pub(in crate::targets::described) ok: Option<AnyOf>,
    pub(in crate::targets::described) auth: Auth,
    pub(in crate::targets::described) limits: Limits,
    pub(in crate::targets::described) answers: Vec<AnswerRule>,
    pub(in crate::targets::described) version: Option<Reading>,
    /// How we learn who we are.
    pub(in crate::targets::described) ourselves: Option<Reading>,
    /// Whether the credential is an application's own, and no account.
    pub(in crate::targets::described) acts_as_application: bool,
    pub(in crate::targets::described) admins: Option<Admins>,
    pub(in crate::targets::described) resolves: Vec<ResolveRule>,
    pub(in crate::targets::described) principal: PrincipalRule,
    pub(in crate::targets::described) before: Vec<ChangeStep>,
    pub(in crate::targets::described) suspend: Vec<ChangeStep>,
    pub(in crate::targets::described) password: Vec<ChangeStep>,
    /// Whether a new password lifts a suspension.
    pub(in crate::targets::described) password_first: bool,
    pub(in crate::targets::described) grants: Vec<GrantRule>,
    pub(in crate::targets::described) residuals: Vec<ResidualRule>,
}

/// Something that lives on for a while.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct ResidualRule {
    pub(in crate::targets::described) what: String,
    pub(in crate::targets::described) life: Duration,
    /// The setting of the config that says another length.
    pub(in crate::targets::described) key: Option<String>,
    /// Whether what it makes shows in a list afterwards, so that a sweep ends it.
    pub(in crate::targets::described) covered_by_sweep: bool,
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// Every mistake in it, each with its place.
    pub fn read(text: &str) -> Result<Self, Vec<ConfigError>> {
        let (document, faults) = DeTable::parse_recoverable(text);
        if !faults.is_empty() {
            let faults = faults.iter().map(|fault| ConfigError {
                span: fault.span(),
                message: fault.message().to_owned(),
            });
            return Err(faults.collect());
        }
        let mistakes = Mistakes::default();
        let read = {
            let table = Table::new(0..0, document.get_ref(), &mistakes);
            let read = document::read(&table);
            table.done();
            read
        };
        match (read, mistakes.into_vec()) {
            (Some(description), found) if found.is_empty() => Ok(description),
            (_, found) => Err(found),
        }
    }

    /// Reads the description in a file.
    ///
    /// # Errors
    /// Where the file cannot be read; else a [`ConfigReport`] of every mistake in it.
    pub fn read_file(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::read(&text).map_err(|mistakes| ConfigReport::new(path.display().to_string(), &text, mistakes).into())
    }

    /// The settings of the config that are lengths of time, each with what it is without one.
    pub(in crate::targets::described) fn lengths(&self) -> impl Iterator<Item = (&str, &ResidualRule)> {
        self.residuals
            .iter()
            .filter_map(|residual| Some((residual.key.as_deref()?, residual)))
    }
}

#[cfg(test)]
mod tests;
