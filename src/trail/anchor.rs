//! The file to which checkpoints go: best on another mount, append-only where the file system can.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A file of checkpoint notes, each followed by an empty line.
#[derive(Debug, Clone)]
pub struct AnchorFile(PathBuf);

impl AnchorFile {
    /// The anchor at `path`; nothing is opened yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Appends a note and returns once it is on the disk.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn append(&self, note: &str) -> anyhow::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.0)
            .with_context(|| format!("opening the checkpoint file {}", self.0.display()))?;
        file.write_all(format!("{note}\n").as_bytes())
            .and_then(|()| file.sync_data())
            .with_context(|| format!("writing the checkpoint file {}", self.0.display()))
    }

    /// Every whole note in the file, oldest first. What a crash cut short at the end is left out; a file that is not there holds none.
    ///
    /// # Errors
    /// Where the file is there and cannot be read.
    pub fn notes(&self) -> anyhow::Result<Vec<String>> {
        let text = match std::fs::read(&self.0) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("reading the checkpoint file {}", self.0.display())),
        };
        // A note is its text, an empty line, and its signatures: two blocks.
        let mut blocks: Vec<&str> = text.split("\n\n").collect();
        // What follows the last empty line is nothing, or was cut short.
        blocks.pop();
        Ok(blocks
            .chunks_exact(2)
            .map(|note| format!("{}\n\n{}\n", note[0].trim_start_matches('\n'), note[1]))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back_as_written_and_a_torn_one_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let anchor = AnchorFile::new(&folder.path().join("checkpoints"));
        assert!(anchor.notes().unwrap().is_empty());
        let notes = ["o\n1\nabc=\n\n— o xyz=\n", "o\n2\ndef=\n\n— o xyz=\n— w uvw=\n"];
        for note in notes {
            anchor.append(note).unwrap();
        }
        let mut file = std::fs::OpenOptions::new().append(true).open(anchor.path()).unwrap();
        file.write_all("o\n3\nghi=\n\n— o".as_bytes()).unwrap();
        assert_eq!(anchor.notes().unwrap(), notes);
    }
}
