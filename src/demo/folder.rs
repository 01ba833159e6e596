//! The folder of one demo: the user's own, or a temporary one that goes away with it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A folder that only its owner may enter.
pub(super) struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Folder {
    /// Makes the folder. One of the user's must be new or empty: what is in it may be the record of something real.
    pub(super) fn make(keep: Option<PathBuf>) -> anyhow::Result<Self> {
        let kept = keep.is_some();
        let path = keep.unwrap_or_else(|| std::env::temp_dir().join(format!("revoked-demo-{}", uuid::Uuid::now_v7())));
        let making = || format!("making the folder {}", path.display());
        if path.exists() {
            let mut within = fs::read_dir(&path).with_context(making)?;
            anyhow::ensure!(
                within.next().is_none(),
                "the folder {} is not empty; name a new one, for what is in it is not the demo's to overwrite",
                path.display()
            );
        } else {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&path)
                .with_context(making)?;
        }
        // A config needs whole paths.
        let path = path.canonicalize().with_context(making)?;
        Ok(Self { path, kept })
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A folder within.
    pub(super) fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.path.join(name);
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("making the folder {}", path.display()))?;
        Ok(path)
    }

    /// Writes a file that only its owner may read.
    pub(super) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
        let path = self.path.join(name);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("making {}", path.display()))?;
        file.write_all(contents.as_ref())
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be taken away is in the system's folder for such things.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_folder_goes_away_and_a_named_one_stays() {
        let temporary = Folder::make(None).unwrap();
        let path = temporary.path().to_owned();
        temporary.write("secret", "x").unwrap();
        assert!(path.join("secret").exists());
        drop(temporary);
        assert!(!path.exists());

        let outer = tempfile::tempdir().unwrap();
        let named = Folder::make(Some(outer.path().join("new/one"))).unwrap();
        let path = named.path().to_owned();
        drop(named);
        assert!(path.exists());
    }

    #[test]
    fn a_folder_with_something_in_it_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("revoked.db"), "").unwrap();
        let error = Folder::make(Some(outer.path().to_owned())).err().unwrap();
        assert!(format!("{error:#}").contains("not empty"), "{error:#}");
    }
}
