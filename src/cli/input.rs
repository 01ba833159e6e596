//! A file that a command reads, or standard input in its place.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

use super::handed::handed;
use super::output::plain;

/// Reads a file, or standard input where it is called `-`; of what is longer than `most` bytes, one more.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn read_input(file: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(most + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("reading {}", name_of(file)))?;
    Ok(bytes)
}

/// A file as people know it: what stands on standard input may be a file of the caller's.
pub(super) fn name_of(file: &Path) -> String {
    if file != Path::new("-") {
        return plain(&file.display().to_string());
    }
    sent_file().map_or_else(|| "standard input".to_owned(), plain)
}

/// The file of a caller that stands on standard input.
pub(super) fn sent_file() -> Option<&'static str> {
    handed()?.file.as_deref()
}
