//! `[[target]]` and `[[source]]`: takes their tables apart into the keys that all have and the keys of their kind, and builds them.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::bounds::{Bound, DeliveryBound, ShareBound};
use super::file;
use super::source_rules::WrittenRules;
use super::{Diagnostics, SourceConfig, TargetConfig, UnbuiltSource};
use crate::canary::Canary;
use crate::clock::Clock;
use crate::policy::{INBOX, Limits};
use crate::settings::{ConfigError, Period, Rate, Settings, nearest};
use crate::sources::{self, Source};
use crate::targets;

const RATE: &str = "10/s";
const CONCURRENCY: u32 = 4;
const BURST: u32 = 10;
/// How long after its end a canary's credential may still work where the config does not say, and how often it is tried.
const CANARY_WITHIN: Duration = Duration::from_mins(1);
const CANARY_EVERY: Duration = Duration::from_hours(24);
/// The daemon looks once an hour which of them is due.
const CANARY_TIMES: RangeInclusive<Duration> = Duration::from_hours(1)..=Duration::from_hours(31 * 24);
/// What `silent_after` may be.
const SILENCES: RangeInclusive<Duration> = Duration::from_mins(5)..=Duration::from_hours(366 * 24);

/// One `[[…]]` table.
type Entry<'a> = Spanned<DeTable<'a>>;

/// The limits that a source has of its own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SourceLimits {
    pub(super) departures_per_delivery: Option<DeliveryBound>,
    pub(super) departures_per_hour: Option<Bound>,
    pub(super) departures_share: Option<ShareBound>,
    pub(super) compromises_per_minute: Option<Bound>,
    pub(super) compromises_share: Option<ShareBound>,
    pub(super) compromises_per_operator: Option<Bound>,
}

/// What policy is told of a source.
#[derive(Debug, Default)]
pub(super) struct SourcePolicy {
    pub(super) limits: SourceLimits,
    pub(super) rules: WrittenRules,
}

/// Takes the tables `[[name]]` out of the file.
pub(super) fn take<'a>(root: &mut Spanned<DeTable<'a>>, name: &str, found: &mut Diagnostics) -> Vec<Entry<'a>> {
    let Some((key, value)) = root.get_mut().remove_entry(name) else {
        return Vec::new();
    };
    let span = value.span();
    let DeValue::Array(array) = value.into_inner() else {
        found.complain(
            key.span(),
            format!("write [[{name}]], with two brackets: there may be several"),
        );
        return Vec::new();
    };
    let mut entries = Vec::new();
    for member in array {
        let at = member.span();
        match member.into_inner() {
            DeValue::Table(table) => entries.push(Spanned::new(at, table)),
            _ => found.complain(span.clone(), format!("write [[{name}]] with its keys on the lines after it")),
        }
    }
    entries
}

/// Adds `[[target]]`, `[[source]]`, `[[receiver]]` and `[[notify]]` to what the complaint about an unknown table suggests.
pub(super) fn with_arrays(mut complaint: ConfigError) -> ConfigError {
    if let Some(key) = quoted(&complaint.message)
        && let Some(array) = nearest(key, ["target", "source", "receiver", "notify"])
        && !complaint.message.contains("did you mean")
    {
        complaint.message = format!("unknown key `{key}`; did you mean `[[{array}]]`?");
    }
    complaint
}

/// The key that a complaint about an unknown key is about.
fn quoted(message: &str) -> Option<&str> {
    message.strip_prefix("unknown key `")?.split('`').next()
}

/// The keys that every entry has, and those of its kind.
pub(super) fn split<'a>(entry: Entry<'a>, shared: &[&str]) -> (Entry<'a>, Entry<'a>) {
    let span = entry.span();
    let (ours, theirs): (Vec<_>, Vec<_>) = entry
        .into_inner()
        .into_iter()
        .partition(|(key, _)| shared.contains(&&**key.get_ref()));
    (
        Spanned::new(span.clone(), ours.into_iter().collect()),
        Spanned::new(span, theirs.into_iter().collect()),
    )
}

/// What a kind complains about, with a place and, for an unknown key, the keys that every entry has in mind too.
pub(super) fn of_kind(errors: Vec<ConfigError>, at: &Range<usize>, shared: &[&str], found: &mut Diagnostics) {
    for complaint in errors {
        let mut complaint = complaint.or_at(at.clone());
        if let Some(key) = quoted(&complaint.message)
            && let Some(meant) = nearest(key, shared.iter().copied())
            && !complaint.message.contains("did you mean")
        {
            complaint.message = format!("unknown key `{key}`; did you mean `{meant}`?");
        }
        found.errors.push(complaint);
    }
}

/// Where nobody knows the kind, only keys that are nearly one that every entry has can be told to be wrong.
fn misspelt(theirs: &Entry<'_>, shared: &[&str], found: &mut Diagnostics) {
    for (key, _) in theirs.get_ref() {
        if let Some(meant) = nearest(key.get_ref(), shared.iter().copied()) {
            found.complain(
                key.span(),
                format!("unknown key `{}`; did you mean `{meant}`?", key.get_ref()),
            );
        }
    }
}

/// Builds the targets. The names are returned apart from what was built, so that a target that cannot be built is still known by name.
pub(super) fn targets(entries: Vec<Entry<'_>>, clock: &Clock, found: &mut Diagnostics) -> (Vec<TargetConfig>, Vec<String>) {
    let mut built = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for entry in entries {
        let span = entry.span();
        let (ours, theirs) = split(entry, &targets::SHARED_KEYS);
        let missing = missing(&ours);
        let written: file::Target = shared(ours, found);
        found.errors.extend(missing);
        if let Some(name) = &written.name {
            claim(name, &mut names, "target", found);
        }
        let kind = written.kind.as_ref().and_then(|word| {
            let kind = targets::KINDS.iter().find(|kind| kind.name == word.get_ref());
            if kind.is_none() {
                let known = targets::KINDS.iter().map(|kind| kind.name);
                found.errors.push(unknown_kind("target", word, known));
            }
            kind
        });
        let rate = rate(written.rate.as_ref(), found);
        let concurrency = written.concurrency.as_ref().map_or(CONCURRENCY, |written| {
            if !(1..=1000).contains(written.get_ref()) {
                found.complain(written.span(), "concurrency: it must be from 1 to 1000");
            }
            *written.get_ref()
        });
        let burst = written.burst.as_ref().map_or(BURST, |written| {
            if *written.get_ref() > 1000 {
                found.complain(
                    written.span(),
                    "burst: it must be from 0 to 1000; 0 lets nothing go faster than `rate`",
                );
            }
            *written.get_ref()
        });
        let name = written.name.map(Spanned::into_inner).unwrap_or_default();
        let Some(kind) = kind else {
            misspelt(&theirs, &targets::SHARED_KEYS, found);
            continue;
        };
        let settings = Settings {
            name: &name,
            table: theirs,
        };
        match ((kind.build)(&settings, clock), rate) {
            (Ok(target), Some(rate)) => built.push(TargetConfig {
                canary: written
                    .canary
                    .and_then(|written| canary(written, target.as_ref(), kind.name, found)),
                name,
                kind: kind.name,
                rate,
                burst,
                concurrency: usize::try_from(concurrency).unwrap_or(usize::MAX),
                role: written.role.or_else(|| target.role()).unwrap_or(kind.role),
                target,
            }),
            (Ok(_), None) => {}
            (Err(errors), _) => of_kind(errors, &span, &targets::SHARED_KEYS, found),
        }
    }
    (built, names)
}

/// Reads the keys that every entry has, as far as they can be read.
fn shared<T: Default + serde::de::DeserializeOwned>(ours: Entry<'_>, found: &mut Diagnostics) -> T {
    let (written, errors) = crate::settings::salvage(ours);
    found.errors.extend(errors);
    written.unwrap_or_default()
}

/// The keys that every entry must have and this one has not.
fn missing(entry: &Entry<'_>) -> Vec<ConfigError> {
    let keys = ["name", "kind"].into_iter().filter(|key| !entry.get_ref().contains_key(*key));
    keys.map(|key| ConfigError::at(entry.span(), format!("the key `{key}` is missing")))
        .collect()
}

/// The canary of a target, where one can sign in there.
fn canary(written: Spanned<file::Canary>, target: &dyn targets::Target, kind: &str, found: &mut Diagnostics) -> Option<Canary> {
    let span = written.span();
    let file::Canary {
        subject,
        login,
        password,
        within,
        every,
    } = written.into_inner();
    if !target.takes_canaries() {
        found.complain(
            span,
            format!("canary: revoked knows no sign-in at a target of the kind {kind}; leave it out"),
        );
        return None;
    }
    if subject.names().len() > 1 || !target.asks_by(&subject) {
        found.complain(
            span,
            "canary: subject must be one name by which this target can be asked, such as username:revoked-canary",
        );
        return None;
    }
    let within = within.map_or(CANARY_WITHIN, |period| period.0);
    let every = every.map_or(CANARY_EVERY, |period| period.0);
    if !CANARY_TIMES.contains(&every) || !(Duration::from_secs(1)..=Duration::from_mins(10)).contains(&within) {
        found.complain(span, "canary: within is from 1s to 10m, and every from 1h to 31d");
        return None;
    }
    let value = subject.to_string();
    let value = value.split_once(':').map_or(value.as_str(), |(_, value)| value);
    Some(Canary {
        login: login.unwrap_or_else(|| value.to_owned()),
        subject,
        password,
        within,
        every,
    })
}

fn rate(written: Option<&Spanned<String>>, found: &mut Diagnostics) -> Option<Rate> {
    let text = written.map_or(RATE, |written| written.get_ref());
    match text.parse() {
        Ok(rate) => Some(rate),
        Err(error) => {
            found.complain(written.map_or(0..0, Spanned::span), format!("rate: {error}"));
            None
        }
    }
}

/// Builds the sources, the operators' inbox first, and collects the limits that they have of their own.
pub(super) fn sources(
    entries: Vec<Entry<'_>>,
    target_names: &[String],
    clock: &Clock,
    found: &mut Diagnostics,
) -> (Vec<SourceConfig>, Vec<UnbuiltSource>, BTreeMap<String, SourcePolicy>) {
    let mut unbuilt = Vec::new();
    let mut built = vec![SourceConfig {
        name: INBOX.to_owned(),
        kind: INBOX,
        limits: Limits::operators(),
        silent_after: None,
        source: Source::Inbox,
    }];
    let mut overrides = BTreeMap::from([(INBOX.to_owned(), SourcePolicy::default())]);
    let mut names: Vec<String> = Vec::new();
    let mut streams: Vec<(String, String)> = Vec::new();
    for entry in entries {
        let span = entry.span();
        let (ours, theirs) = split(entry, &file::Source::KEYS);
        one_stream(&theirs, &mut streams, found);
        let missing = missing(&ours);
        let mut written: file::Source = shared(ours, found);
        let is_inbox = written.kind.as_ref().is_some_and(|word| word.get_ref() == INBOX);
        let name = match &written.name {
            Some(name) => {
                claim(name, &mut names, "source", found);
                if is_inbox != (name.get_ref() == INBOX) {
                    found.complain(
                        name.span(),
                        "name: the source of the kind `inbox` is called `inbox`, and no other is",
                    );
                }
                name.get_ref().clone()
            }
            None if is_inbox => {
                claim(&Spanned::new(span.clone(), INBOX.to_owned()), &mut names, "source", found);
                INBOX.to_owned()
            }
            None => String::new(),
        };
        found.errors.extend(
            missing
                .into_iter()
                .filter(|complaint| !(is_inbox && complaint.message.contains("`name`"))),
        );
        if let Some(bound) = written.compromises_per_operator.as_ref().filter(|_| !is_inbox) {
            found.complain(
                bound.span(),
                "compromises_per_operator: operators ask through the inbox alone; write it in the [[source]] of the kind `inbox`",
            );
        }
        let rules = WrittenRules::of(&mut written);
        let word = written.kind.as_ref();
        let limits = SourceLimits {
            departures_per_delivery: written.departures_per_delivery,
            departures_per_hour: written.departures_per_hour,
            departures_share: written.departures_share,
            compromises_per_minute: written.compromises_per_minute,
            compromises_share: written.compromises_share,
            compromises_per_operator: written.compromises_per_operator.as_ref().map(|bound| *bound.get_ref()),
        };
        overrides.insert(name.clone(), SourcePolicy { limits, rules });
        let silent_after = silent_after(written.silent_after.as_ref(), found);
        let kind = word.and_then(|word| {
            let kind = sources::KINDS.iter().find(|kind| kind.name == word.get_ref());
            if kind.is_none() {
                let known = sources::KINDS.iter().map(|kind| kind.name);
                found.errors.push(unknown_kind("source", word, known));
            }
            kind
        });
        let Some(kind) = kind else {
            misspelt(&theirs, &file::Source::KEYS, found);
            continue;
        };
        let settings = Settings {
            name: &name,
            table: theirs,
        };
        match (kind.build)(&settings, clock) {
            // It stands in the list already.
            Ok(_) if is_inbox => built[0].silent_after = silent_after,
            Ok(source) => {
                names_targets(&source, target_names, &span, found);
                built.push(SourceConfig {
                    name,
                    kind: kind.name,
                    limits: Limits::default(),
                    silent_after,
                    source,
                });
            }
            Err(errors) => {
                of_kind(errors, &span, &file::Source::KEYS, found);
                unbuilt.push(UnbuiltSource {
                    name,
                    kind: kind.name,
                    silent_after,
                });
            }
        }
    }
    (built, unbuilt, overrides)
}

/// A source must not ask for work at a target that is not there.
fn names_targets(source: &Source, target_names: &[String], span: &std::ops::Range<usize>, found: &mut Diagnostics) {
    let named = source.push().map(|push| push.targets()).unwrap_or_default();
    for name in named
        .into_iter()
        .filter(|name| target_names.iter().all(|known| known != name))
    {
        let meant = nearest(name, target_names.iter().map(String::as_str));
        let meant = meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
        found.complain(span.clone(), format!("target: no target is called `{name}`{meant}"));
    }
}

/// How long a source may say nothing. It is looked at every 15 s, so that much less would promise too much.
fn silent_after(written: Option<&Spanned<Period>>, found: &mut Diagnostics) -> Option<Duration> {
    let written = written?;
    let length = written.get_ref().0;
    if !SILENCES.contains(&length) {
        let (least, most) = (Period(*SILENCES.start()), Period(*SILENCES.end()));
        found.complain(written.span(), format!("silent_after: it must be from {least} to {most}"));
    }
    Some(length)
}

/// Two sources for the same stream would take each signal twice, under two limits.
fn one_stream(entry: &Entry<'_>, streams: &mut Vec<(String, String)>, found: &mut Diagnostics) {
    let table = entry.get_ref();
    let issuer = table.get("issuer").and_then(|value| value.get_ref().as_str());
    let (Some(issuer), Some(audience)) = (issuer, table.get("audience")) else {
        return;
    };
    let audiences: Vec<&Spanned<DeValue<'_>>> = match audience.get_ref() {
        DeValue::Array(list) => list.iter().collect(),
        _ => vec![audience],
    };
    for audience in audiences {
        let Some(name) = audience.get_ref().as_str() else { continue };
        let stream = (issuer.to_owned(), name.to_owned());
        if streams.contains(&stream) {
            found.complain(audience.span(), "audience: another source has the same issuer and audience");
        }
        streams.push(stream);
    }
}

/// Takes a name, and complains where it is taken already or does not look like one.
pub(super) fn claim(name: &Spanned<String>, names: &mut Vec<String>, what: &str, found: &mut Diagnostics) {
    if names.contains(name.get_ref()) {
        found.complain(
            name.span(),
            format!("name: another {what} is called `{}` already", name.get_ref()),
        );
    } else if let Some(message) = bad_name(name.get_ref()) {
        found.complain(name.span(), format!("name: {message}"));
    }
    names.push(name.get_ref().clone());
}

/// What is wrong with a name: it stands in URLs, metrics and table keys.
pub(super) fn bad_name(name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let good = name.len() <= 40 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain);
    (!good).then(|| "it must be up to 40 of a-z, 0-9, - and _, with a letter first".to_owned())
}

pub(super) fn unknown_kind<'k>(what: &str, written: &Spanned<String>, known: impl Iterator<Item = &'k str> + Clone) -> ConfigError {
    let word: String = written.get_ref().chars().take(40).collect();
    let message = match nearest(&word, known.clone()) {
        Some(meant) => format!("kind: no kind of {what} is called {word:?}; did you mean {meant:?}?"),
        None => format!(
            "kind: no kind of {what} is called {word:?}; there are {} (see revoked kinds)",
            known.collect::<Vec<_>>().join(", ")
        ),
    };
    ConfigError::at(written.span(), message)
}
