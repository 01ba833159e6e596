//! A description: what a TOML file says about a system, read and checked whole. Every mistake is found, with its place.
//!
//! Reading order: here (the parts), `table` (how words and mistakes are read), `template` (texts that name values), `request` with `body`,
//! `answer` (what answers mean, and conditions), `list` and `moment`; then the parts: `auth`, `limits`, `principal`, `resolve`, `change`,
//! `grant`. `review` says what is allowed and still unwise.

pub(in crate::targets::described) mod answer;
pub(in crate::targets::described) mod auth;
pub(in crate::targets::described) mod body;
pub(in crate::targets::described) mod change;
pub(in crate::targets::described) mod grant;
pub(in crate::targets::described) mod limits;
pub(in crate::targets::described) mod list;
pub(in crate::targets::described) mod moment;
pub(in crate::targets::described) mod principal;
pub(in crate::targets::described) mod request;
pub(in crate::targets::described) mod resolve;
pub(in crate::targets::described) mod table;
pub(in crate::targets::described) mod template;

use std::time::Duration;

use reqwest::Url;
use toml::de::DeTable;

use self::answer::{AnswerRule, AnyOf};
use self::auth::{Auth, length};
use self::change::ChangeStep;
use self::grant::{EndedBy, GrantRule};
use self::limits::Limits;
use self::principal::{Admins, PrincipalRule, Reading};
use self::resolve::ResolveRule;
use self::table::{Mistakes, Table};
use self::template::Allowed;
use crate::settings::ConfigError;
use crate::targets::TargetRole;

/// Keys of a target's table in the config that mean something already.
pub(in crate::targets::described) const RESERVED: [&str; 13] = [
    "name",
    "kind",
    "rate",
    "burst",
    "concurrency",
    "role",
    "url",
    "ca_file",
    "connect_timeout",
    "timeout",
    "ourselves",
    "origins",
    "description",
];

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
            let read = whole(&table);
            table.done();
            read
        };
        match (read, mistakes.into_vec()) {
            (Some(description), found) if found.is_empty() => Ok(description),
            (_, found) => Err(found),
        }
    }

    /// The settings of the config that are lengths of time, each with what it is without one.
    pub(in crate::targets::described) fn lengths(&self) -> impl Iterator<Item = (&str, &ResidualRule)> {
        self.residuals
            .iter()
            .filter_map(|residual| Some((residual.key.as_deref()?, residual)))
    }
}

fn whole(table: &Table<'_>) -> Option<Description> {
    let name = table.must_text("name").map(|(text, at)| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() || !text.chars().all(plain) {
            table
                .mistakes()
                .add(at, "name: it is the word for the kind: small letters, digits and hyphens");
        }
        text.to_owned()
    });
    let about = table.must_text("about").map(|(text, _)| text.to_owned());
    let strings = |key| {
        table
            .texts(key)
            .into_iter()
            .map(|(text, _)| text.to_owned())
            .collect::<Vec<_>>()
    };
    let (tested, needs, keys) = (strings("tested"), names(table, "needs"), names(table, "keys"));
    if let Some(both) = needs.iter().find(|need| keys.contains(need)) {
        table.complain("keys", format!("keys: `{both}` is in `needs` too"));
    }
    let roles = [
        ("identity_provider", TargetRole::IdentityProvider),
        ("application", TargetRole::Application),
    ];
    let role = table.word("role", &roles).unwrap_or_default();
    let acts_as = [("application", true), ("account", false)];
    let acts_as_application = table.word("acts_as", &acts_as).unwrap_or_default();
    if acts_as_application && table.has("self") {
        table.complain("acts_as", "acts_as: an application has no account that [self] could name");
    }
    let origins = origins(table);
    let allowed = Allowed {
        keys: &keys,
        secrets: &needs,
        token: table.has_inside("auth", "exchange"),
        words: &[],
    };
    let auth = Auth::read(table, allowed, &origins);
    let limits = Limits::read(table);
    let answers = AnswerRule::read_all(table);
    let reading = |key, place, words: &'static [&'static str]| {
        let table = table.table(key)?;
        let read = Reading::read(&table, place, allowed.with(words), &origins);
        if place == "id" && !table.has("id") {
            table.complain("id", "the key `id` is missing");
        }
        table.done();
        read
    };
    let version = reading("version", "at", &["self"]);
    let ourselves = reading("self", "id", &["token"]);
    let admins = table.table("admins").and_then(|table| {
        let read = Admins::read(&table, allowed, &origins);
        table.done();
        read
    });
    let principal = table.table("principal").and_then(|table| {
        let read = PrincipalRule::read(&table, allowed, &origins);
        table.done();
        read
    });
    if !table.has("principal") {
        table.complain(
            "principal",
            "the table [principal] is missing; it says how an account is read",
        );
    }
    if admins.is_some() && principal.as_ref().is_some_and(|principal| principal.admin.is_none()) {
        table.complain("admins", "admins: [principal] does not say by `admin` who is one");
    }
    let resolves = resolves(table, allowed, &origins, principal.as_ref());
    let change = |key| ChangeStep::read_all(table, key, allowed, &origins);
    let (before, suspend, password) = (change("before"), change("suspend"), change("password"));
    if !suspend.is_empty() && principal.as_ref().is_some_and(|principal| principal.suspended.is_none()) {
        table.complain(
            "suspend",
            "suspend: [principal] does not say by `suspended` whether it worked",
        );
    }
    if !before.is_empty() && suspend.is_empty() {
        table.complain("before", "before: there is no [[suspend]] that it would come before");
    }
    let grants = grants(table, allowed, &origins, (!suspend.is_empty(), !password.is_empty()));
    let residuals = residuals(table, &needs, &keys);
    let ok = AnyOf::read(table, "ok");
    let password_first = table.flag("password_first");
    let not_covered = not_covered(table);
    Some(Description {
        name: name?,
        about: about?,
        tested,
        role,
        origins,
        ok,
        auth,
        limits,
        answers,
        version,
        ourselves,
        acts_as_application,
        admins,
        resolves,
        principal: principal?,
        before,
        suspend,
        password,
        password_first,
        grants,
        residuals,
        not_covered,
        needs,
        keys,
    })
}

/// Names of settings that a config can write.
fn names(table: &Table<'_>, key: &'static str) -> Vec<String> {
    let mut names = Vec::new();
    for (text, at) in table.texts(key) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if text.is_empty() || !text.chars().all(plain) {
            table.mistakes().add(
                at,
                format!("{key}: {text:?} is no name for a key: small letters, digits and underscores"),
            );
        } else if RESERVED.contains(&text) {
            table
                .mistakes()
                .add(at, format!("{key}: every target has a key `{text}` of its own already"));
        } else if names.iter().any(|name| name == text) {
            table.mistakes().add(at, format!("{key}: `{text}` stands there twice"));
        } else {
            names.push(text.to_owned());
        }
    }
    names
}

fn origins(table: &Table<'_>) -> Vec<Url> {
    let mut origins = Vec::new();
    for (text, at) in table.texts("origins") {
        let url = Url::parse(text)
            .ok()
            .filter(|url| url.scheme() == "https" && url.origin().ascii_serialization() == text);
        match url {
            Some(url) => origins.push(url),
            None => table.mistakes().add(
                at,
                "origins: it is https:// and a host, and nothing after it, such as \"https://login.example.org\"",
            ),
        }
    }
    origins
}

fn resolves(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url], principal: Option<&PrincipalRule>) -> Vec<ResolveRule> {
    let tables = table.tables("resolve");
    if tables.is_empty() {
        table.complain("resolve", "there is no [[resolve]]: nobody could be asked for");
    }
    let read: Vec<_> = tables
        .iter()
        .map(|table| {
            let read = ResolveRule::read(table, allowed, origins);
            table.done();
            (table, read)
        })
        .collect();
    let ways: Vec<_> = read.iter().filter_map(|(_, rule)| Some(rule.as_ref()?.by)).collect();
    let mut rules: Vec<ResolveRule> = Vec::new();
    for (table, rule) in read {
        let Some(rule) = rule else { continue };
        if let Some(principal) = principal {
            rule.check_against(table, principal, &ways);
        }
        if rules.iter().any(|other| other.by == rule.by && other.issuer == rule.issuer) {
            table.complain("by", format!("by: there is a [[resolve]] by {:?} already", rule.by.word()));
        }
        rules.push(rule);
    }
    rules
}

fn grants(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url], (suspends, resets): (bool, bool)) -> Vec<GrantRule> {
    let mut rules: Vec<GrantRule> = Vec::new();
    for grant in table.tables("grant") {
        let rule = GrantRule::read(&grant, allowed, origins);
        grant.done();
        let Some(rule) = rule else { continue };
        for (how, there) in [(EndedBy::Suspend, suspends), (EndedBy::Password, resets)] {
            if rule.ended_by.contains(&how) && !there {
                let word = if how == EndedBy::Suspend { "suspend" } else { "password" };
                grant.complain("ended_by", format!("ended_by: there is no [[{word}]]"));
            }
        }
        if rule.proof.is_some() && rule.ended_by.is_empty() && rule.end_all.is_none() {
            grant.complain("proof", "proof: nothing ends what it proves; write `end_all`, or `ended_by`");
        }
        if rules.iter().any(|other| (other.kind, &other.part) == (rule.kind, &rule.part)) {
            grant.complain(
                "kind",
                format!(
                    "kind: there is a [[grant]] of {} already; tell them apart by `part`",
                    rule.label()
                ),
            );
        }
        rules.push(rule);
    }
    rules
}

fn residuals(table: &Table<'_>, needs: &[String], keys: &[String]) -> Vec<ResidualRule> {
    let mut residuals = Vec::new();
    for residual in table.tables("residual") {
        let what = residual.must_text("what").map(|(text, _)| text.to_owned());
        let life = length(&residual, "life");
        let key = residual.text("key").map(|(text, at)| {
            if RESERVED.contains(&text) || needs.iter().chain(keys).any(|known| known == text) {
                residual
                    .mistakes()
                    .add(at, format!("key: `{text}` is a key of its own already"));
            }
            text.to_owned()
        });
        let covered_by_sweep = residual.flag("covered_by_sweep");
        residual.done();
        if let (Some(what), Some(life)) = (what, life) {
            residuals.push(ResidualRule {
                what,
                life,
                key,
                covered_by_sweep,
            });
        }
    }
    residuals
}

fn not_covered(table: &Table<'_>) -> Vec<String> {
    if !table.has("not_covered") {
        table.complain(
            "not_covered",
            "the table [not_covered] is missing; a description says what it does not end or see",
        );
    }
    let mut sentences = Vec::new();
    for (name, value) in table.pairs("not_covered") {
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => sentences.push(text.to_owned()),
            _ => table
                .mistakes()
                .add(value.span(), format!("{name}: it must be a sentence in quotes")),
        }
    }
    sentences
}

#[cfg(test)]
mod tests;
