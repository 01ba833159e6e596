//! Why there is no report.

use crate::store::StoreError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The store did not answer, or knows no such case.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing is known of whom it was to be about: with what is to be tried.
    #[error("{0}")]
    NothingKnown(String),
}
