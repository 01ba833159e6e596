//! The file to which checkpoints go: best on another mount, append-only where the file system can.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use revoked_trail::checkpoint_file::{self, CUT_SHORT};

/// How much of the file's end is read for its newest note: some hundred notes.
const END: u64 = 64 << 10;

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

    /// How many bytes it has; `None` where it is not there.
    ///
    /// # Errors
    /// Where it cannot be told.
    pub fn length(&self) -> anyhow::Result<Option<u64>> {
        match std::fs::metadata(&self.0) {
            Ok(meta) => Ok(Some(meta.len())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("looking at the checkpoint file {}", self.0.display())),
        }
    }

    /// Appends a note and returns once it is on the disk, with the bytes that the file has then. Where it holds fewer than `least` already it
    /// was cut short or taken away: nothing is written, and `None` says so.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn append(&self, note: &str, least: u64) -> anyhow::Result<Option<u64>> {
        let doing = || format!("writing the checkpoint file {}", self.0.display());
        // Only a file of which nothing is known is begun.
        if least > 0 && self.length()?.is_none_or(|length| length < least) {
            return Ok(None);
        }
        let mut file = crate::file_modes::public()
            .read(true)
            .append(true)
            .open(&self.0)
            .with_context(|| format!("opening the checkpoint file {}", self.0.display()))?;
        // The mark joins the block that was cut short, so that not even a note that lacks its empty line alone is read afterwards and
        // not before.
        let text = match end(&mut file).with_context(doing)? {
            None | Some([b'\n', b'\n']) => format!("{note}\n"),
            Some([_, b'\n']) => format!("{CUT_SHORT}\n\n{note}\n"),
            Some(_) => format!("\n{CUT_SHORT}\n\n{note}\n"),
        };
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
            .with_context(doing)?;
        file.metadata().map(|meta| Some(meta.len())).with_context(doing)
    }

    /// The newest whole note that `is_wanted`. The end of the file is read, and all of it only where no such note stands there: it grows for
    /// as long as the daemon lives, and a start must not.
    ///
    /// # Errors
    /// Where the file is there and cannot be read.
    pub fn newest(&self, is_wanted: impl Fn(&str) -> bool) -> anyhow::Result<Option<String>> {
        let last = |notes: Vec<String>| notes.into_iter().rfind(|note| is_wanted(note));
        let read = std::fs::File::open(&self.0).and_then(|mut file| ending(&mut file));
        match read {
            Ok(text) => match last(checkpoint_file::notes(&text)) {
                Some(note) => Ok(Some(note)),
                None => Ok(last(self.notes()?)),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("reading the checkpoint file {}", self.0.display())),
        }
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
        Ok(checkpoint_file::notes(&text))
    }
}

/// What it means that a file of checkpoints lies where the store does.
pub const BESIDE_THE_STORE: &str = "lies beside the store; whoever owns that folder owns both, so it confirms nothing against them";

/// The files of checkpoints that lie beside the store.
pub fn anchors_beside<'p>(anchors: &'p [PathBuf], store: &'p Path) -> impl Iterator<Item = &'p PathBuf> {
    anchors.iter().filter(move |path| path.parent() == store.parent())
}

/// The last bytes of the file, from the first note on that begins in them.
fn ending(file: &mut std::fs::File) -> std::io::Result<String> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(match text.split_once("\n\n") {
        // It begins in the middle of a block, whose rest says nothing.
        Some((_, whole)) if length > END => whole.to_owned(),
        _ => text,
    })
}

/// The last two bytes of the file, zeros where it has fewer; `None` where it is empty.
fn end(file: &mut std::fs::File) -> std::io::Result<Option<[u8; 2]>> {
    let length = file.seek(SeekFrom::End(0))?;
    if length == 0 {
        return Ok(None);
    }
    let mut end = [0; 2];
    if length > 1 {
        file.seek(SeekFrom::End(-2))?;
        file.read_exact(&mut end)?;
    }
    Ok(Some(end))
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
            anchor.append(note, 0).unwrap();
        }
        let mut file = std::fs::OpenOptions::new().append(true).open(anchor.path()).unwrap();
        file.write_all("o\n3\nghi=\n\n— o".as_bytes()).unwrap();
        assert_eq!(anchor.notes().unwrap(), notes);
    }

    #[test]
    fn the_newest_note_is_found_at_the_end_wherever_that_begins_and_an_older_one_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let anchor = AnchorFile::new(&folder.path().join("checkpoints"));
        assert_eq!(anchor.newest(|_| true).unwrap(), None);
        let note = |size: usize| format!("o\n{size}\nabc=\n\n— o {}\n", "z".repeat(size % 97));
        let mut text = String::new();
        let mut size = 0;
        while text.len() < usize::try_from(2 * END).unwrap() {
            size += 1;
            text.push_str(&note(size));
            text.push('\n');
        }
        // Every place of a note, one byte after the other, is where the end begins once.
        for more in 0..120 {
            let head = format!("{}\n\n", "x".repeat(more));
            std::fs::write(anchor.path(), format!("{head}{text}")).unwrap();
            assert_eq!(anchor.newest(|_| true).unwrap(), Some(note(size)), "{more}");
            assert_eq!(anchor.newest(|found| found.starts_with("o\n3\n")).unwrap(), Some(note(3)));
        }
        let torn = "o\n9999\nabc=\n\n— o";
        std::fs::write(anchor.path(), format!("{text}{torn}")).unwrap();
        assert_eq!(anchor.newest(|_| true).unwrap(), Some(note(size)));
        assert_eq!(anchor.newest(|found| found.contains("9999")).unwrap(), None);
    }

    #[test]
    fn the_end_alone_is_read_where_it_has_the_newest_note() {
        let folder = tempfile::tempdir().unwrap();
        let anchor = AnchorFile::new(&folder.path().join("checkpoints"));
        let note = "o\n1\nabc=\n\n— o xyz=\n";
        anchor.append(note, 0).unwrap();
        // Far more than could be read in the time that a start has: a hole, which takes no room.
        let file = std::fs::OpenOptions::new().write(true).open(anchor.path()).unwrap();
        file.set_len(1 << 40).unwrap();
        let mut file = std::fs::OpenOptions::new().append(true).open(anchor.path()).unwrap();
        file.write_all(format!("\n\n{note}\n").as_bytes()).unwrap();
        assert_eq!(anchor.newest(|_| true).unwrap().as_deref(), Some(note));
    }

    #[test]
    fn a_file_that_shrank_or_is_gone_is_neither_written_nor_begun() {
        let folder = tempfile::tempdir().unwrap();
        let anchor = AnchorFile::new(&folder.path().join("checkpoints"));
        let note = "o\n1\nabc=\n\n— o xyz=\n";
        let length = anchor.append(note, 0).unwrap().unwrap();
        assert_eq!(anchor.length().unwrap(), Some(length));
        assert!(anchor.append(note, length).unwrap().is_some_and(|longer| longer > length));
        std::fs::write(anchor.path(), note).unwrap();
        assert_eq!(anchor.append(note, 2 * length).unwrap(), None);
        assert_eq!(std::fs::read_to_string(anchor.path()).unwrap(), note);
        std::fs::remove_file(anchor.path()).unwrap();
        assert_eq!(anchor.append(note, length).unwrap(), None);
        assert!(!anchor.path().exists());
    }

    #[test]
    fn a_note_after_a_torn_one_is_read_and_the_torn_one_never_is() {
        let torn = [
            "o\n3",
            "o\n3\nghi=\n",
            "o\n3\nghi=\n\n",
            "o\n3\nghi=\n\n— o",
            "o\n3\nghi=\n\n— o xyz=\n",
        ];
        for torn in torn {
            let folder = tempfile::tempdir().unwrap();
            let anchor = AnchorFile::new(&folder.path().join("checkpoints"));
            let (first, last) = ("o\n1\nabc=\n\n— o xyz=\n", "o\n4\njkl=\n\n— o xyz=\n");
            anchor.append(first, 0).unwrap();
            let mut file = std::fs::OpenOptions::new().append(true).open(anchor.path()).unwrap();
            file.write_all(torn.as_bytes()).unwrap();
            anchor.append(last, 0).unwrap();
            assert_eq!(anchor.notes().unwrap(), [first, last], "{torn:?}");
        }
    }
}
