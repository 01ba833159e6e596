//! Reads a file as the daemon would, and weighs its rows against each other.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::Context as _;

use super::found::{Effect, Preview, PreviewRefusal, PreviewRow};
use super::totals::Totals;
use crate::digest::hex;
use crate::model::{Disposition, Leaves, Timestamp};
use crate::sources::hr_csv::drop_folder::completeness::{self, Mismatch};
use crate::sources::hr_csv::files::regular_file::{self, Opened};
use crate::sources::hr_csv::files::signature;
use crate::sources::hr_csv::rows::change_kind::ChangeKind;
use crate::sources::hr_csv::rows::contents::{self, FileContents};
use crate::sources::hr_csv::rows::row::Row;
use crate::sources::hr_csv::rows::urgency::Urgency;
use crate::sources::hr_csv::settings::rules::{LARGEST_FILE, Rules, too_large};
use crate::sources::hr_csv::statements::latest::{LatestStatement, latest_statements};
use crate::sources::hr_csv::statements::persons::Overtaken;
use crate::sources::hr_csv::statements::signals;

/// Reads a file as the source would at `now`, and changes nothing.
///
/// # Errors
/// Where the file cannot be read at all.
pub fn preview(path: &Path, rules: &Rules, now: Timestamp) -> anyhow::Result<Preview> {
    Ok(found(read(path, rules)?, rules, now))
}

/// The same of a file that came without a place of its own: what lies beside it cannot be looked at.
///
/// # Errors
/// Never for want of anything outside of `bytes`.
pub fn preview_bytes(bytes: &[u8], rules: &Rules, now: Timestamp) -> anyhow::Result<Preview> {
    let mut contents = if bytes.len() as u64 > LARGEST_FILE {
        of_too_much()
    } else {
        contents::read(bytes, rules)?
    };
    if let Err(Mismatch(why)) = completeness::trailer(&contents) {
        contents.rejected.get_or_insert(why);
    }
    let mut preview = found(contents, rules, now);
    preview.not_checked = rules
        .signature
        .is_some()
        .then(|| "its signature, which the daemon demands in a file beside it".to_owned());
    Ok(preview)
}

/// What is found in a file.
fn found(mut contents: FileContents, rules: &Rules, now: Timestamp) -> Preview {
    let refused = std::mem::take(&mut contents.bad).into_iter().map(|bad| PreviewRefusal {
        place: bad.place(),
        whose: bad.named(),
        column: bad.why.column,
        value: bad.value,
        why: bad.why.what,
        instead: bad.why.instead,
        stays: !bad.why.counts,
    });
    let refused: Vec<_> = refused.collect();
    let null_days = contents.rows.iter().filter(|(_, row)| row.null_day).count() as u64;
    let said = latest_statements(contents.rows, now);
    let stands = standing(&said);
    let mut rows: Vec<_> = said
        .iter()
        .enumerate()
        // What is not clear stands among what could not be read.
        .filter(|(_, said)| said.row.change != ChangeKind::Unclear)
        .map(|(turn, said)| {
            let others = stands.get(said.row.employee.as_str()).into_iter().flatten();
            let other = others.copied().find(|employment| *employment != said.row.employment);
            PreviewRow {
                turn,
                signal: signals::handed_in(said, rules, now, &contents.sha256),
                ..one(said, other, rules, now)
            }
        })
        .collect();
    rows.sort_by_key(|row| row.line);
    let mut preview = Preview {
        sha256: hex(&contents.sha256),
        taken_before: None,
        rejected: contents.rejected,
        quotes: contents.quotes,
        mapping: contents.mapping,
        held_whole: None,
        held_in_part: None,
        not_compared: None,
        not_asked: Vec::new(),
        not_checked: None,
        totals: Totals {
            rows: contents.records,
            refused: refused.len() as u64,
            null_days,
            stale: said.iter().filter(|said| said.stale).count() as u64,
            ..Totals::default()
        },
        rows,
        refused,
        digest: contents.sha256,
    };
    preview.conclude();
    preview
}

/// Of each person the employments that the file says stand, and does not end.
fn standing(said: &[LatestStatement]) -> HashMap<&str, Vec<&str>> {
    let of = |said: &LatestStatement| (said.row.employee.clone(), said.row.employment.clone());
    let ended: HashSet<(String, String)> = said.iter().filter(|said| ends(said)).map(of).collect();
    let mut stands: HashMap<&str, Vec<&str>> = HashMap::new();
    for said in said {
        let row = &said.row;
        let counts =
            matches!(row.change, ChangeKind::Active | ChangeKind::Rehire) && said.overtaken.is_none() && !row.employment.is_empty();
        if counts && !ended.contains(&(row.employee.clone(), row.employment.clone())) {
            stands.entry(&row.employee).or_default().push(&row.employment);
        }
    }
    stands
}

fn ends(said: &LatestStatement) -> bool {
    said.row.change == ChangeKind::Terminate && said.overtaken.is_none()
}

fn of_too_much() -> FileContents {
    FileContents {
        rejected: Some(too_large()),
        ..FileContents::default()
    }
}

fn read(path: &Path, rules: &Rules) -> anyhow::Result<FileContents> {
    let shown = path.display();
    let file = match regular_file::open(path).with_context(|| format!("cannot open {shown}"))? {
        Opened::File(file, identity) if identity.len <= LARGEST_FILE => file,
        Opened::File(..) => return Ok(of_too_much()),
        Opened::Refused(why) => anyhow::bail!("{shown} {why}"),
        Opened::Missing => anyhow::bail!("there is no file {shown}"),
    };
    let reading = || format!("cannot read {shown}");
    let (mut contents, signed) = match &rules.signature {
        None => (contents::read(file, rules).with_context(reading)?, Ok(())),
        Some(key) => {
            let bytes = std::io::Read::bytes(std::io::BufReader::new(file))
                .collect::<Result<Vec<u8>, _>>()
                .with_context(reading)?;
            let signed = signature::check(key, &signature::beside(path), &bytes).with_context(reading)?;
            (contents::read(&bytes[..], rules).with_context(reading)?, signed)
        }
    };
    let mismatch = completeness::mismatch(path, &contents).with_context(reading)?;
    if let Err(why) = mismatch.map_err(|Mismatch(why)| why).and(signed.map_err(str::to_owned)) {
        contents.rejected.get_or_insert(why);
    }
    Ok(contents)
}

fn one(said: &LatestStatement, other: Option<&str>, rules: &Rules, now: Timestamp) -> PreviewRow {
    let row = &said.row;
    let (effect, why) = match said.overtaken {
        Some(Overtaken { line, how }) => (Effect::Overtaken, Some(format!("line {line} {how}"))),
        None => effect(said, other, rules, now),
    };
    let kind = kind_of_end(row).filter(|_| effect.ends_access());
    let why = kind.into_iter().chain(why).reduce(|kind, why| format!("{kind}; {why}"));
    // Of somebody who has left on a day that nobody names there is none to show, as long as a human is asked.
    let has_end = matches!(row.change, ChangeKind::Terminate | ChangeKind::Suspend) && !(row.undated && effect == Effect::Held);
    let at = has_end.then(|| row.leaves.as_ref().map_or(now, |(_, at)| *at));
    let leaves = row
        .leaves
        .as_ref()
        .map_or(Leaves::Instant { at: now }, |(leaves, _)| leaves.clone());
    PreviewRow {
        line: said.line,
        employee: row.employee.clone(),
        employment: row.employment.clone(),
        subject: row.subject.clone(),
        change: row.change,
        local: at.and_then(|at| leaves.local(at, &rules.time_zone)),
        utc: at,
        effect,
        why,
        urgency: row.urgency,
        from: None,
        unknown: false,
        unnamed: false,
        open_ended: row.open_ended,
        signal: None,
        turn: 0,
    }
}

/// What is special about an end, in words.
fn kind_of_end(row: &Row) -> Option<String> {
    let suspends = (row.change == ChangeKind::Suspend).then_some("suspend");
    let urgency = match (row.urgency, &row.leaves) {
        (Urgency::Usual, _) => None,
        (Urgency::Immediate, _) => Some("immediate"),
        (Urgency::Involuntary, Some((Leaves::Wall { .. }, _))) => Some("involuntary: out when the last day begins"),
        (Urgency::Involuntary, _) => Some("involuntary"),
    };
    let words: Vec<&str> = suspends.into_iter().chain(urgency).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn effect(said: &LatestStatement, other: Option<&str>, rules: &Rules, now: Timestamp) -> (Effect, Option<String>) {
    let row = &said.row;
    if let Disposition::Hold(why) = signals::signal(said, rules, now, &[0; 32]).disposition {
        return (Effect::Held, Some(why));
    }
    match row.change {
        ChangeKind::Rescind | ChangeKind::Rehire => (Effect::CallsOff, None),
        ChangeKind::Active => {
            let stale = "it counts as employed, although the last day is over";
            (Effect::Stands, said.stale.then(|| stale.to_owned()))
        }
        ChangeKind::Nothing if row.history => (Effect::Nothing, Some("the last day lies before history_before".to_owned())),
        ChangeKind::Nothing | ChangeKind::Unclear => (
            Effect::Nothing,
            Some("the status says nothing that concerns access".to_owned()),
        ),
        ChangeKind::Terminate | ChangeKind::Suspend | ChangeKind::Deleted => {
            if let Some(employment) = other.filter(|_| row.change == ChangeKind::Terminate) {
                return (Effect::Blocked, Some(format!("employment {employment} has not ended")));
            }
            match row.leaves.as_ref().map(|(_, at)| *at) {
                Some(at) if at > now => (Effect::Planned, None),
                Some(at) => {
                    let hours = now.since(at).as_secs() / 3600;
                    (Effect::AtOnce, Some(format!("its time has passed, {hours} hours ago")))
                }
                None => (Effect::AtOnce, None),
            }
        }
    }
}
