//! The source kind `hr-csv`: a folder into which an HR system, or a person in HR, drops files of leavers.
//!
//! Reading order: `settings` (what the config says; `format` is how the files are written, with `presets` for the exports of HR systems),
//! `drop_folder` (which files are there and complete, where they go afterwards), `csv` (bytes to cells), `rows` (cells to checked rows; `rows/row` says why one is refused, as a `rows/row_error`),
//! `statements` (what a file says in the end, as signals). Beside that way: `files` (opening, names, signatures), `preview` (what a file
//! would do) and `proposal` (a mapping for an unknown export).
//!
//! A file says what changed, never who is still there: somebody who is missing from it keeps their access (`full_file` is for files that
//! name everybody, and then a human is asked). A file may be dropped any number of times: it is a repetition the second time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;

use super::{Awaited, Kind, Pull, Source, SourceState};
use crate::clock::Clock;
use crate::model::{Delivery, Receipt};

mod csv;
mod drop_folder;
mod files;
mod format;
mod preview;
mod proposal;
mod rows;
mod settings;
mod statements;

pub use csv::formula_escape::disarmed;
pub use files::file_name::shown;
pub use format::columns::{COLUMNS, ColumnMapping, Headers};
pub use format::dates::{DateFormat, Dates};
pub use format::file_format::{FileFormat, Undated};
pub use format::presets::{PRESETS, Preset};
pub use format::status_words::{EmploymentStatus, StatusWords};
pub use preview::{Effect, Preview, PreviewRefusal, PreviewRow, TakenBefore, Totals, preview, preview_bytes};
pub use proposal::{PassedOver, Proposal, Proposed, Word, propose};
pub use rows::change_kind::ChangeKind;
pub use rows::urgency::Urgency;
pub use settings::rules::{LARGEST_FILE, MOST_ROWS, Rules};
pub use statements::full_file::LAST as LAST_FULL_FILE;
pub use statements::rescind::state_key_of_end;

use drop_folder::access;
use drop_folder::archive::StoredFile;
use drop_folder::watcher::{DropFolder, ReadFile};
use statements::rescind::KnownEnds;
use statements::restated::RowsAside;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "hr-csv",
    about: "a drop folder for CSV files of leavers from an HR system",
    build: |settings, clock| {
        let rules = Rules::read(settings)?;
        Ok(Source::Pull(Arc::new(HrCsv::new(rules, clock.clone()))))
    },
};

/// A drop folder for CSV files of leavers.
pub struct HrCsv(Arc<DropFolder>);

impl HrCsv {
    /// A drop folder under `rules`. Opens nothing.
    #[must_use]
    pub fn new(rules: Rules, clock: Clock) -> Self {
        Self(Arc::new(DropFolder::new(rules, clock)))
    }

    /// The rules that it goes by.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.0.rules
    }
}

#[async_trait]
impl Pull for HrCsv {
    fn interval(&self) -> Duration {
        self.0.rules.interval
    }

    async fn poll(&self, _: Option<&str>, state: &dyn SourceState) -> anyhow::Result<Vec<Delivery>> {
        let folder = Arc::clone(&self.0);
        let now = tokio::time::Instant::now();
        let found = tokio::task::spawn_blocking(move || folder.look(now))
            .await
            .context("cannot look into the drop folder")??;
        let mut deliveries = Vec::with_capacity(found.len());
        // What one file says counts for the next, although neither is stored yet.
        let (mut ends, mut aside) = (KnownEnds::default(), None);
        for ReadFile {
            mut delivery,
            states,
            names,
            said,
            modified,
        } in found
        {
            statements::rescind::rescind_open_ended(&mut delivery, states, &mut ends, state).await?;
            let mut delivery = match names {
                Some(names) => statements::full_file::compare(delivery, names, modified, &self.0.rules, state).await?,
                None => delivery,
            };
            let aside = match &mut aside {
                Some(aside) => aside,
                unread => unread.insert(RowsAside::load(state).await?),
            };
            aside.compare(&mut delivery, said)?;
            deliveries.push(delivery);
        }
        Ok(deliveries)
    }

    fn cautions(&self) -> Vec<String> {
        access::caution(&self.0.rules.folder).into_iter().collect()
    }

    fn obstacle(&self) -> Option<String> {
        self.0.obstacle()
    }

    fn awaited(&self) -> Vec<Awaited> {
        self.0.awaited()
    }

    async fn stored(&self, delivery: &Delivery, _: &Receipt) -> anyhow::Result<()> {
        let Some(done) = StoredFile::of(delivery) else { return Ok(()) };
        let folder = Arc::clone(&self.0);
        let now = tokio::time::Instant::now();
        tokio::task::spawn_blocking(move || folder.stored(&done, now))
            .await
            .context("cannot put a file away")?
    }
}
