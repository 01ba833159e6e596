//! What is waited for in a drop folder, told by the folder alone: whoever asks need not be the daemon, which has watched it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use super::completeness::{Ending, Mismatch, NO_END, marker_path, mismatch};
use super::watcher::{Candidate, DropFolder, PATIENCE};
use crate::model::Timestamp;
use crate::sources::Awaited;
use crate::sources::hr_csv::files::file_name::shown;
use crate::sources::hr_csv::files::regular_file::{self, Opened};
use crate::sources::hr_csv::files::signature;
use crate::sources::hr_csv::settings::rules::LARGEST_FILE;

impl DropFolder {
    /// The files that lie there and are not taken yet, since they contradict themselves or stop in the middle of a line: why, and until when
    /// at the latest. What cannot be looked at is left out.
    pub(in crate::sources::hr_csv) fn awaited(&self) -> Vec<Awaited> {
        let Ok((candidates, _)) = self.candidates() else {
            return Vec::new();
        };
        candidates.iter().filter_map(|candidate| self.awaits(candidate)).collect()
    }

    fn awaits(&self, candidate: &Candidate) -> Option<Awaited> {
        let path = self.rules.folder.join(&candidate.name);
        let marker = marker_path(&path);
        let beside = [path.clone(), marker.clone(), signature::beside(&path)];
        let changed = beside.iter().filter_map(|path| fs::symlink_metadata(path).ok());
        // A name that it got last makes it new, too.
        let changed = changed
            .map(|meta| Timestamp::from_seconds(meta.mtime().max(meta.ctime())))
            .max()?;
        let until = changed.plus(self.rules.settle * PATIENCE);
        if until <= self.clock.now() || candidate.identity.len > LARGEST_FILE {
            return None;
        }
        let Opened::File(mut file, identity) = regular_file::open(&path).ok()? else {
            return None;
        };
        let is_marked = fs::symlink_metadata(&marker).is_ok();
        let ending = Ending::of(&mut file, identity.len).ok()?;
        let why = if ending == Ending::Middle && !is_marked {
            NO_END.to_owned()
        } else {
            let (contents, signature) = self.read(&file, &path).ok()?;
            let Mismatch(why) = mismatch(&path, &contents)
                .ok()?
                .and(signature.map_err(|why| Mismatch(why.to_owned())))
                .err()?;
            why
        };
        Some(Awaited {
            what: shown(&candidate.name),
            until,
            why,
        })
    }
}
