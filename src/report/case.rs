//! `revoked case report`: one case for the boss, the ticket and the auditor, from the trail's entries about it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};

use super::changes::{changes, sent};
use super::course;
use super::departure;
use super::document::{Document, Section, Statement};
use super::not_covered::not_covered;
use super::proof::{account, doors, first_revoke, given_back, last_looks, looks};
use super::recorded::Recorded;
use super::rejection::{rejected_by, rejection};
use super::standing::{Standing, acts_from, standing, to_come};
use super::words::Words;
use super::zone::Zone;
use crate::digest::{hex, sha256};
use crate::model::Timestamp;
use crate::store::{CaseDetail, ShownNames, Store, StoreError, TrailFilter};
use crate::wording::span;

/// What is known of a case: its entries, and the names and notes that the store has.
pub(super) struct CaseFile {
    number: i64,
    /// The entries about it, with its signals and the decisions about its holds, in order.
    pub(super) entries: Vec<Recorded>,
    /// Nothing where the store has forgotten the case: the trail has not.
    pub(super) detail: Option<CaseDetail>,
    /// By which name to show whom it is about.
    names: ShownNames,
}

/// Reads a case.
///
/// # Errors
/// [`StoreError::NotFound`] where neither the store nor the trail knows it.
pub(super) async fn read(store: &Store, number: i64) -> Result<CaseFile, StoreError> {
    let detail = match store.case_detail(number).await {
        Ok(detail) => Some(detail),
        Err(StoreError::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    let everything = TrailFilter {
        limit: u32::MAX,
        ..TrailFilter::default()
    };
    let of_case = TrailFilter {
        case: Some(number),
        ..everything.clone()
    };
    let mut entries = Recorded::read(&store.trail_search(&of_case).await?);
    if entries.is_empty() && detail.is_none() {
        return Err(StoreError::NotFound {
            what: "case",
            id: number,
        });
    }
    let references: BTreeSet<String> = entries.iter().filter_map(|entry| entry.subject_ref.clone()).collect();
    let signals = TrailFilter {
        subject_refs: Some(references.into_iter().collect()),
        kind: Some("signal.accepted".to_owned()),
        ..everything.clone()
    };
    let signals = Recorded::read(&store.trail_search(&signals).await?);
    let own = own_signals(&entries, &signals, detail.as_ref());
    let holds: BTreeSet<i64> = entries.iter().filter_map(|entry| entry.number("hold")).collect();
    let decisions = match entries.iter().find(|entry| entry.kind == "hold.placed") {
        Some(placed) => {
            let decided = TrailFilter {
                kind: Some("hold.".to_owned()),
                from: placed.seq,
                ..everything
            };
            Recorded::read(&store.trail_search(&decided).await?)
        }
        None => Vec::new(),
    };
    let decided = decisions.into_iter().filter(|entry| entry.decides(&holds, number));
    entries.extend(own);
    entries.extend(decided);
    entries.sort_by_key(|entry| entry.seq);
    let subject = detail.as_ref().and_then(|detail| detail.case.subject.as_deref());
    let names = store.shown_names(subject).await?;
    Ok(CaseFile {
        number,
        entries,
        detail,
        names,
    })
}

/// The signals that led to the case: those that the store or a further entry counts to it, and the one that its opening follows.
fn own_signals(entries: &[Recorded], signals: &[Recorded], detail: Option<&CaseDetail>) -> Vec<Recorded> {
    let mut ids: BTreeSet<i64> = detail
        .iter()
        .flat_map(|detail| &detail.signals)
        .map(|signal| signal.id)
        .collect();
    ids.extend(
        entries
            .iter()
            .filter(|entry| entry.kind == "case.coalesced")
            .filter_map(|entry| entry.number("signal")),
    );
    if let Some(opened) = entries.iter().find(|entry| entry.kind == "case.opened") {
        let before = signals
            .iter()
            .filter(|signal| signal.seq < opened.seq && signal.at() == opened.at() && signal.subject_ref == opened.subject_ref);
        ids.extend(
            before
                .max_by_key(|signal| signal.seq)
                .and_then(|signal| signal.number("signal")),
        );
    }
    let own = signals
        .iter()
        .filter(|signal| signal.number("signal").is_some_and(|id| ids.contains(&id)));
    own.cloned().collect()
}

/// The report.
pub(super) fn report(file: &CaseFile, now: Timestamp, zone: &Zone) -> Document {
    let who = file.who();
    let mut about = Map::new();
    about.insert("case".to_owned(), file.number.into());
    about.insert("subject".to_owned(), file.subject().map_or(Value::Null, Value::from));
    let course = file.entries.iter().filter_map(|entry| course::told(entry, zone));
    let coming = to_come(&file.entries).into_iter().map(|(due, entry)| {
        let words = Words::of(format!("{}: a further look at ", zone.time(due))).name(entry.text("target"));
        Statement::new(words, due, [entry.seq])
    });
    let details: Vec<&CaseDetail> = file.detail.iter().collect();
    let sections = vec![
        Section {
            name: "summary",
            statements: file.summary(&who, zone),
            ..Section::default()
        },
        Section {
            name: "ticket",
            heading: "Ticket",
            columns: &["what", "is"],
            statements: file.ticket(&who, zone),
            ..Section::default()
        },
        looks(&file.entries, zone),
        Section {
            name: "ways_in",
            heading: "Still open",
            statements: doors(&file.entries, now, zone),
            ..Section::default()
        },
        not_covered(&file.entries, &details),
        Section {
            name: "to_come",
            heading: "To come",
            statements: coming.collect(),
            nothing: "No further look is planned.",
            ..Section::default()
        },
        changes(&file.entries, zone),
        Section {
            name: "course",
            heading: "What happened",
            columns: &["when", "what"],
            statements: course.collect(),
            nothing: "The trail has no entry about this case.",
            ..Section::default()
        },
    ];
    Document {
        kind: "case",
        about,
        title: Words::of(format!("Case {}: ", file.number)).then(who),
        made_at: now,
        made: zone.time(now),
        zone: zone.sentence(),
        sections,
        trail: None,
        inclusion: None,
        compact: false,
    }
}

impl CaseFile {
    /// The case's number.
    pub(super) fn number(&self) -> i64 {
        self.number
    }

    fn subject(&self) -> Option<&str> {
        self.detail.as_ref().and_then(|detail| detail.case.subject.as_deref())
    }

    /// Whom it is about: the name, or what stands for it where that was erased.
    fn who(&self) -> Words {
        if let Some(subject) = self.subject() {
            return Words::outside(self.names.of(subject));
        }
        let reference = self.entries.iter().find_map(|entry| entry.subject_ref.as_deref());
        Words::of("a person whose name was erased, ").name(reference.unwrap_or("without a reference"))
    }

    fn first(&self, kind: &str) -> Option<&Recorded> {
        self.entries.iter().find(|entry| entry.kind == kind)
    }

    /// What was planned of a departure; then three sentences: what was said, what was done and proved, what comes next.
    fn summary(&self, who: &Words, zone: &Zone) -> Vec<Statement> {
        let mut told = Vec::from_iter(departure::sentence(&self.entries, zone));
        if let Some(said) = self.first("signal.accepted").or(self.first("case.opened")) {
            let words = Words::of(format!("On {} ", zone.time(said.at())))
                .then(said.by())
                .and(" said of ")
                .then(who.clone())
                .and(": ")
                .word(said.text("reason"))
                .and(".");
            told.push(Statement::new(words, said.at(), [said.seq]));
        }
        let Some(standing) = standing(&self.entries) else {
            return told;
        };
        let given_back = given_back(&self.entries, zone);
        // What was proved of it before is over, where nothing else is left of the proof.
        let is_all = last_looks(&self.entries)
            .iter()
            .all(|look| look.text("verdict") == "released");
        if given_back.is_empty() || !is_all {
            told.push(self.came_of_it(standing, zone));
        }
        told.extend(given_back);
        told.extend(self.comes_next(standing, zone));
        told
    }

    fn came_of_it(&self, standing: Standing<'_>, zone: &Zone) -> Statement {
        let sent = sent(&self.entries);
        let begun = sent.len();
        let changed: Vec<u64> = sent
            .iter()
            .flat_map(|(start, end)| [Some(start.seq), end.map(|end| end.seq)])
            .flatten()
            .collect();
        match standing {
            Standing::Closed(closed) => self.verdict(closed, zone),
            Standing::Held(held) => {
                let since = format!("since {} it is held for a decision", zone.time(held.at()));
                let words = if changed.is_empty() {
                    Words::of(format!("Nothing was done: {since}"))
                        .then(held.because("why"))
                        .and(".")
                } else {
                    Words::of(format!("Work was begun; {since}"))
                        .then(held.because("why"))
                        .and(".")
                };
                Statement::new(words, held.at(), changed.into_iter().chain([held.seq]))
            }
            Standing::Planned(planned, due) => {
                let words = Words::of(format!("Nothing was done: access is to end at {}.", zone.time(due)));
                Statement::new(words, planned.at(), [planned.seq])
            }
            Standing::Reopened(again) => {
                let words = Words::of(format!("Access came back at {} at ", zone.time(again.at())))
                    .name(again.text("target"))
                    .and(" and is being ended again: it is not contained now.");
                Statement::new(words, again.at(), [again.seq])
            }
            Standing::CalledOff(off) => {
                let kept = if changed.is_empty() {
                    "; nothing was changed at any target."
                } else {
                    "; what was changed before stays changed."
                };
                let at = Words::of(format!("At {} ", zone.time(off.at())));
                let (words, carried) = match rejection(&self.entries).filter(|rejected| rejected.at() == off.at()) {
                    Some(rejected) => (at.then(rejected_by(rejected)), Some(rejected.seq)),
                    None => (at.then(off.by()).and(" called it off").then(off.because("why")), None),
                };
                Statement::new(words.and(kept), off.at(), changed.into_iter().chain([off.seq]).chain(carried))
            }
            Standing::Open(opened) => {
                let failed = self
                    .entries
                    .iter()
                    .rfind(|entry| matches!(entry.kind.as_str(), "job.failed" | "job.retried"));
                match failed {
                    Some(failed) => {
                        let words = Words::of("Nothing is proved yet: at ")
                            .name(failed.text("target"))
                            .and(" the last attempt failed")
                            .then(failed.because("error"))
                            .and(".");
                        Statement::new(words, failed.at(), [failed.seq])
                    }
                    None if changed.is_empty() => Statement::new(
                        Words::of("Nothing was done and nothing is proved yet."),
                        opened.at(),
                        [opened.seq],
                    ),
                    None => {
                        let words = Words::of(format!("{begun} changes were begun and nothing is proved yet."));
                        Statement::new(words, opened.at(), changed)
                    }
                }
            }
        }
    }

    /// The sentence of a case that is over: what was ended, and what that proves.
    fn verdict(&self, closed: &Recorded, zone: &Zone) -> Statement {
        let looks: Vec<&Recorded> = self
            .entries
            .iter()
            .filter(|entry| entry.kind == "job.settled" && entry.seq < closed.seq)
            .collect();
        let mut cited: Vec<u64> = looks.iter().map(|entry| entry.seq).collect();
        cited.push(closed.seq);
        let ended: i64 = looks.iter().filter_map(|entry| entry.number("ended_count")).sum();
        let targets: BTreeSet<&str> = looks.iter().map(|entry| entry.text("target")).collect();
        let targets = || Words::joined(targets.iter().map(|target| Words::outside(target)), ", ");
        let grants = match ended {
            1 => "1 grant was".to_owned(),
            _ => format!("{ended} grants were"),
        };
        let after = self.after(closed, "received_to_contained_ms", closed.at());
        let words = match closed.text("verdict") {
            "contained" => Words::of(format!("Contained{after}: {grants} ended at "))
                .then(targets())
                .and(", and a second look found nothing left."),
            // The account was found: what it was asked about is not among what it has.
            "no_principal" if looks.iter().any(|look| !look.text("principal").is_empty()) => {
                let says = looks.iter().filter(|look| !look.text("principal").is_empty());
                Words::of("Nothing was ended at ")
                    .then(targets())
                    .and(": ")
                    .then(Words::joined(says.map(|look| Words::outside(look.text("says"))), "; "))
                    .and(".")
            }
            "no_principal" => Words::of("Nobody of that name was found at ")
                .then(targets())
                .and(": there was nothing to end."),
            verdict => {
                let says = last_looks(&self.entries)
                    .into_iter()
                    .map(|entry| Words::outside(entry.text("says")));
                let failed = self.entries.iter().filter(|entry| entry.kind == "job.failed");
                cited.extend(failed.clone().map(|entry| entry.seq));
                let failed = failed.map(|entry| Words::outside(entry.text("error")));
                Words::of("NOT PROVED, ")
                    .word(verdict)
                    .and(format!(": {grants} ended by {}; ", zone.time(closed.at())))
                    .then(Words::joined(says.chain(failed), "; "))
                    .and(".")
            }
        };
        Statement::new(words, closed.at(), cited)
    }

    fn comes_next(&self, standing: Standing<'_>, zone: &Zone) -> Option<Statement> {
        if let Standing::Held(held) = standing {
            let hold = held
                .number("hold")
                .or(self.detail.as_ref().and_then(|detail| detail.case.hold))?;
            let words = Words::of("It goes on when somebody decides: ").command(format!("revoked hold show {hold}"));
            return Some(Statement::new(words, held.at(), [held.seq]));
        }
        let coming = to_come(&self.entries);
        let open: Vec<u64> = last_looks(&self.entries)
            .iter()
            .filter(|entry| entry.detail["doors"].as_array().is_some_and(|doors| !doors.is_empty()))
            .map(|entry| entry.seq)
            .collect();
        let (due, entry) = coming.first()?;
        let next = format!("The next look is at {}", zone.time(*due));
        if open.is_empty() || matches!(standing, Standing::Planned(..)) {
            return Some(Statement::new(Words::of(format!("{next}.")), *due, [entry.seq]));
        }
        let words = Words::of(format!("{next}; ways in that ending access does not close stand below."));
        Some(Statement::new(words, *due, open.into_iter().chain([entry.seq])))
    }

    fn ticket(&self, who: &Words, zone: &Zone) -> Vec<Statement> {
        let mut rows = Vec::new();
        let mut row = |what: &str, is: Words, at: Timestamp, entries: Vec<u64>| {
            rows.push(Statement::row(vec![Words::of(what), is], at, entries));
        };
        if let Some(opened) = self.first("case.opened") {
            row("who", who.clone(), opened.at(), vec![opened.seq]);
            row(
                "why",
                Words::default().word(opened.text("reason")),
                opened.at(),
                vec![opened.seq],
            );
            row(
                "playbook",
                Words::outside(opened.text("playbook")),
                opened.at(),
                vec![opened.seq],
            );
        }
        for signal in self.entries.iter().filter(|entry| entry.kind == "signal.accepted") {
            let said = signal.by().and(format!(", received {}", zone.time(signal.at())));
            row("said by", said, signal.at(), vec![signal.seq]);
            let by = self.written(signal, "requested_by");
            if let Some(by) = &by {
                row("asked for by", Words::outside(by), signal.at(), vec![signal.seq]);
            }
            if let Some(batch) = signal.batch() {
                let whose = match by.filter(|_| !signal.text("list").is_empty()) {
                    Some(by) => Words::of(", asked for by ").name(&by),
                    None => Words::of(" of ").then(signal.by()),
                };
                row("batch", batch.then(whose), signal.at(), vec![signal.seq]);
            }
            if let Some(note) = self.written(signal, "note") {
                row("note", Words::outside(&note), signal.at(), vec![signal.seq]);
            }
        }
        for look in last_looks(&self.entries) {
            let words = Words::outside(look.text("target")).and(": ").then(account(look));
            row("account", words, look.at(), vec![look.seq]);
        }
        if let Some((at, entry)) = first_revoke(&self.entries) {
            let closed = self
                .first("case.contained")
                .filter(|closed| closed.number("received_to_first_revoke_ms").is_some());
            let after = closed.map_or(String::new(), |closed| self.after(closed, "received_to_first_revoke_ms", at));
            let entries = closed.map(|closed| closed.seq).into_iter().chain([entry]);
            row(
                "first revoke",
                Words::of(format!("{}{after}", zone.time(at))),
                at,
                entries.collect(),
            );
        }
        let released = last_looks(&self.entries)
            .into_iter()
            .rfind(|look| look.text("verdict") == "released");
        let (is, entry) = match standing(&self.entries) {
            Some(Standing::Closed(_) | Standing::CalledOff(_)) if released.is_some() => match released {
                Some(look) => (Words::of("released: the account is open again"), look),
                None => return rows,
            },
            Some(Standing::Closed(closed)) => (Words::of("closed: ").word(closed.text("verdict")), closed),
            Some(Standing::Held(held)) => (Words::of("held").then(held.because("why")), held),
            Some(Standing::Planned(planned, due)) => (Words::of(format!("planned for {}", zone.time(due))), planned),
            Some(Standing::Reopened(again)) => (Words::of("open again: access came back"), again),
            Some(Standing::CalledOff(off)) => (Words::of("called off"), off),
            Some(Standing::Open(open)) => (Words::of("open"), open),
            None => return rows,
        };
        row(
            "state",
            is.and(format!(", since {}", zone.time(entry.at()))),
            entry.at(),
            vec![entry.seq],
        );
        rows
    }

    /// How long after the first signal, where the entry says so; where a decision or a day was waited for meanwhile, also how long after that.
    fn after(&self, closed: &Recorded, member: &str, at: Timestamp) -> String {
        let Some(ms) = closed.number(member).and_then(|ms| u64::try_from(ms).ok()) else {
            return String::new();
        };
        let took = Duration::from_millis(ms);
        let received = format!(", {} after it was received", span(took));
        let Some(signal) = self.first("signal.accepted").or(self.first("case.opened")) else {
            return received;
        };
        match acts_from(&self.entries, at) {
            Some((from, what)) if from > signal.at() => format!("{received}, {} after {what}", span(at.since(from))),
            _ => received,
        }
    }

    /// What a sender has written with its signal: as the trail has it, or as the store has it and the trail its digest.
    fn written(&self, signal: &Recorded, member: &str) -> Option<String> {
        let in_the_trail = signal.text(member);
        if !in_the_trail.is_empty() {
            return Some(in_the_trail.to_owned());
        }
        let stored = self.detail.iter().flat_map(|detail| &detail.signals);
        let stored = stored
            .filter(|stored| Some(stored.id) == signal.number("signal"))
            .find_map(|stored| {
                let text = if member == "note" {
                    &stored.note
                } else {
                    &stored.requested_by
                };
                text.clone()
            })?;
        let digest = signal.text(&format!("{member}_sha256"));
        (digest == hex(&sha256(stored.as_bytes()))).then_some(stored)
    }
}
