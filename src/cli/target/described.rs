//! The description that a word on the command line means: of a kind that is compiled in, or of a file.

use std::path::Path;

use anyhow::Context as _;

use crate::cli::UsageError;
use crate::settings::{ConfigReport, nearest};
use crate::targets::described::Description;
use crate::targets::described::shipped::DESCRIPTIONS;
use crate::targets::{KINDS, Kind};

/// What a word means.
pub(super) enum Meant {
    /// A description.
    Described(Box<Description>),
    /// A kind that is written in Rust.
    InRust(&'static Kind),
}

/// Finds what `word` means: the word for a kind, or a file.
///
/// # Errors
/// Where it is neither, and every mistake of a file.
pub(super) fn meant(word: &str) -> anyhow::Result<Meant> {
    if let Some((name, text)) = DESCRIPTIONS.iter().find(|(name, _)| *name == word) {
        return read(&format!("{name}.toml"), text).map(|description| Meant::Described(Box::new(description)));
    }
    let is_path = word.contains(['/', '.']) || Path::new(word).exists();
    if is_path {
        return read_file(Path::new(word)).map(|description| Meant::Described(Box::new(description)));
    }
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == word) {
        return Ok(Meant::InRust(kind));
    }
    let meant = nearest(word, KINDS.iter().map(|kind| kind.name));
    let hint = meant.map_or_else(
        || "see revoked kinds, or name a file".to_owned(),
        |meant| format!("did you mean {meant}?"),
    );
    Err(UsageError(format!("no kind of target and no file is called {word:?}; {hint}")).into())
}

/// Reads the description in a file.
///
/// # Errors
/// Where it cannot be read, and every mistake in it.
pub(super) fn read_file(path: &Path) -> anyhow::Result<Description> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading the description in {}", path.display()))?;
    read(&path.display().to_string(), &text)
}

fn read(file: &str, text: &str) -> anyhow::Result<Description> {
    Description::read(text).map_err(|mistakes| ConfigReport::new(file, text, mistakes).into())
}
