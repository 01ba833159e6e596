//! Reports for people: one case, one person, one shift. Each sentence has the numbers of the trail's entries that carry it.
//!
//! `document` is what a report says, in `words`; `markdown` and `html` write it; `recorded` is an entry of the trail as reports read it.
//! `case` builds the report of a case of `course` (what happened), `changes`, `proof`, `not_covered` and what became of its `departure`, by its
//! `standing` and, where its hold was rejected, that `rejection`; `person` and `handover` are the other two, and `alert_groups` has alerts of one cause as one. `trail_state` says what all of it
//! rests on, `inclusion` writes the proofs of the entries for people. Who asks and where it goes is the affair of whoever calls: the command line and the console.

mod alert_groups;
mod case;
mod changes;
mod course;
mod departure;
mod document;
mod handover;
mod html;
mod inclusion;
mod markdown;
mod not_covered;
mod person;
mod proof;
mod recorded;
mod rejection;
mod report_error;
mod standing;
mod trail_state;
mod words;
mod zone;

use crate::model::{Subject, Timestamp};
use crate::store::{Store, StoreError};

pub use alert_groups::{AlertGroup, grouped};
pub use document::{Document, SignedHead, TrailState};
pub use html::{Look, STYLE, html};
pub use markdown::{markdown, markdown_on_screen};
pub use recorded::decides;
pub use report_error::ReportError;
pub use trail_state::{as_known, cited, verified_now};
pub use zone::Zone;

/// The report of a case.
///
/// # Errors
/// [`StoreError::NotFound`] where neither the store nor the trail knows it.
pub async fn of_case(store: &Store, number: i64, zone: &Zone) -> Result<Document, StoreError> {
    let file = case::read(store, number).await?;
    Ok(case::report(&file, store.clock().now(), zone))
}

/// The certificate of a person as of an instant, and the cases that it is made of.
///
/// # Errors
/// Where the store cannot be read, or nothing was known of the person by then.
pub async fn of_person(
    store: &Store,
    subject: &Subject,
    until: Timestamp,
    zone: &Zone,
) -> Result<(Document, Vec<i64>), ReportError> {
    let files = person::read(store, subject, until, zone).await?;
    let name = subject.to_string();
    let names = store.shown_names([name.as_str()]).await?;
    let times = (until, store.clock().now());
    let document = person::report((subject, names.of(&name)), &files, times, zone);
    Ok((document, files.iter().map(case::CaseFile::number).collect()))
}

/// What the next shift must know, of what happened since an instant and is open now.
///
/// # Errors
/// Where the store cannot be read.
pub async fn of_shift(store: &Store, since: Timestamp, zone: &Zone) -> Result<Document, StoreError> {
    handover::report(store, (since, store.clock().now()), zone).await
}
