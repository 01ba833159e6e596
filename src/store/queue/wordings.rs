//! What targets say of themselves, kept once: each such sentence has a code, which stands for it in the evidence of every job.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::sqlite::SqliteConnection;

use crate::digest::sha256;
use crate::model::{Evidence, Sentence, error_chain};
use crate::store::columns::{Columns as _, written};
use crate::store::transaction::set_words::{rows_of, values_of};
use crate::store::{Result, StoreError};

/// Keeps sentences with their codes, unless they are kept already, by whichever process.
pub(in crate::store) const NEW_WORDINGS: &str = concat!(
    "INSERT INTO wording (code, text) SELECT code, text FROM ",
    rows_of!("$1", 0 => "code", 1 => "text"),
    " n WHERE true ON CONFLICT DO NOTHING"
);
/// What the codes in `$1` stand for.
pub(in crate::store) const MEANINGS: &str = concat!(
    "SELECT w.code, w.text FROM (SELECT value AS code FROM ",
    values_of!("$1"),
    ") n CROSS JOIN wording w WHERE w.code = n.code"
);

/// What a code begins with, which no sentence does.
const SIGN: char = '#';
/// How many bytes of the SHA-256 are in a code.
const CODE_BYTES: usize = 6;

/// What stands for a sentence.
pub(super) fn code_of(text: &str) -> String {
    let digest = sha256(text.as_bytes());
    format!("{SIGN}{}", URL_SAFE_NO_PAD.encode(&digest[..CODE_BYTES]))
}

/// Whether a text is a code.
pub(super) fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix(SIGN);
    digits.is_some_and(|digits| URL_SAFE_NO_PAD.decode(digits).is_ok_and(|bytes| bytes.len() == CODE_BYTES))
}

/// The sentences that are in the store for certain: the commit that has written them has returned. What is forgotten here is written once
/// more, which changes nothing.
#[derive(Default)]
pub(in crate::store) struct KnownWordings(BTreeSet<String>);

impl KnownWordings {
    /// What of these is not known to be in the store: the code and the text of each sentence, as [`NEW_WORDINGS`] takes them.
    pub(in crate::store) fn unknown<'e>(&self, evidence: impl Iterator<Item = &'e Evidence>) -> Vec<(String, String)> {
        let constants = evidence
            .flat_map(Evidence::sentences)
            .filter(|sentence| sentence.is_constant());
        let unknown: BTreeSet<&str> = constants.map(|text| &**text).filter(|text| !self.0.contains(*text)).collect();
        unknown.into_iter().map(|text| (code_of(text), text.to_owned())).collect()
    }

    /// Notes what was written, after its commit.
    pub(in crate::store) fn learn(&mut self, written: Vec<(String, String)>) {
        self.0.extend(written.into_iter().map(|(_, text)| text));
    }
}

/// Puts the sentences themselves in the place of their codes. A code that nothing is known of stays, so that nobody takes it for silence.
pub(super) async fn recall(conn: &mut SqliteConnection, sentences: impl Iterator<Item = &mut Sentence>) {
    let wanting: Vec<&mut Sentence> = sentences.filter(|sentence| is_code(sentence)).collect();
    if wanting.is_empty() {
        return;
    }
    let codes: BTreeSet<String> = wanting.iter().map(ToString::to_string).collect();
    let meanings = match meanings(conn, &codes).await {
        Ok(meanings) => meanings,
        Err(error) => {
            tracing::warn!(error = %error_chain(&error), "what targets have said cannot be read, and their codes stand in its place");
            return;
        }
    };
    for sentence in wanting {
        if let Some(Some(text)) = meanings.get(&**sentence) {
            *sentence = Sentence::recalled(text.clone());
        }
    }
}

/// The sentence of each code; `None` where it stands for two. A row that does not say what its code stands for was changed by somebody.
async fn meanings(conn: &mut SqliteConnection, codes: &BTreeSet<String>) -> Result<BTreeMap<String, Option<String>>> {
    let rows = sqlx::query(MEANINGS)
        .bind(written("the codes of sentences", codes)?)
        .fetch_all(conn)
        .await
        .map_err(StoreError::sql("reading what targets have said"))?;
    let mut meanings: BTreeMap<String, Option<String>> = BTreeMap::new();
    for row in &rows {
        let (Ok(code), Ok(text)) = (row.read::<String>(0), row.read::<String>(1)) else {
            continue;
        };
        if code_of(&text) == code {
            meanings
                .entry(code)
                .and_modify(|meaning| *meaning = None)
                .or_insert(Some(text));
        }
    }
    Ok(meanings)
}
