//! The description that a word on the command line means: of a kind that is compiled in, or of a file.

use std::path::Path;

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
        let description = Description::read(text).map_err(|mistakes| ConfigReport::new(format!("{name}.toml"), text, mistakes))?;
        return Ok(Meant::Described(Box::new(description)));
    }
    let is_path = word.contains(['/', '.']) || Path::new(word).exists();
    if is_path {
        return Description::read_file(Path::new(word)).map(|description| Meant::Described(Box::new(description)));
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
