//! Stores a large file in portions, each a transaction among those of others, so that an urgent signal waits for one of them and not for the
//! file.
//!
//! What is decided about a file is decided over the whole: how many leavers it names is counted before its first row is stored, and kept with
//! its batch. Its rows of one person are stored together, as if in one piece. The batch does not count as taken before the last portion. A
//! crash in between loses nothing and doubles nothing: the file is still where it was, it is read again, its batch goes on with the count
//! that it has and the holds that it placed, and rows that are stored are recognised by their keys.

use std::collections::hash_map::Entry as Place;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::accept_context::{AcceptContext, PlacedHolds};
use super::decide::departure;
use crate::model::{Delivery, Receipt, Signal, SignalReceipt, Subject};
use crate::policy::{Class, Facts, GROUP, Mode, Policy};
use crate::statement::Receiver;
use crate::store::columns::Columns as _;
use crate::store::portion_pace::PortionPace;
use crate::store::{Result, Store, StoreError, Tx};

/// What one transaction takes at most of a file that is not large: rows, names, employments and what is remembered.
const LARGEST_WHOLE: usize = 256;
/// How many rows that are about one person, or seem to be, stay together.
const LARGEST_PERSON: usize = 1024;

/// Whether a delivery is a file that is stored in portions. What somebody pushes is stored whole or not at all: its sender waits.
pub(super) fn is_large(delivery: &Delivery) -> bool {
    let parts = [
        delivery.signals.len(),
        delivery.identities.len(),
        delivery.employments.len(),
        delivery.state_changes.len(),
    ];
    // A file says nothing else.
    let plain = delivery.inbox.is_empty() && delivery.active.is_empty() && delivery.renamed.is_empty();
    plain && delivery.name.is_some() && delivery.digest.is_some() && parts.iter().sum::<usize>() > LARGEST_WHOLE
}

/// A file on its way into the store.
struct FileInPortions {
    policy: Arc<Policy>,
    receivers: Arc<[Receiver]>,
    batch: i64,
    /// Whether a file with these bytes was taken before.
    again: bool,
    counts: FileCounts,
    /// The first hold that it came under.
    hold: Option<i64>,
    /// Of the last portion: whether a statement was queued, the lanes that it gave work, and its last signal.
    queued: bool,
    targets: Vec<String>,
    newest_signal: i64,
}

/// What the limits are compared with.
#[derive(Clone, Copy)]
struct FileCounts {
    departures: usize,
    recent_departures: usize,
    /// How many there were when the file was begun.
    before: usize,
    recent_compromises: usize,
    population: usize,
}

/// A list of a delivery that is kept beside its signals.
struct List {
    length: fn(&Delivery) -> usize,
    cut: fn(&Delivery, Range<usize>) -> Delivery,
    keep: for<'a> fn(&'a mut Tx<'_>, &'a Delivery) -> BoxFuture<'a, Result<()>>,
}

const IDENTITIES: List = List {
    length: |whole| whole.identities.len(),
    cut: |whole, range| Delivery {
        identities: whole.identities[range].to_vec(),
        ..head(whole)
    },
    keep: |tx, part| Box::pin(tx.keep_identities(part)),
};
const EMPLOYMENTS: List = List {
    length: |whole| whole.employments.len(),
    cut: |whole, range| Delivery {
        employments: whole.employments[range].to_vec(),
        ..head(whole)
    },
    keep: |tx, part| Box::pin(tx.keep_employments(part)),
};
const STATE_CHANGES: List = List {
    length: |whole| whole.state_changes.len(),
    cut: |whole, range| Delivery {
        state_changes: whole.state_changes[range].to_vec(),
        ..head(whole)
    },
    keep: |tx, part| Box::pin(tx.keep_state_changes(part)),
};

/// A delivery of the same file with nothing in it.
fn head(whole: &Delivery) -> Delivery {
    Delivery {
        name: whole.name.clone(),
        digest: whole.digest,
        ..Delivery::of(whole.source.clone(), Vec::new(), whole.received_at)
    }
}

impl Store {
    /// Stores a large file. Where it fails, what is stored stays, and the same file goes on from there.
    pub(super) async fn accept_in_portions(&self, policy: Arc<Policy>, delivery: Delivery) -> Result<Receipt> {
        let whole = Arc::new(delivery);
        let mut pace = PortionPace::default();
        let mut file = self.begin_file(policy, &whole).await?;
        // In the order of a delivery that is stored in one piece: a signal may use a name that only this file links.
        for list in [IDENTITIES, EMPLOYMENTS] {
            self.keep_list(&list, (list.length)(&whole), &whole, &mut pace).await?;
        }
        let mut receipts: Vec<Option<SignalReceipt>> = vec![None; whole.signals.len()];
        let mut people = people(&whole.signals).into_iter().peekable();
        while people.peek().is_some() {
            let mut places: Vec<usize> = Vec::new();
            while let Some(person) = people.next_if(|rows| places.is_empty() || places.len() + rows.len() <= pace.size()) {
                places.extend(person);
            }
            places.sort_unstable();
            let part = Delivery {
                signals: places.iter().map(|place| whole.signals[*place].clone()).collect(),
                ..head(&whole)
            };
            let (stored, back) = self
                .portion(&mut pace, places.len(), move |tx| {
                    Box::pin(async move {
                        let stored = tx.store_portion(&mut file, &part).await?;
                        Ok((stored, file))
                    })
                })
                .await?;
            file = back;
            for (place, receipt) in places.into_iter().zip(stored) {
                receipts[place] = Some(receipt);
            }
            self.wake_after(&mut file);
        }
        let receipt = Receipt {
            signals: receipts.into_iter().flatten().collect(),
            hold: file.hold,
        };
        let remembered = whole.state_changes.len().saturating_sub(LARGEST_WHOLE);
        self.keep_list(&STATE_CHANGES, remembered, &whole, &mut pace).await?;
        self.write(move |tx| {
            Box::pin(async move {
                tx.finish_file(&whole, file.batch, remembered, &receipt).await?;
                Ok(receipt)
            })
        })
        .await
    }

    /// Finds the batch of the same bytes that was not finished, or begins one. What is counted over the whole is counted by reading: nobody
    /// waits for it, and no other file of this source is stored meanwhile.
    async fn begin_file(&self, policy: Arc<Policy>, whole: &Arc<Delivery>) -> Result<FileInPortions> {
        let receivers = self.receivers();
        let again = self.is_file_taken(whole).await?;
        let unfinished = self.unfinished_file(whole).await?;
        let departures = match unfinished {
            Some((_, departures)) => departures,
            None => self.count_fresh_departures(whole, again).await?,
        };
        tracing::info!(
            source = whole.source,
            rows = whole.signals.len(),
            continued = unfinished.is_some(),
            "a large file is stored in portions"
        );
        let rehearses = policy.mode_of(&whole.source) == Mode::Rehearse;
        let whole = Arc::clone(whole);
        self.write(move |tx| {
            Box::pin(async move {
                let all: Vec<usize> = (0..whole.signals.len()).collect();
                Ok(FileInPortions {
                    batch: match unfinished {
                        Some((batch, _)) => batch,
                        None => tx.begin_batch(&whole, departures, rehearses).await?,
                    },
                    again,
                    counts: {
                        let population = tx.population_for(&policy, &whole.source).await?;
                        let before = tx
                            .recent_signals(&policy, &whole, &all, Class::Departures, population)
                            .await?;
                        FileCounts {
                            departures,
                            recent_departures: before,
                            before,
                            recent_compromises: tx
                                .recent_signals(&policy, &whole, &all, Class::Compromises, population)
                                .await?,
                            population,
                        }
                    },
                    policy,
                    receivers,
                    hold: None,
                    queued: false,
                    targets: Vec::new(),
                    newest_signal: 0,
                })
            })
        })
        .await
    }

    /// Keeps the first `length` of a list.
    async fn keep_list(&self, list: &List, length: usize, whole: &Delivery, pace: &mut PortionPace) -> Result<()> {
        let mut at = 0;
        while at < length {
            let range = at..(at + pace.size()).min(length);
            at = range.end;
            let (rows, part, keep) = (range.len(), (list.cut)(whole, range), list.keep);
            self.portion(pace, rows, move |tx| Box::pin(async move { keep(tx, &part).await }))
                .await?;
        }
        Ok(())
    }

    /// One portion, and a rest after it.
    async fn portion<T, F>(&self, pace: &mut PortionPace, rows: usize, work: F) -> Result<T>
    where
        F: for<'a> FnOnce(&'a mut Tx<'_>) -> BoxFuture<'a, Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let began = Instant::now();
        let done = self.write(work).await?;
        tokio::time::sleep(pace.took(rows, began.elapsed())).await;
        Ok(done)
    }

    fn wake_after(&self, file: &mut FileInPortions) {
        self.0.newest_signal.fetch_max(file.newest_signal, Ordering::AcqRel);
        if std::mem::take(&mut file.queued) {
            self.wake_outbox().notify_waiters();
        }
        self.wake_lanes(&std::mem::take(&mut file.targets));
        self.0.scheduler.notify_one();
    }
}

impl Tx<'_> {
    /// Stores the rows of one portion with what follows from them.
    async fn store_portion(&mut self, file: &mut FileInPortions, part: &Delivery) -> Result<Vec<SignalReceipt>> {
        let mut context = AcceptContext {
            // Nothing leaked comes by file.
            sealed: &BTreeMap::new(),
            policy: &file.policy,
            receivers: &file.receivers,
            queued: false,
            kept_back: None,
            slots: Vec::new(),
            // Read again for each portion: a human may have decided about what was stored so far, and nothing may wait under that for ever.
            holds: self.open_holds(file.batch).await?,
            targets: Vec::new(),
            claims: Vec::new(),
            newest_signal: 0,
        };
        let mut facts = Facts {
            delivery_departures: file.counts.departures,
            recent_departures: file.counts.recent_departures,
            departures_before: file.counts.before,
            recent_compromises: file.counts.recent_compromises,
            population: file.counts.population,
            ..Facts::new(&part.source, self.now)
        };
        let seen = self
            .find_repetitions(part, file.again, file.policy.mode_of(&part.source))
            .await?;
        self.note_called_off(part, &seen, file.again).await?;
        let stored = self
            .store_fresh(&mut context, part, seen, (Some(file.batch), file.again), &mut facts)
            .await?;
        file.counts.recent_departures = facts.recent_departures;
        file.counts.recent_compromises = facts.recent_compromises;
        let AcceptContext {
            queued,
            holds,
            mut targets,
            newest_signal,
            ..
        } = context;
        targets.sort_unstable();
        targets.dedup();
        file.hold = file.hold.or(holds.first());
        (file.queued, file.targets, file.newest_signal) = (queued, targets, newest_signal);
        Ok(stored)
    }

    /// The last portion: the file counts as taken, with what concerns the whole of it.
    async fn finish_file(&mut self, whole: &Delivery, batch: i64, remembered: usize, receipt: &Receipt) -> Result<()> {
        self.finish_batch(whole, batch).await?;
        if let Some(cursor) = &whole.cursor {
            self.keep_cursor(&whole.source, cursor).await?;
        }
        self.record_unreadable_parts(whole, Some(batch)).await?;
        self.keep_state_changes(&(STATE_CHANGES.cut)(whole, remembered..whole.state_changes.len()))
            .await?;
        self.raise_source_alerts(whole).await?;
        self.note_delivery(whole, receipt).await
    }

    /// The holds over this batch that nobody has decided yet.
    async fn open_holds(&mut self, batch: i64) -> Result<PlacedHolds> {
        let rows = sqlx::query("SELECT why, id, detail FROM hold WHERE batch = $1 AND state = 'open' ORDER BY id")
            .bind(batch)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading the holds over a file"))?;
        let mut holds = PlacedHolds::default();
        for row in &rows {
            let class: String = row.read(0)?;
            let words = if class == GROUP { row.read(2)? } else { None };
            holds.push(class, words, row.read(1)?);
        }
        Ok(holds)
    }
}

/// The places of signals, with those together that may be about one person, in the order in which each is named first. What HR says of one
/// person's employments is one word: between the end of one and the beginning of another nobody may act.
fn people(signals: &[Signal]) -> Vec<Vec<usize>> {
    // For each place an earlier one that is about the same person; itself where there is none.
    let mut earlier: Vec<usize> = (0..signals.len()).collect();
    let mut named: HashMap<Subject, usize> = HashMap::new();
    for (place, signal) in signals.iter().enumerate() {
        let number = departure(signal).map(|departure| Subject::EmployeeId(departure.employee.clone()));
        for name in signal.subject.names().iter().cloned().chain(number) {
            match named.entry(name) {
                Place::Vacant(new) => {
                    new.insert(place);
                }
                Place::Occupied(known) => {
                    let (one, other) = (first(&mut earlier, *known.get()), first(&mut earlier, place));
                    earlier[one.max(other)] = one.min(other);
                }
            }
        }
    }
    let mut people: Vec<Vec<usize>> = vec![Vec::new(); signals.len()];
    for place in 0..signals.len() {
        people[first(&mut earlier, place)].push(place);
    }
    let people = people.iter().filter(|person| !person.is_empty());
    people
        .flat_map(|person| person.chunks(LARGEST_PERSON).map(<[usize]>::to_vec))
        .collect()
}

/// The first place that is about the same person.
fn first(earlier: &mut [usize], mut place: usize) -> usize {
    while earlier[place] != place {
        earlier[place] = earlier[earlier[place]];
        place = earlier[place];
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Departure, DepartureStep, Reason, When};

    fn rows(subjects: &[(&str, &str)]) -> Vec<Signal> {
        let row = |(n, (employee, subject)): (usize, &(&str, &str))| {
            let mut signal = Signal::new(n.to_string(), [0; 32], subject.parse().unwrap(), Reason::Departed);
            signal.when = When::Departure(Departure {
                employee: (*employee).to_owned(),
                employment: n.to_string(),
                step: DepartureStep::Rehire,
            });
            signal
        };
        subjects.iter().enumerate().map(row).collect()
    }

    #[test]
    fn rows_of_one_person_stay_together_by_number_and_by_name() {
        let rows = rows(&[
            ("1", "a@example.org"),
            ("2", "b@example.org"),
            ("1", "other@example.org"),
            ("3", "c@example.org"),
            ("4", "b@example.org"),
            ("5", "other@example.org"),
            ("2", "c@example.org"),
        ]);
        assert_eq!(people(&rows), [vec![0, 2, 5], vec![1, 3, 4, 6]]);
    }

    #[test]
    fn one_name_in_every_row_makes_no_portion_of_everything() {
        let everybody = vec![("1", "all@example.org"); 3000];
        let people = people(&rows(&everybody));
        assert_eq!(people.iter().map(Vec::len).collect::<Vec<_>>(), [1024, 1024, 952]);
    }
}
