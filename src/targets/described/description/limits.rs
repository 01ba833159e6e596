//! What a target's answers say about its limits.

use http::HeaderName;

use super::table::Table;

/// The headers in which a target says how much it takes.
#[derive(Debug, Clone, Default)]
pub(in crate::targets::described) struct Limits {
    pub(in crate::targets::described) remaining: Option<HeaderName>,
    pub(in crate::targets::described) reset: Option<HeaderName>,
    pub(in crate::targets::described) form: ResetForm,
    pub(in crate::targets::described) retry_after: Option<HeaderName>,
    /// What the vendor says that we may use, for `revoked target explain`.
    pub(in crate::targets::described) rate: Option<String>,
}

/// How the header `reset` says when the target takes more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::targets::described) enum ResetForm {
    /// In so many seconds.
    #[default]
    Seconds,
    /// At this second since 1970.
    Unix,
    /// At this millisecond since 1970.
    UnixMs,
}

const FORMS: [(&str, ResetForm); 3] = [
    ("seconds", ResetForm::Seconds),
    ("unix", ResetForm::Unix),
    ("unix_ms", ResetForm::UnixMs),
];

impl Limits {
    /// Reads `[limits]`.
    pub(in crate::targets::described) fn read(table: &Table<'_>) -> Self {
        let Some(limits) = table.table("limits") else {
            return Self::default();
        };
        let header = |key| {
            let (text, at) = limits.text(key)?;
            let header = text.parse::<HeaderName>().ok();
            if header.is_none() {
                limits.mistakes().add(at, format!("{key}: it is not the name of a header"));
            }
            header
        };
        let rate = limits.text("rate").map(|(text, at)| {
            if let Err(error) = text.parse::<crate::settings::Rate>() {
                limits.mistakes().add(at, format!("rate: {error}"));
            }
            text.to_owned()
        });
        let read = Self {
            remaining: header("remaining"),
            reset: header("reset"),
            form: limits.word("form", &FORMS).unwrap_or_default(),
            retry_after: header("retry_after"),
            rate,
        };
        limits.done();
        read
    }
}
