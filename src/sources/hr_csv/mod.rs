//! The source kind `hr-csv`: a folder into which an HR system, or a person in HR, drops files of leavers.
//!
//! Reading order: `rules` (the settings), `folder` (what is there and what is complete), `contents` over `cells` and `row` (what a file
//! holds), `claim` (a row becomes a signal), `archive` and `quarantine` (what is left afterwards).
//!
//! A file says what changed, never who is still there: somebody who is missing from it keeps their access. A file may be dropped any
//! number of times: its rows carry their own names, and are repetitions the second time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;

use super::{House, Kind, Pull, Source};
use crate::clock::Clock;
use crate::model::{Delivery, Receipt};

mod archive;
mod cells;
mod claim;
mod contents;
mod folder;
mod marker;
mod name;
mod opening;
mod preview;
mod quarantine;
mod row;
mod rules;

pub use name::shown;
pub use preview::{Preview, PreviewRefusal, PreviewRow, preview};
pub use row::{Ask, COLUMNS};
pub use rules::{LARGEST_FILE, MOST_ROWS, Rules};

use archive::Done;
use folder::Folder;

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
}

#[async_trait]
impl Pull for HrCsv {
    fn interval(&self) -> Duration {
        self.0.rules.interval
    }

    async fn poll(&self, _: Option<&str>, _: &dyn House) -> anyhow::Result<Vec<Delivery>> {
        let folder = Arc::clone(&self.0);
        let now = tokio::time::Instant::now();
        tokio::task::spawn_blocking(move || folder.look(now))
            .await
            .context("cannot look into the drop folder")?
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
