//! A table of the config file on its way to the source or target kind that understands it, with positions for complaints.

use serde::de::DeserializeOwned;

mod complaint;
mod period;
mod rate;
mod read;
mod wording;

pub use complaint::{Complaint, Report};
pub use period::{Period, PeriodError};
pub use rate::{Rate, RateError};
pub use read::{read, salvage};
pub use wording::{nearest, unknown_key};

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
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Vec<Complaint>> {
        read(self.table.clone())
    }

    /// A complaint about the value of `key`, at its place in the file; about the whole table where the key is not written.
    #[must_use]
    pub fn complain(&self, key: &str, message: impl Into<String>) -> Complaint {
        let value = self.table.get_ref().iter().find(|(name, _)| name.get_ref() == key);
        Complaint {
            span: Some(value.map_or_else(|| self.table.span(), |(_, value)| value.span())),
            message: message.into(),
        }
    }
}
