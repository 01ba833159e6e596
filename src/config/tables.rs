//! The plain tables: their defaults, and what their values must look like.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;

use super::Diagnostics;
use super::file::{self, LogFormat};
use crate::settings::{Period, nearest};

/// The HTTP server: where it listens, and what one client may take of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address.
    pub address: SocketAddr,
    /// For the first byte of a connection, and from there for a request's header.
    pub header: Duration,
    /// For a request's body.
    pub body: Duration,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub per_peer: usize,
    /// Peers whose `X-Forwarded-For` tells clients apart.
    pub proxies: Vec<IpAddr>,
}

/// How failed attempts are tried again: full jitter below a bound that doubles from the first to the longest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// After how many counted attempts a job goes to the could-not-revoke ledger.
    pub attempts: u32,
    /// The bound of the first wait.
    pub first: Duration,
    /// The bound stays here.
    pub longest: Duration,
    /// The bound of the first wait of urgent work.
    pub urgent_first: Duration,
    /// The bound of urgent work stays here.
    pub urgent_longest: Duration,
}

/// The could-not-revoke ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// How long an entry may stand before it alerts again.
    pub alert_after: Duration,
}

/// How long what is over is kept. The trail stays for ever; it holds hashes, and references that outlive the person's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Closed cases with their jobs, evidence and signals.
    pub cases: Duration,
    /// The key and the names of a person about whom nothing is open; with it every reference in the trail loses its person.
    pub people: Duration,
}

/// Log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// What is logged: a level, or directives such as `info,revoked::worker=debug`.
    pub level: String,
    /// How it is written.
    pub format: LogFormat,
}

pub(super) fn listen(written: &file::Listen, found: &mut Diagnostics) -> Listen {
    let address = match &written.address {
        None => SocketAddr::from(([127, 0, 0, 1], 8480)),
        Some(text) => text.get_ref().parse().unwrap_or_else(|_| {
            let message = "address: it is not an IP address with a port; write one such as \"127.0.0.1:8480\" or \"[::1]:8480\"";
            found.complain(text.span(), message);
            SocketAddr::from(([127, 0, 0, 1], 8480))
        }),
    };
    if !address.ip().is_loopback() {
        found.warn(format!(
            "[listen] address {address} can be reached from elsewhere without TLS; listen on 127.0.0.1 behind a proxy that ends TLS"
        ));
    }
    let count = |written: &Option<Spanned<u32>>, default: u32, key: &str, found: &mut Diagnostics| {
        let count = value(written.as_ref(), default, found, |count| {
            (1..=100_000)
                .contains(count)
                .then_some(())
                .ok_or_else(|| format!("{key}: it must be from 1 to 100000"))
        });
        usize::try_from(count).unwrap_or(usize::MAX)
    };
    let connections = count(&written.connections, 1024, "connections", found);
    let per_peer = count(&written.per_peer, 16, "per_peer", found);
    let proxies = written.proxies.iter().filter_map(|text| {
        let parsed = text.get_ref().parse();
        if parsed.is_err() {
            found.errors.push(crate::settings::ConfigError::at(
                text.span(),
                "proxies: it is not an IP address",
            ));
        }
        parsed.ok()
    });
    Listen {
        proxies: proxies.collect(),
        address,
        header: period(
            written.header.as_ref(),
            "header",
            Duration::from_secs(10),
            SECOND..=HOUR,
            found,
        ),
        body: period(written.body.as_ref(), "body", Duration::from_secs(10), SECOND..=HOUR, found),
        connections,
        per_peer,
    }
}

pub(super) fn retry(written: &file::Retry, found: &mut Diagnostics) -> Retry {
    let attempts = value(written.attempts.as_ref(), 8, found, |attempts| {
        (1..=1000)
            .contains(attempts)
            .then_some(())
            .ok_or_else(|| "attempts: it must be from 1 to 1000".to_owned())
    });
    let mut wait = |written: &Option<Spanned<Period>>, key: &str, default: Duration| {
        period(written.as_ref(), key, default, TENTH..=DAY, found)
    };
    let retry = Retry {
        attempts,
        first: wait(&written.first, "first", Duration::from_secs(5)),
        longest: wait(&written.longest, "longest", Duration::from_mins(10)),
        urgent_first: wait(&written.urgent_first, "urgent_first", Duration::from_secs(1)),
        urgent_longest: wait(&written.urgent_longest, "urgent_longest", Duration::from_secs(30)),
    };
    let pairs = [
        (
            retry.first,
            retry.longest,
            &written.first,
            &written.longest,
            "first",
            "longest",
        ),
        (
            retry.urgent_first,
            retry.urgent_longest,
            &written.urgent_first,
            &written.urgent_longest,
            "urgent_first",
            "urgent_longest",
        ),
    ];
    for (first, longest, first_written, longest_written, first_key, longest_key) in pairs {
        if first > longest
            && let Some(at) = longest_written.as_ref().or(first_written.as_ref())
        {
            let (first, longest) = (Period(first), Period(longest));
            found.complain(
                at.span(),
                format!("{first_key} ({first}) is longer than {longest_key} ({longest})"),
            );
        }
    }
    retry
}

pub(super) fn ledger(written: &file::Ledger, found: &mut Diagnostics) -> Ledger {
    Ledger {
        alert_after: period(
            written.alert_after.as_ref(),
            "alert_after",
            Duration::from_mins(15),
            MINUTE..=MONTH,
            found,
        ),
    }
}

pub(super) fn retention(written: &file::Retention, found: &mut Diagnostics) -> Retention {
    let retention = Retention {
        cases: period(written.cases.as_ref(), "cases", DAY * 365, DAY..=CENTURY, found),
        people: period(written.people.as_ref(), "people", DAY * 400, DAY..=CENTURY, found),
    };
    if retention.people < retention.cases
        && let Some(at) = written.people.as_ref().or(written.cases.as_ref())
    {
        let (people, cases) = (Period(retention.people), Period(retention.cases));
        found.complain(
            at.span(),
            format!("people ({people}) is shorter than cases ({cases}): a case that is kept needs to know whom it is about"),
        );
    }
    retention
}

pub(super) fn log(written: &file::Log, found: &mut Diagnostics) -> Log {
    let level = match &written.level {
        None => "info".to_owned(),
        Some(text) => {
            if let Err(message) = directives(text.get_ref()) {
                found.complain(text.span(), format!("level: {message}"));
            }
            text.get_ref().clone()
        }
    };
    Log {
        level,
        format: written.format.unwrap_or_default(),
    }
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Checks a level, or directives with commas between them.
fn directives(text: &str) -> Result<(), String> {
    for directive in text.split(',') {
        let level = directive.rsplit('=').next().unwrap_or_default().trim();
        if !LEVELS.contains(&level) {
            return Err(match nearest(level, LEVELS) {
                Some(meant) => format!("{level:?} is not a level; did you mean {meant:?}?"),
                None => format!("{level:?} is not a level; the levels are {}", LEVELS.join(", ")),
            });
        }
    }
    Ok(())
}

const TENTH: Duration = Duration::from_millis(100);
pub(super) const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
pub(super) const MONTH: Duration = Duration::from_hours(24 * 31);
const CENTURY: Duration = Duration::from_hours(24 * 36_525);

/// The written length, or the default; a complaint where it is outside the bounds.
pub(super) fn period(
    written: Option<&Spanned<Period>>,
    key: &str,
    default: Duration,
    bounds: RangeInclusive<Duration>,
    found: &mut Diagnostics,
) -> Duration {
    value(written, Period(default), found, |period| {
        let (least, most) = (Period(*bounds.start()), Period(*bounds.end()));
        bounds
            .contains(&period.0)
            .then_some(())
            .ok_or_else(|| format!("{key}: it must be from {least} to {most}, not {period}"))
    })
    .0
}

/// The written value, or the default; a complaint at its place where the check refuses it.
pub(super) fn value<T: Copy>(
    written: Option<&Spanned<T>>,
    default: T,
    found: &mut Diagnostics,
    check: impl Fn(&T) -> Result<(), String>,
) -> T {
    let Some(written) = written else { return default };
    if let Err(message) = check(written.get_ref()) {
        found.complain(written.span(), message);
    }
    *written.get_ref()
}
