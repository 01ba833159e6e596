//! A table of the config file on its way to the source or target kind that understands it, with positions for complaints.

use std::ops::Range;

use serde::de::DeserializeOwned;

/// One thing wrong with a config, at a byte range of the file where one is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The bytes of the file it is about.
    pub span: Option<Range<usize>>,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl Complaint {
    /// A complaint about a whole table.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            span: None,
            message: message.into(),
        }
    }
}

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
        let reader = toml::de::Deserializer::from(self.table.clone());
        T::deserialize(reader).map_err(|error| {
            vec![Complaint {
                span: error.span(),
                message: error.message().to_owned(),
            }]
        })
    }
}
