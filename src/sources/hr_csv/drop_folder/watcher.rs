//! Watches the drop folder: what is there, what is complete, and what it holds.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::Instant;

use super::access::with_advice;
use super::archive::{MovedFile, StoredFile, put_away, reason_place};
use super::completeness::{Ending, Mismatch, NO_END, marker_path, mismatch};
use super::concerned::Concerned;
use crate::clock::Clock;
use crate::model::{Delivery, PutAside, Refused};
use crate::sources::hr_csv::files::file_name::{is_expected, is_ours, shown};
use crate::sources::hr_csv::files::regular_file::{self, FileIdentity, Opened, irregular};
use crate::sources::hr_csv::files::signature;
use crate::sources::hr_csv::rows::contents;
use crate::sources::hr_csv::rows::contents::FileContents;
use crate::sources::hr_csv::settings::rules::{LARGEST_FILE, Rules, too_large};
use crate::sources::hr_csv::statements::full_file::NamedEmployments;
use crate::sources::hr_csv::statements::rescind::EmploymentStates;
use crate::sources::hr_csv::statements::restated::SaidRows;
use crate::sources::hr_csv::statements::signals;
use crate::sources::hr_csv::statements::signals::{FileDelivery, WHOLE_FILE};

/// A file that contradicts itself, or stops in the middle of a line, waits this many times as long as one that does not.
pub(super) const PATIENCE: u32 = 10;

/// One look hands in no more files than this, and none after so many signals: what is held in memory stays bounded.
const MOST_FILES: usize = 64;
const MOST_SIGNALS: usize = 100_000;

/// No more files than this are told of that are not for us.
const MOST_STRANGERS: usize = 100;

/// A file that was put away is watched this long, in case its upload had only stalled.
const WATCHED: Duration = Duration::from_hours(1);

/// A drop folder, and what was seen in it so far.
pub(in crate::sources::hr_csv) struct DropFolder {
    pub rules: Rules,
    pub clock: Clock,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    sightings: HashMap<OsString, Sighting>,
    /// Files that are stored and could not be put away: they are not handed in again.
    leftovers: HashMap<OsString, (FileIdentity, StoredFile)>,
    /// Files that were put away lately.
    moved: Vec<(MovedFile, Instant)>,
    /// Files that are not for us, each told of once.
    strangers: HashSet<OsString>,
}

/// What a file looked like, and since when.
#[derive(Debug, Clone)]
struct Sighting {
    file: FileIdentity,
    marker: Option<FileIdentity>,
    signature: Option<FileIdentity>,
    since: Instant,
    /// Whom it is about, where it was read in this state and is waited for: it contradicts its marker, its trailer or its signature, or
    /// its last line has no end.
    concerned: Option<Arc<Concerned>>,
}

/// A `*.csv` in the folder.
pub(super) struct Candidate {
    pub name: OsString,
    pub identity: FileIdentity,
    pub irregular: Option<&'static str>,
}

/// What comes of one file.
enum Outcome {
    /// What comes after it waits for it: it may be written to.
    Wait,
    /// Only what is about the same people waits for it.
    WaitFor(Arc<Concerned>),
    Gone,
    Deliver(Box<ReadFile>),
}

/// A file that was read.
#[derive(Debug)]
pub(in crate::sources::hr_csv) struct ReadFile {
    pub delivery: Delivery,
    /// What its statuses say.
    pub states: EmploymentStates,
    /// Whom it names, where it should name everybody and is not rejected.
    pub names: Option<NamedEmployments>,
    /// What its rows say, to be compared with those that were put aside before.
    pub said: SaidRows,
    /// When it was last written: seconds and nanoseconds.
    pub modified: (i64, i64),
}

impl DropFolder {
    pub(in crate::sources::hr_csv) fn new(rules: Rules, clock: Clock) -> Self {
        Self {
            rules,
            clock,
            memory: Mutex::default(),
        }
    }

    /// The files that are complete, oldest first. A file that is not yet complete keeps back those after it, since they may take back
    /// what it says; it never does so for long, since whoever writes on it also makes it younger. One that is waited for although nobody
    /// seems to write to it keeps back those that are about the same people alone.
    pub(in crate::sources::hr_csv) fn look(&self, now: Instant) -> anyhow::Result<Vec<ReadFile>> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut trouble = None;
        memory.moved.retain(|(moved, at)| {
            let back = moved.put_back_if_written().unwrap_or_else(|error| {
                trouble = Some(error);
                true
            });
            !back && now.duration_since(*at) < WATCHED
        });
        let (candidates, strangers) = self.candidates()?;
        for name in strangers {
            if memory.strangers.len() < MOST_STRANGERS && !memory.strangers.contains(&name) {
                // Its name may be a person's.
                tracing::warn!(
                    source = self.rules.source,
                    "the drop folder holds a file that is no .csv: it is left alone"
                );
                memory.strangers.insert(name);
            }
        }
        memory
            .sightings
            .retain(|name, _| candidates.iter().any(|candidate| candidate.name == *name));
        let mut found: Vec<ReadFile> = Vec::new();
        // A full file is compared with the one before it, which must be stored by then.
        let most = if self.rules.full_file { 1 } else { MOST_FILES };
        let mut waited_for: Vec<Arc<Concerned>> = Vec::new();
        for candidate in &candidates {
            let outcome = match memory.leftovers.get(&candidate.name) {
                Some((identity, done)) if *identity == candidate.identity => {
                    let done = done.clone();
                    self.put_away(&mut memory, &done, now).map(|()| Outcome::Gone)
                }
                _ => self.consider(candidate, &mut memory.sightings, &waited_for, now),
            };
            match outcome {
                Ok(Outcome::Wait) => break,
                Ok(Outcome::WaitFor(concerned)) => waited_for.push(concerned),
                Ok(Outcome::Gone) => {}
                Ok(Outcome::Deliver(one)) => found.push(*one),
                Err(error) => trouble = trouble.or(Some(error)),
            }
            let signals: usize = found.iter().map(|one| one.delivery.signals.len()).sum();
            if found.len() >= most || signals >= MOST_SIGNALS {
                break;
            }
        }
        match trouble {
            // What can be read is not held up by what cannot; that comes up again at the next look.
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// Puts the file behind a stored delivery away.
    pub(in crate::sources::hr_csv) fn stored(&self, done: &StoredFile, now: Instant) -> anyhow::Result<()> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        self.put_away(&mut memory, done, now)
    }

    fn put_away(&self, memory: &mut Memory, done: &StoredFile, now: Instant) -> anyhow::Result<()> {
        memory.leftovers.retain(|_, (_, left)| left != done);
        let result = put_away(&self.rules, done);
        if result.is_err() {
            let left = self.candidates()?.0.into_iter().filter(|left| shown(&left.name) == done.name);
            let left = left.map(|left| (left.name, (left.identity, done.clone())));
            memory.leftovers.extend(left);
        }
        let moved = result?;
        // A file of the same content has taken the place of the one before it, which is gone: what is there now is not that one, written to,
        // even where the file system gives it the same number.
        memory
            .moved
            .retain(|(before, _)| !moved.iter().any(|moved| moved.replaces(before)));
        memory.moved.extend(moved.into_iter().map(|moved| (moved, now)));
        Ok(())
    }

    /// What keeps the folder from being read, or its files from being put away.
    pub(in crate::sources::hr_csv) fn obstacle(&self) -> Option<String> {
        let folder = &self.rules.folder;
        if let Err(error) = self.candidates() {
            return Some(format!("{error:#}"));
        }
        let may_write = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
        may_write.err().map(|error| {
            format!(
                "files cannot be put away from the drop folder {}: {error}; who runs this may not write to it",
                folder.display()
            )
        })
    }

    /// The files that are for us, oldest first, and the names of those that look as if somebody meant them to be.
    pub(super) fn candidates(&self) -> anyhow::Result<(Vec<Candidate>, Vec<OsString>)> {
        let folder = &self.rules.folder;
        let looking = || format!("cannot look into the drop folder {}", folder.display());
        let meta = fs::metadata(folder).with_context(looking)?;
        if meta.mode() & 0o002 != 0 {
            bail!(
                "everybody on this machine may write to the drop folder {}, and so end anybody's access: chmod o-w it",
                folder.display()
            );
        }
        let (mut candidates, mut strangers) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(folder).with_context(looking)? {
            let entry = entry.with_context(looking)?;
            let (name, path) = (entry.file_name(), entry.path());
            if path == self.rules.archive || path == self.rules.quarantine {
                continue;
            }
            if !is_ours(&name) {
                if !is_expected(&name) {
                    strangers.push(name);
                }
                continue;
            }
            // It may be gone again, or be put away by now.
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            candidates.push(Candidate {
                name,
                identity: FileIdentity::of(&meta),
                irregular: irregular(&meta),
            });
        }
        candidates.sort_by(|a, b| (a.identity.modified, &a.name).cmp(&(b.identity.modified, &b.name)));
        Ok((candidates, strangers))
    }

    fn consider(
        &self,
        candidate: &Candidate,
        sightings: &mut HashMap<OsString, Sighting>,
        waited_for: &[Arc<Concerned>],
        now: Instant,
    ) -> anyhow::Result<Outcome> {
        let name = &candidate.name;
        if let Some(why) = candidate.irregular {
            return Ok(self.reject(candidate, None, format!("it {why}")));
        }
        let path = self.rules.folder.join(name);
        let beside = |path: &Path| fs::symlink_metadata(path).ok().map(|meta| FileIdentity::of(&meta));
        let marked = beside(&marker_path(&path));
        let fresh = Sighting {
            file: candidate.identity,
            marker: marked,
            signature: beside(&signature::beside(&path)),
            since: now,
            concerned: None,
        };
        let sighting = sightings.entry(name.clone()).or_insert_with(|| fresh.clone());
        if (sighting.file, sighting.marker, sighting.signature) != (fresh.file, fresh.marker, fresh.signature) {
            *sighting = fresh;
        }
        let unchanged = now.duration_since(sighting.since);
        let settled = unchanged >= self.rules.settle;
        let patient = unchanged >= self.rules.settle * PATIENCE;
        if candidate.identity.len > LARGEST_FILE {
            return Ok(if settled {
                self.reject(candidate, None, too_large())
            } else {
                Outcome::Wait
            });
        }
        if let Some(concerned) = sighting.concerned.as_ref().filter(|_| !patient) {
            return Ok(Outcome::WaitFor(Arc::clone(concerned)));
        }

        let doing = || format!("cannot read {} in the drop folder", shown(name));
        let opened = regular_file::open(&path).map_err(|error| with_advice(error, &path));
        let (mut file, identity) = match opened.with_context(doing)? {
            Opened::File(file, identity) => (file, identity),
            // It was replaced or taken away since it was listed; the next look sees what it is now.
            Opened::Refused(_) | Opened::Missing => return Ok(Outcome::Wait),
        };
        if identity != candidate.identity {
            return Ok(Outcome::Wait);
        }
        let ending = Ending::of(&mut file, identity.len).with_context(doing)?;
        let complete = match ending {
            Ending::Trailer => true,
            Ending::Fields => settled,
            Ending::Middle => patient,
        };
        // What nobody has written to for a while is read, to know who must wait for it.
        let has_no_end = ending == Ending::Middle && !complete && marked.is_none();
        if marked.is_none() && !complete && !(has_no_end && settled) {
            return Ok(Outcome::Wait);
        }
        let (contents, signature) = self.read(&file, &path).with_context(doing)?;
        let signed = signature.is_ok();
        if FileIdentity::of(&file.metadata().with_context(doing)?) != identity {
            return Ok(Outcome::Wait);
        }
        let mismatch = mismatch(&path, &contents)
            .with_context(doing)?
            .and(signature.map_err(|why| Mismatch(why.to_owned())));
        let lacks = match &mismatch {
            Err(Mismatch(why)) => Some(why.as_str()),
            Ok(()) => has_no_end.then_some(NO_END),
        };
        if let Some(why) = lacks.filter(|_| !patient) {
            // With a wrong trailer it is rejected as it stands, or written anew and younger: nobody's words wait for it.
            let is_hopeless = marked.is_none() && signed && !has_no_end;
            let concerned = Arc::new(if is_hopeless {
                Concerned::nobody()
            } else {
                Concerned::of(&contents, &self.rules)
            });
            self.tell_of(why, unchanged);
            sighting.concerned = Some(Arc::clone(&concerned));
            return Ok(Outcome::WaitFor(concerned));
        }
        match mismatch {
            Err(Mismatch(why)) => Ok(self.reject(candidate, Some(contents.sha256), why)),
            // What looked like a trailer was none (it stands inside a quote, or behind a header that is refused).
            Ok(()) if marked.is_none() && contents.trailer.is_none() && !settled => Ok(Outcome::Wait),
            // It may take back what those say.
            Ok(()) if waited_for.iter().any(|one| one.is_met_by(&contents, &self.rules)) => {
                Ok(Outcome::WaitFor(Arc::new(Concerned::of(&contents, &self.rules))))
            }
            Ok(()) => Ok(self.deliver(candidate, contents)),
        }
    }

    /// Says once what is waited for, and how long. The file's name may be a person's.
    fn tell_of(&self, why: &str, unchanged: Duration) {
        let until = self
            .clock
            .now()
            .plus((self.rules.settle * PATIENCE).saturating_sub(unchanged));
        tracing::warn!(
            source = self.rules.source,
            %until,
            "a file in the drop folder is waited for until then: {why}"
        );
    }

    /// Reads a file, and checks its signature where one is demanded: over the very bytes that were read.
    pub(super) fn read(&self, mut file: &fs::File, path: &Path) -> io::Result<(FileContents, Result<(), &'static str>)> {
        let Some(key) = &self.rules.signature else {
            return Ok((contents::read(file, &self.rules)?, Ok(())));
        };
        let mut bytes = Vec::new();
        file.by_ref().take(LARGEST_FILE).read_to_end(&mut bytes)?;
        let signed = signature::check(key, &signature::beside(path), &bytes)?;
        Ok((contents::read(&bytes[..], &self.rules)?, signed))
    }

    fn deliver(&self, candidate: &Candidate, contents: FileContents) -> Outcome {
        let said = SaidRows::of(&contents);
        if let Some(why) = contents.rejected {
            return self.reject_for(candidate, Some(contents.sha256), why, said);
        }
        let names = self.rules.full_file.then(|| {
            // Who left long ago may go missing without a question.
            let rows = contents.rows.iter().map(|(_, row)| row).filter(|row| !row.history);
            rows.map(|row| (row.employee.clone(), row.employment.clone(), row.subject.clone()))
                .collect()
        });
        let (name, digest) = (shown(&candidate.name), contents.sha256);
        let put_aside = Some(self.put_aside(&name, Some(&digest)));
        let FileDelivery { delivery, states } = signals::file_delivery(name, contents, &self.rules, self.clock.now());
        Outcome::Deliver(Box::new(ReadFile {
            delivery: Delivery { put_aside, ..delivery },
            states,
            names,
            said,
            modified: candidate.identity.modified,
        }))
    }

    /// Where HR will find what of a file could not be read.
    fn put_aside(&self, name: &str, digest: Option<&[u8; 32]>) -> PutAside {
        PutAside {
            reason: reason_place(&self.rules, name, digest).display().to_string(),
            over_by_itself: false,
        }
    }

    fn reject(&self, candidate: &Candidate, digest: Option<[u8; 32]>, why: String) -> Outcome {
        self.reject_for(candidate, digest, why, SaidRows::default())
    }

    fn reject_for(&self, candidate: &Candidate, digest: Option<[u8; 32]>, why: String, said: SaidRows) -> Outcome {
        let name = shown(&candidate.name);
        let delivery = Delivery {
            put_aside: Some(self.put_aside(&name, digest.as_ref())),
            name: Some(name),
            digest,
            refused: vec![Refused {
                place: WHOLE_FILE.to_owned(),
                why,
            }],
            ..Delivery::of(&self.rules.source, Vec::new(), self.clock.now())
        };
        Outcome::Deliver(Box::new(ReadFile {
            delivery,
            states: EmploymentStates::default(),
            names: None,
            said,
            modified: candidate.identity.modified,
        }))
    }
}
