//! The sources that we fetch from, each with its own loop, which ends where a new config has no more use for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::listeners::{Listeners, Work};
use crate::intake::{self, Intake};
use crate::sources::Source;

/// The loops that run, by the name of their source.
#[derive(Default)]
pub(super) struct Polls(BTreeMap<String, Work>);

impl Polls {
    /// Looks at a source from now on, where it is one that we fetch from. What was looked at under its name before ends first.
    pub(super) fn begin(&mut self, listeners: &Listeners, intake: &Intake, name: &str, source: &Source) {
        let before = self.0.remove(name);
        let Some(pull) = source.pull() else {
            if let Some(before) = before {
                before.stop();
            }
            return;
        };
        let looking = |stop| intake::run_poll(intake.clone(), name.to_owned(), Arc::clone(pull), stop);
        let work = listeners.spawn_after(before, &format!("the poll of source {name}"), looking);
        self.0.insert(name.to_owned(), work);
    }

    /// Ends those of sources that are there no more.
    pub(super) fn end_all_but(&mut self, stays: impl Fn(&str) -> bool) {
        let gone: Vec<String> = self.0.keys().filter(|name| !stays(name)).cloned().collect();
        for work in gone.iter().filter_map(|name| self.0.remove(name)) {
            work.stop();
        }
    }
}
