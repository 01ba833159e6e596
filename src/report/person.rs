//! `revoked person report`: what one person held where, how it ended and what of it is unproved, over all cases, as of an instant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::case::{self, CaseFile};
use super::departure;
use super::document::{Document, Section, Statement};
use super::not_covered::not_covered;
use super::proof::{account, doors, given_back, held, last_looks};
use super::recorded::Recorded;
use super::rejection::{rejected_by, rejection};
use super::report_error::ReportError;
use super::standing::{Standing, standing, to_come};
use super::words::Words;
use super::zone::Zone;
use crate::model::{Subject, Timestamp};
use crate::store::{CaseDetail, ListFilter, Store, TrailFilter};
use crate::wording::plain;

/// The cases of a person, with what their entries said until an instant.
///
/// # Errors
/// Where the store cannot be read, or nothing is known under this name.
pub(super) async fn read(store: &Store, subject: &Subject, until: Timestamp, zone: &Zone) -> Result<Vec<CaseFile>, ReportError> {
    let references = store.references_with_accounts(subject).await?;
    let of_person = ListFilter {
        subject_refs: Some(references.clone()),
        limit: u32::MAX,
        ..ListFilter::default()
    };
    let mut numbers: BTreeSet<i64> = BTreeSet::new();
    if !references.is_empty() {
        numbers.extend(store.cases(&of_person).await?.iter().map(|case| case.id));
        // What the store has forgotten, the trail has not.
        let told = TrailFilter {
            subject_refs: Some(references),
            kind: Some("case.".to_owned()),
            limit: u32::MAX,
            ..TrailFilter::default()
        };
        numbers.extend(
            Recorded::read(&store.trail_search(&told).await?)
                .iter()
                .filter_map(|entry| entry.case),
        );
    }
    let (mut files, mut first) = (Vec::new(), None);
    for number in numbers {
        let mut file = case::read(store, number).await?;
        first = first.or(file.entries.first().map(|entry| (number, entry.at())));
        file.entries.retain(|entry| entry.at() <= until);
        if !file.entries.is_empty() {
            files.push(file);
        }
    }
    let who = plain(&subject.to_string());
    match first {
        _ if !files.is_empty() => Ok(files),
        Some((number, at)) => Err(ReportError::NothingKnown(format!(
            "nothing was known of {who} by {}: the first case, {number}, came at {}; take a later --until",
            zone.time(until),
            zone.time(at)
        ))),
        None => Err(ReportError::NothingKnown(format!(
            "no case is about {who}: an erased person has none under a name; try another name"
        ))),
    }
}

/// The certificate.
pub(super) fn report(
    (subject, name): (&Subject, &str),
    files: &[CaseFile],
    (until, now): (Timestamp, Timestamp),
    zone: &Zone,
) -> Document {
    let entries: Vec<Recorded> = files.iter().flat_map(|file| file.entries.iter().cloned()).collect();
    let details: Vec<&CaseDetail> = files.iter().filter_map(|file| file.detail.as_ref()).collect();
    let unproved: Vec<Statement> = files.iter().flat_map(|file| unproved(file, until, zone)).collect();
    let ways_in = once_each(doors(&entries, until, zone));
    let mut about = Map::new();
    about.insert("subject".to_owned(), subject.to_string().into());
    about.insert("until".to_owned(), until.to_string().into());
    about.insert(
        "cases".to_owned(),
        files.iter().map(CaseFile::number).collect::<Vec<i64>>().into(),
    );
    about.insert("unproved_count".to_owned(), Value::from(unproved.len()));
    let mut not_covered = not_covered(&entries, &details);
    not_covered.statements = once_each(not_covered.statements);
    Document {
        kind: "person",
        about,
        title: Words::of("Access of ").name(name).and(format!(" as of {}", zone.time(until))),
        made_at: now,
        made: zone.time(now),
        zone: zone.sentence(),
        sections: vec![
            Section {
                name: "summary",
                statements: summary(files, &entries, &unproved, zone),
                ..Section::default()
            },
            Section {
                name: "unproved",
                heading: "Unproved",
                statements: unproved,
                nothing: "Nothing that was looked at is left unproved.",
                ..Section::default()
            },
            Section {
                name: "planned",
                heading: "Planned",
                statements: files.iter().filter_map(|file| planned(file, until, zone)).collect(),
                ..Section::default()
            },
            Section {
                name: "called_off",
                heading: "Called off",
                statements: files.iter().filter_map(|file| called_off(file, zone)).collect(),
                ..Section::default()
            },
            Section {
                name: "held",
                heading: "What was held, and how it ended",
                columns: &["case", "target", "account", "was held", "how it ended", "proved by"],
                statements: files.iter().flat_map(|file| rows(file, zone)).collect(),
                nothing: "No account was seen.",
                ..Section::default()
            },
            Section {
                name: "ways_in",
                heading: "Still open",
                statements: ways_in,
                ..Section::default()
            },
            not_covered,
            Section {
                name: "to_come",
                heading: "To come",
                statements: files.iter().flat_map(|file| coming(file, zone)).collect(),
                ..Section::default()
            },
        ],
        trail: None,
        inclusion: None,
        compact: false,
    }
}

fn summary(files: &[CaseFile], entries: &[Recorded], unproved: &[Statement], zone: &Zone) -> Vec<Statement> {
    let mut told: Vec<Statement> = files.iter().filter_map(|file| departure(file, files.len(), zone)).collect();
    let opened: Vec<&Recorded> = entries.iter().filter(|entry| entry.kind == "case.opened").collect();
    let numbers = files.iter().map(|file| Words::of(format!("{}", file.number())));
    let cases = if files.len() == 1 { "Case " } else { "Cases " };
    let words = Words::of(cases).then(Words::joined(numbers, ", "));
    let words = words.and(if files.len() == 1 {
        " is about this person."
    } else {
        " are about this person."
    });
    told.push(Statement::new(
        words,
        opened.first().map(|entry| entry.at()),
        opened.iter().map(|entry| entry.seq),
    ));
    let proved: Vec<&Recorded> = last_looks(entries)
        .into_iter()
        .filter(|look| look.text("verdict") == "contained")
        .collect();
    let targets: BTreeSet<&str> = proved.iter().map(|look| look.text("target")).collect();
    if let Some(last) = proved.last() {
        let words = Words::of("What was demanded is ended, and a second look found nothing of it left, at ")
            .then(Words::joined(targets.iter().map(|target| Words::outside(target)), ", "))
            .and(".");
        told.push(Statement::new(words, last.at(), proved.iter().map(|look| look.seq)));
    }
    told.extend(given_back(entries, zone));
    if !unproved.is_empty() {
        let words = Words::of(format!("UNPROVED: {}, listed below.", points(unproved.len())));
        told.push(Statement::new(
            words,
            None,
            unproved.iter().flat_map(|told| told.entries.clone()),
        ));
    }
    told
}

/// What became of the departure behind a case, with the case's number where there are several.
fn departure(file: &CaseFile, cases: usize, zone: &Zone) -> Option<Statement> {
    let mut told = departure::sentence(&file.entries, zone)?;
    if cases > 1 {
        let about = Words::of(format!("Case {}: ", file.number()));
        told.cells = told.cells.into_iter().map(|words| about.clone().then(words)).collect();
    }
    Some(told)
}

fn points(count: usize) -> String {
    if count == 1 {
        "1 point".to_owned()
    } else {
        format!("{count} points")
    }
}

/// One row for each look that found something to end, and for the last one of each target.
fn rows(file: &CaseFile, zone: &Zone) -> Vec<Statement> {
    let last: BTreeSet<u64> = last_looks(&file.entries).iter().map(|look| look.seq).collect();
    let looks = file.entries.iter().filter(|entry| entry.kind == "job.settled");
    let looks = looks.filter(|look| last.contains(&look.seq) || !look.counts("before").is_empty());
    let row = |look: &Recorded| {
        let proved_at = look.time("after_at").unwrap_or(look.at());
        let ended = look.number("ended_count").unwrap_or_default();
        let at = zone.time(proved_at);
        let suspended = look.detail["suspended"] == true;
        let ended = match (ended, suspended) {
            _ if look.text("verdict") == "released" => Words::of(format!("given back: open again since {at}")),
            _ if look.text("principal").is_empty() => Words::of("-"),
            (0, false) => Words::of(format!("nothing left to end at {at}")),
            (0, true) => Words::of(format!("account suspended, nothing left to end at {at}")),
            (_, false) => Words::of(format!("{ended} ended by {at}")),
            (_, true) => Words::of(format!("{ended} ended and account suspended by {at}")),
        };
        let cells = vec![
            Words::of(file.number().to_string()),
            Words::outside(look.text("target")),
            account(look),
            held(look),
            ended,
            Words::of("a second look: ").name(look.text("says")),
        ];
        Statement::row(cells, look.at(), [look.seq])
    };
    looks.map(row).collect()
}

/// For when a case is planned that was not due by `until`, held for a decision or not: of that nothing is to be proved yet.
fn planned(file: &CaseFile, until: Timestamp, zone: &Zone) -> Option<Statement> {
    let (entry, due) = ahead(&file.entries, until)?;
    let about = Words::of(format!("case {}: planned for {}", file.number(), zone.time(due)));
    let words = if entry.kind == "hold.placed" {
        about.and(", and held for a decision").then(entry.because("why"))
    } else {
        about.and("; nothing is done before")
    };
    Some(Statement::new(words, entry.at(), [entry.seq]))
}

/// The entry by which a case waits, where the day that it waits for was not there by `until`, and that day.
fn ahead(entries: &[Recorded], until: Timestamp) -> Option<(&Recorded, Timestamp)> {
    let (entry, due) = match standing(entries)? {
        Standing::Planned(entry, due) => (entry, due),
        Standing::Held(entry) => (entry, departure::due(entries).or_else(|| opened_for(entries))?),
        _ => return None,
    };
    (due > until).then_some((entry, due))
}

/// The day that a case was opened for.
fn opened_for(entries: &[Recorded]) -> Option<Timestamp> {
    entries.iter().find(|entry| entry.kind == "case.opened")?.time("due")
}

/// What a case leaves unproved: only what was due by `until`. What was given back is no failure of a proof.
fn unproved(file: &CaseFile, until: Timestamp, zone: &Zone) -> Vec<Statement> {
    let entries = &file.entries;
    let mut told = Vec::new();
    let about = || Words::of(format!("case {}: ", file.number()));
    match standing(entries) {
        Some(Standing::Open(entry)) => {
            told.push(Statement::new(
                about().and("work is not over, and nothing is proved of it"),
                entry.at(),
                [entry.seq],
            ));
        }
        Some(Standing::Planned(..) | Standing::Held(_)) if ahead(entries, until).is_some() => {}
        Some(Standing::Planned(entry, due)) => {
            let words = about().and(format!("was due at {}, and nothing is done yet", zone.time(due)));
            told.push(Statement::new(words, entry.at(), [entry.seq]));
        }
        Some(Standing::Held(entry)) => {
            let words = about().and("held for a decision").then(entry.because("why"));
            told.push(Statement::new(words, entry.at(), [entry.seq]));
        }
        Some(Standing::Reopened(entry)) => {
            let words = about().and("access came back at ").name(entry.text("target"));
            told.push(Statement::new(words, entry.at(), [entry.seq]));
        }
        // What was called off before anything was begun left nothing to prove.
        Some(Standing::CalledOff(entry)) if has_begun(entries) && last_looks(entries).is_empty() => {
            let words = about()
                .and("called off by ")
                .then(entry.by())
                .and(" after work had begun, and nothing is proved of it")
                .then(entry.because("why"));
            told.push(Statement::new(words, entry.at(), [entry.seq]));
        }
        Some(Standing::CalledOff(_) | Standing::Closed(_)) | None => {}
    }
    for look in last_looks(entries) {
        if !matches!(look.text("verdict"), "contained" | "no_principal" | "released") {
            let words = about().and("at ").name(look.text("target")).and(", ").name(look.text("says"));
            told.push(Statement::new(words, look.at(), [look.seq]));
        }
    }
    let over = |job: Option<i64>, after: u64| {
        let later = entries.iter().filter(move |entry| entry.job == job && entry.seq > after);
        later
            .into_iter()
            .any(|entry| matches!(entry.kind.as_str(), "job.settled" | "job.failed"))
    };
    for failed in entries
        .iter()
        .filter(|entry| entry.kind == "job.failed" && !over(entry.job, entry.seq))
    {
        let words = about()
            .and("could not be done at ")
            .name(failed.text("target"))
            .then(failed.because("error"));
        told.push(Statement::new(words, failed.at(), [failed.seq]));
    }
    told
}

fn has_begun(entries: &[Recorded]) -> bool {
    entries.iter().any(|entry| entry.kind == "action.started")
}

/// That a case was called off, when, by whom and why: of a hold that was rejected with what was said of it.
fn called_off(file: &CaseFile, zone: &Zone) -> Option<Statement> {
    let Some(Standing::CalledOff(off)) = standing(&file.entries) else {
        return None;
    };
    // A release ends what is left of its case, which is told as one.
    if last_looks(&file.entries)
        .iter()
        .any(|look| look.text("verdict") == "released")
    {
        return None;
    }
    let about = Words::of(format!("case {}: called off on {}", file.number(), zone.time(off.at())));
    let (words, cited) = match rejection(&file.entries) {
        Some(rejected) => {
            let words = Words::of(": ").then(rejected_by(rejected));
            (words, vec![off.seq, rejected.seq])
        }
        None => (Words::of(" by ").then(off.by()).then(off.because("why")), vec![off.seq]),
    };
    Some(Statement::new(about.then(words), off.at(), cited))
}

/// What of a case is still to come.
fn coming(file: &CaseFile, zone: &Zone) -> Vec<Statement> {
    let coming = to_come(&file.entries).into_iter().map(|(due, entry)| {
        let words = Words::of(format!("case {}: {}, at ", file.number(), zone.time(due))).name(entry.text("target"));
        Statement::new(words, due, [entry.seq])
    });
    coming.collect()
}

/// The same said of several cases stands once, carried by all of their entries.
fn once_each(told: Vec<Statement>) -> Vec<Statement> {
    let mut all: BTreeMap<String, usize> = BTreeMap::new();
    let mut once: Vec<Statement> = Vec::new();
    for statement in told {
        let text: String = statement.cells.iter().map(Words::text).collect();
        if let Some(known) = all.get(&text).and_then(|place| once.get_mut(*place)) {
            known.entries.extend(statement.entries);
            known.at = known.at.max(statement.at);
        } else {
            all.insert(text, once.len());
            once.push(statement);
        }
    }
    once
}
