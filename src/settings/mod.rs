//! A table of the config file on its way to the source or target kind that understands it.
//!
//! Reading order: here ([`Settings`]), `collect_errors` (reads a table, finding every error), `config_error` (one error and the report),
//! `messages` (their words), `complaints` (those about values, collected), then the values: `period` and `rate`.

use serde::de::DeserializeOwned;

mod collect_errors;
mod complaints;
mod config_error;
mod messages;
mod period;
mod rate;

pub use collect_errors::{read, salvage};
pub use complaints::Complaints;
pub use config_error::{ConfigError, ConfigReport};
pub use messages::{nearest, unknown_key};
pub use period::{Period, PeriodError};
pub use rate::{Rate, RateError};

/// The keys of one `[[source]]` or `[[target]]` that belong to its kind (`name`, `kind` and the keys every kind has are taken out).
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    /// The entry's name.
    pub name: &'a str,
    /// The kind's own keys.
    pub table: toml::Spanned<toml::de::DeTable<'a>>,
}

impl Settings<'_> {
    /// Reads the table into `T`.
    ///
    /// # Errors
    /// Every complaint that can be found: unknown keys, wrong types, missing keys.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Vec<ConfigError>> {
        read(self.table.clone())
    }

    /// A complaint about the value of `key`, at its place in the file; about the whole table where the key is not written.
    #[must_use]
    pub fn complain(&self, key: &str, message: impl Into<String>) -> ConfigError {
        let value = self.table.get_ref().iter().find(|(name, _)| name.get_ref() == key);
        ConfigError {
            span: Some(value.map_or_else(|| self.table.span(), |(_, value)| value.span())),
            message: message.into(),
        }
    }
}
