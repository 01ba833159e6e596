//! Collects what is wrong with the values of a table, each with its place, so that all of it is told at once.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;

use super::{ConfigError, Period};

/// What is wrong with a table.
#[derive(Debug, Default)]
pub struct Complaints(pub Vec<ConfigError>);

impl Complaints {
    /// About a value.
    pub fn at<T>(&mut self, value: &Spanned<T>, message: impl Into<String>) {
        self.0.push(ConfigError::at(value.span(), message));
    }

    /// Reads a value; what is wrong with it is a complaint at its place, and `None`.
    pub fn take<T, U>(&mut self, value: &Spanned<T>, read: impl FnOnce(&T) -> anyhow::Result<U>) -> Option<U> {
        read(value.get_ref())
            .map_err(|error| self.at(value, format!("{error:#}")))
            .ok()
    }

    /// A length of time, or `fallback` where none is written.
    pub fn time(&mut self, value: Option<&Spanned<Period>>, fallback: Duration, bounds: &RangeInclusive<Duration>) -> Duration {
        let Some(written) = value else { return fallback };
        let time = written.get_ref().0;
        if !bounds.contains(&time) {
            let (shortest, longest) = (Period(*bounds.start()), Period(*bounds.end()));
            self.at(written, format!("it must be between {shortest} and {longest}"));
        }
        time
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
