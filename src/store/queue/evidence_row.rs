//! The evidence of a job as its row holds it: nobody else writes or reads that column whole.
//!
//! What a target says of itself is the same in every row, and stands there as a code (`wordings`). Rows of earlier versions hold the sentences.

use sqlx::sqlite::SqliteConnection;

use super::wordings;
use crate::model::{Evidence, Sentence};
use crate::store::Result;
use crate::store::columns::written;

/// The evidence of an attempt, with codes. Only for a mutation whose evidence the writer knows of
/// ([`evidence`](super::sets::hot_mutation::HotMutation::evidence)): it sees to it that the sentences are kept in the same transaction.
///
/// # Errors
/// Where it cannot be written down.
pub(super) fn of_attempt(mut evidence: Evidence) -> Result<String> {
    for sentence in evidence.sentences_mut().filter(|sentence| sentence.is_constant()) {
        *sentence = Sentence::from(wordings::code_of(sentence));
    }
    written("the evidence of an attempt", &evidence)
}

/// The evidence that a job begins with, whole: there, no target has said anything yet.
///
/// # Errors
/// Where it cannot be written down.
pub(in crate::store) fn of_new_job(evidence: &Evidence) -> Result<String> {
    written("whom a job looks after", evidence)
}

/// What a row holds, without what the target says in it: for whoever asks what was seen and done.
///
/// # Errors
/// Where it is no evidence.
pub(in crate::store) fn seen_and_done(text: &str) -> serde_json::Result<Evidence> {
    let mut evidence: Evidence = serde_json::from_str(text)?;
    evidence.doors.clear();
    evidence.not_covered.clear();
    Ok(evidence)
}

/// What a row holds, with codes in the place of sentences until [`recall`] has put those in.
///
/// # Errors
/// Where it is no evidence.
pub(in crate::store) fn with_codes(text: &str) -> serde_json::Result<Evidence> {
    serde_json::from_str(text)
}

/// Puts the sentences in the place of their codes, of all evidence together. Fails in nothing: a code that nobody can explain stays.
pub(in crate::store) async fn recall<'e>(conn: &mut SqliteConnection, evidence: impl Iterator<Item = &'e mut Evidence>) {
    wordings::recall(conn, evidence.flat_map(Evidence::sentences_mut)).await;
}

/// The codes that nobody could explain.
pub(in crate::store) fn unexplained(evidence: &Evidence) -> Vec<&str> {
    let texts = evidence.sentences().map(|sentence| &**sentence);
    texts.filter(|text| wordings::is_code(text)).collect()
}
