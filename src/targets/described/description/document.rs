//! A whole document: every table of a description, and what one says about another.

use reqwest::Url;

use super::answer::{AnswerRule, AnyOf};
use super::auth::{Auth, length};
use super::change::ChangeStep;
use super::grant::{EndedBy, GrantRule};
use super::limits::Limits;
use super::principal::{Admins, PrincipalRule, Reading};
use super::resolve::ResolveRule;
use super::table::Table;
use super::template::Allowed;
use super::{Description, ResidualRule};
use crate::targets::{SHARED_KEYS, TargetRole};

/// Keys of a target's table in the config that every described target has.
pub(in crate::targets::described) const OWN_KEYS: [&str; 6] =
    ["url", "ca_file", "connect_timeout", "timeout", "ourselves", "origins"];

/// The key that names the file with the description.
pub(in crate::targets::described) const FILE_KEY: &str = "description";

/// Whether a key of a target's table means something already, whatever the description.
fn is_reserved(key: &str) -> bool {
    SHARED_KEYS.contains(&key) || OWN_KEYS.contains(&key) || key == FILE_KEY
}

/// Reads a whole document. Mistakes are noted in the table; `None` where too much is wrong to go on.
pub(in crate::targets::described) fn read(table: &Table<'_>) -> Option<Description> {
    let name = name(table);
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
    let role = role(table);
    let acts_as_application = acts_as_application(table);
    let origins = origins(table);
    let allowed = Allowed {
        keys: &keys,
        secrets: &needs,
        application: acts_as_application,
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
    let ourselves = reading("self", "id", &[]);
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

fn name(table: &Table<'_>) -> Option<String> {
    let (text, at) = table.must_text("name")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || !text.chars().all(plain) {
        table
            .mistakes()
            .add(at, "name: it is the word for the kind: small letters, digits and hyphens");
    }
    Some(text.to_owned())
}

fn role(table: &Table<'_>) -> TargetRole {
    let roles = [
        ("identity_provider", TargetRole::IdentityProvider),
        ("application", TargetRole::Application),
    ];
    table.word("role", &roles).unwrap_or_default()
}

/// Whether the credential is an application's own, and no account.
fn acts_as_application(table: &Table<'_>) -> bool {
    let ways = [("application", true), ("account", false)];
    let application = table.word("acts_as", &ways).unwrap_or_default();
    if application && table.has("self") {
        table.complain("acts_as", "acts_as: an application has no account that [self] could name");
    }
    application
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
        } else if is_reserved(text) {
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
            if is_reserved(text) || needs.iter().chain(keys).any(|known| known == text) {
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
