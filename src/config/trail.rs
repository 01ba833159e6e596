//! Where things lie on the disk: the database, and `[trail]` with its key and its checkpoints.

use std::path::{Path, PathBuf};

use toml::Spanned;

use super::Diagnostics;
use super::file;
use crate::secret::SecretSource;

/// The database where the config names none.
pub(super) const STORE: &str = "/var/lib/revoked/revoked.db";

const ORIGIN: &str = "revoked/trail/1";

/// The trail: whose it is, and where its checkpoints go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// The name of this trail in its checkpoints, and of the key that signs them.
    pub origin: String,
    /// The seed of the signing key, 32 bytes; `None` for one that is made beside the store.
    pub key: Option<SecretSource>,
    /// The file to which checkpoints are appended.
    pub anchor: PathBuf,
    /// Whether checkpoints go to the journal too.
    pub journal: bool,
}

pub(super) fn store(written: &file::Store, found: &mut Diagnostics) -> PathBuf {
    match &written.path {
        Some(path) => absolute(path, "the database", found),
        None => PathBuf::from(STORE),
    }
}

pub(super) fn trail(written: file::Trail, store: &Path, found: &mut Diagnostics) -> Trail {
    let origin = if let Some(origin) = written.origin {
        if !is_key_name(origin.get_ref()) {
            let message = "origin: it must have neither spaces nor `+`; write one such as \"revoked.example.org/trail/1\"";
            found.complain(origin.span(), message);
        }
        origin.into_inner()
    } else {
        found.warn(
            "[trail] origin is the default: name it after this installation, so that its checkpoints cannot be taken for another's",
        );
        ORIGIN.to_owned()
    };
    if let Some(key) = &written.key {
        check_seed(key, found);
    } else {
        found.warn(
            "[trail] key is not set: a key is made beside the store, so whoever owns that folder can rewrite the trail and sign it again",
        );
    }
    let anchor = match &written.anchor {
        Some(path) => absolute(path, "the checkpoint file", found),
        None => beside(store, "checkpoints"),
    };
    if anchor.parent() == store.parent() {
        found.warn(format!(
            "[trail] anchor {} lies beside the store: put it on another disk, or forward the journal to another machine",
            anchor.display()
        ));
    }
    Trail {
        origin,
        key: written.key.map(Spanned::into_inner),
        anchor,
        journal: written.journal.unwrap_or(true),
    }
}

/// Whether a name can be that of a signed note's key (C2SP signed-note).
fn is_key_name(text: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    !text.is_empty() && text.len() <= 200 && text.chars().all(plain)
}

fn check_seed(key: &Spanned<SecretSource>, found: &mut Diagnostics) {
    let source = key.get_ref();
    match source.read_bytes() {
        Ok(seed) if seed.len() == 32 => {}
        Ok(seed) => {
            let length = seed.len();
            let message = format!("key: the {source} has {length} bytes and needs 32; make one with head -c 32 /dev/urandom");
            found.complain(key.span(), message);
        }
        Err(error) => found.complain(key.span(), format!("key: {}", crate::model::error_chain(&error))),
    }
}

/// A path that does not depend on where the daemon was started.
fn absolute(path: &Spanned<PathBuf>, what: &str, found: &mut Diagnostics) -> PathBuf {
    let span = path.span();
    let path = path.get_ref();
    if !path.is_absolute() {
        found.complain(span, format!("{what} {} needs its whole path, from / on", path.display()));
    } else if path.file_name().is_none() || path.as_os_str().to_string_lossy().ends_with('/') {
        found.complain(span, format!("{what} {} is a folder's name, not a file's", path.display()));
    }
    path.clone()
}

/// A file of ours beside the database: `<database>.<what>`.
pub(super) fn beside(store: &Path, what: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    PathBuf::from(name)
}
