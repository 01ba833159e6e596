//! `[[notify]]`: the channels on which people are told of alerts.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

use super::alerts::Alerts;
use super::notify_carriers::{Written as CarrierKeys, carrier};
use super::{Diagnostics, entries};
use crate::model::{ALERT_KINDS, Subject, iana_zone, time_of_day};
use crate::notify::{Carrier, Channel, EachAlert, KINDS, QuietHours};
use crate::secret::is_unreadable_here;
use crate::settings::{Period, Settings, nearest};
use crate::store::{ChannelRules, EXEC_CHANNEL, Gathering};

/// For how long what is not urgent is gathered.
const WAIT: Duration = Duration::from_secs(30);
/// How many alerts an Alertmanager is told at once.
const SET: usize = 100;
/// The longest wait of a step.
const LONGEST_STEP: Duration = Duration::from_hours(24);

/// The keys that every channel has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// The channel's name.
    name: Spanned<String>,
    /// What kind of channel it is.
    kind: Spanned<String>,
    /// Only these kinds of alerts.
    kinds: Option<Vec<Spanned<String>>>,
    /// `"urgent"`, or `"any"`.
    urgency: Option<Wanted>,
    /// Whether it may be told names of people.
    #[serde(default)]
    details: bool,
    /// Whom it reaches.
    #[serde(default)]
    reaches: Vec<Spanned<String>>,
    /// When it is told only what is urgent.
    quiet: Option<Spanned<Quiet>>,
    /// Only where nobody has acknowledged for so long.
    after: Option<Spanned<Period>>,
}

impl Keys {
    const NAMES: [&'static str; 8] = ["name", "kind", "kinds", "urgency", "details", "reaches", "quiet", "after"];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    Any,
    Urgent,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Quiet {
    from: String,
    to: String,
    zone: String,
}

/// Builds the channels: those that are written, and the program of `[alerts] exec`.
pub(super) fn channels(written: Vec<Spanned<DeTable<'_>>>, alerts: &Alerts, source: &str, found: &mut Diagnostics) -> Vec<Channel> {
    let mut names = Vec::new();
    let mut channels: Vec<Channel> = written
        .into_iter()
        .filter_map(|entry| channel(entry, &mut names, source, found))
        .collect();
    // The last step is told again and again.
    let last = channels.iter().map(|channel| channel.rules.after).max().unwrap_or_default();
    for channel in &mut channels {
        channel.rules.repeats = !last.is_zero() && channel.rules.after == last;
    }
    if !channels.is_empty() && channels.iter().all(|channel| !channel.rules.after.is_zero()) {
        found.warn("every [[notify]] waits (after): nobody is told of an alert when it is raised");
    }
    channels.extend(alerts.program.as_ref().map(|program| Channel {
        rules: ChannelRules {
            name: EXEC_CHANNEL.to_owned(),
            carrier: "[alerts] exec",
            kinds: Vec::new(),
            urgent_only: false,
            after: Duration::ZERO,
            repeats: false,
            wait: Duration::ZERO,
            tells_care: false,
            tells_over: false,
            tells_each: true,
        },
        details: true,
        reaches: Vec::new(),
        quiet: None,
        recipients: vec![String::new()],
        gathering: Gathering::Each,
        carrier: Some(Arc::new(EachAlert {
            program: program.program.clone(),
            attempts: program.attempts,
        })),
    }));
    channels
}

fn channel(entry: Spanned<DeTable<'_>>, names: &mut Vec<String>, source: &str, found: &mut Diagnostics) -> Option<Channel> {
    let span = entry.span();
    let (ours, theirs) = entries::split(entry, &Keys::NAMES);
    let (written, errors) = crate::settings::salvage::<Keys>(ours);
    let is_whole = errors.is_empty();
    found.errors.extend(errors);
    let written = written.filter(|_| is_whole)?;
    entries::claim(&written.name, names, "channel", found);
    let Some(kind) = KINDS.into_iter().find(|kind| kind == written.kind.get_ref()) else {
        found
            .errors
            .push(entries::unknown_kind("channel", &written.kind, KINDS.into_iter()));
        return None;
    };
    let rules = rules(&written, kind, found);
    let settings = Settings {
        name: written.name.get_ref(),
        table: theirs,
    };
    let keys: CarrierKeys = match settings.read() {
        Ok(keys) => keys,
        Err(errors) => {
            entries::of_kind(errors, &span, &Keys::NAMES, found);
            return None;
        }
    };
    let mut errors = Vec::new();
    let built: Option<Arc<dyn Carrier>> = {
        let mut complain = |key: &str, message: String| errors.push(settings.complain(key, format!("{key}: {message}")));
        carrier(kind, &keys, source, &mut complain)
    };
    // Where all that is wrong is that a secret is the daemon's alone, the channel is there all the same.
    let is_sound = errors.iter().all(|error| is_unreadable_here(&error.message));
    found.errors.extend(errors);
    if !is_sound {
        return None;
    }
    let recipients = match kind {
        "smtp" => keys.to.iter().flatten().map(|to| to.get_ref().clone()).collect(),
        _ => vec![String::new()],
    };
    Some(Channel {
        rules,
        details: written.details,
        reaches: reaches(&written.reaches, found),
        quiet: written.quiet.as_ref().and_then(|quiet| quiet_hours(quiet, found)),
        recipients,
        gathering: match kind {
            "pagerduty" => Gathering::Singly,
            "alertmanager" => Gathering::Sets(SET),
            _ => Gathering::Together,
        },
        carrier: built,
    })
}

fn rules(written: &Keys, kind: &'static str, found: &mut Diagnostics) -> ChannelRules {
    let kinds = written.kinds.iter().flatten();
    for word in kinds.clone() {
        let known = ALERT_KINDS.iter().map(|(name, ..)| *name);
        if !known.clone().any(|name| name == word.get_ref()) {
            let message = match nearest(word.get_ref(), known) {
                Some(meant) => format!(
                    "kinds: there is no kind of alert called {:?}; did you mean {meant:?}?",
                    word.get_ref()
                ),
                None => format!(
                    "kinds: there is no kind of alert called {:?}; docs/operating.md lists them",
                    word.get_ref()
                ),
            };
            found.complain(word.span(), message);
        }
    }
    if written.kinds.as_ref().is_some_and(Vec::is_empty) {
        found.complain(
            written.name.span(),
            "kinds: an empty list is told of nothing; leave it out for all kinds",
        );
    }
    let after = written.after.as_ref().map_or(Duration::ZERO, |after| {
        if after.get_ref().0 > LONGEST_STEP {
            found.complain(after.span(), format!("after: it must be up to {}", Period(LONGEST_STEP)));
        }
        after.get_ref().0
    });
    ChannelRules {
        name: written.name.get_ref().clone(),
        carrier: kind,
        kinds: kinds.map(|kind| kind.get_ref().clone()).collect(),
        urgent_only: written.urgency == Some(Wanted::Urgent),
        after,
        repeats: false,
        wait: WAIT,
        tells_care: !matches!(kind, "smtp" | "alertmanager"),
        tells_over: true,
        tells_each: false,
    }
}

/// Whom the channel reaches whoever gets it.
fn reaches(written: &[Spanned<String>], found: &mut Diagnostics) -> Vec<Subject> {
    let mut people = Vec::new();
    for text in written {
        match text.get_ref().parse::<Subject>() {
            Ok(subject) => people.push(subject),
            Err(error) => found.complain(text.span(), format!("reaches: {error}")),
        }
    }
    people
}

fn quiet_hours(written: &Spanned<Quiet>, found: &mut Diagnostics) -> Option<QuietHours> {
    let quiet = written.get_ref();
    let mut time = |key: &str, text: &str| {
        let time = time_of_day(text);
        if time.is_none() {
            found.complain(written.span(), format!("quiet: {key} must be a time such as \"22:00\""));
        }
        time
    };
    let (from, to) = (time("from", &quiet.from), time("to", &quiet.to));
    let zone = iana_zone(&quiet.zone);
    if zone.is_none() {
        found.complain(written.span(), "quiet: zone must be one such as \"Europe/Berlin\"");
    }
    let hours = QuietHours {
        from: from?,
        to: to?,
        zone: zone?,
    };
    if hours.from == hours.to {
        found.complain(written.span(), "quiet: from and to are the same: it would never be quiet");
    }
    Some(hours)
}
