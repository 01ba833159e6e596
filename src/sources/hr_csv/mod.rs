//! The source kind `hr-csv`: a folder into which an HR system, or a person in HR, drops files of leavers.
//!
//! Reading order: `rules` over `form` (the settings; `presets` for the exports of HR systems), `folder` (what is there and what is
//! complete), `contents` over `decode`, `cells`, `columns` and `row` (what a file holds), `statements` over `persons` (what it says in the
//! end), `claim` and `called_off` (what is handed in), `archive` and `quarantine` (what is left afterwards).
//!
//! A file says what changed, never who is still there: somebody who is missing from it keeps their access (`full_file` is for files that
//! name everybody, and then a human is asked). A file may be dropped any number of times: it is a repetition the second time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;

use super::{House, Kind, Pull, Source};
use crate::clock::Clock;
use crate::model::{Delivery, Receipt};

mod aliases;
mod archive;
mod ask;
mod called_off;
mod cells;
mod claim;
mod columns;
mod contents;
mod dates;
mod decode;
mod folder;
mod form;
mod full_file;
mod line;
mod marker;
mod meaning;
mod name;
mod names;
mod opening;
mod persons;
mod presets;
mod preview;
mod proposal;
mod quarantine;
mod row;
mod rules;
mod settings;
mod signature;
mod statements;
mod words;
mod wrong;

pub use ask::Ask;
pub use called_off::memo_of_end;
pub use columns::{COLUMNS, Headers, Mapping};
pub use dates::{DateForm, Dates};
pub use form::{Form, Undated};
pub use full_file::LAST as LAST_FULL_FILE;
pub use name::shown;
pub use presets::{PRESETS, Preset};
pub use preview::{Effect, Preview, PreviewRefusal, PreviewRow, TakenBefore, Totals, preview};
pub use proposal::{PassedOver, Proposal, Proposed, Word, propose};
pub use quarantine::disarmed;

pub use rules::{LARGEST_FILE, MOST_ROWS, Rules};
pub use words::{Standing, StatusWords};

use archive::Done;
use folder::{Folder, Found};

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
pub struct HrCsv(Arc<Folder>);

impl HrCsv {
    /// A drop folder under `rules`. Opens nothing.
    #[must_use]
    pub fn new(rules: Rules, clock: Clock) -> Self {
        Self(Arc::new(Folder::new(rules, clock)))
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

    async fn poll(&self, _: Option<&str>, house: &dyn House) -> anyhow::Result<Vec<Delivery>> {
        let folder = Arc::clone(&self.0);
        let now = tokio::time::Instant::now();
        let found = tokio::task::spawn_blocking(move || folder.look(now))
            .await
            .context("cannot look into the drop folder")??;
        let mut deliveries = Vec::with_capacity(found.len());
        for Found {
            mut delivery,
            states,
            names,
            modified,
        } in found
        {
            called_off::call_off(&mut delivery, states, house).await?;
            deliveries.push(match names {
                Some(names) => full_file::compare(delivery, names, modified, &self.0.rules, house).await?,
                None => delivery,
            });
        }
        Ok(deliveries)
    }

    async fn stored(&self, delivery: &Delivery, _: &Receipt) -> anyhow::Result<()> {
        let Some(done) = Done::of(delivery) else { return Ok(()) };
        let folder = Arc::clone(&self.0);
        let now = tokio::time::Instant::now();
        tokio::task::spawn_blocking(move || folder.stored(&done, now))
            .await
            .context("cannot put a file away")?
    }
}
