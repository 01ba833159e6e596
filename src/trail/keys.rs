//! The key that signs checkpoints, and the key that verifies them.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use revoked_trail::key::{random_key, verifier_keys};
use revoked_trail::{Signer, VerifierKey};

use crate::file_modes;
use crate::secret::SecretSource;
use crate::store::{OpenError, Store, TrailFilter};

/// What is being done where a key cannot be read.
const FORM: &str = "reading a verifier key of the form name+id+key";

/// The signer for `origin`: from `source`, or, where none is configured, from the seed beside the store. That is made only for a trail that is
/// `new`: one that has entries goes on under the key that signed them.
///
/// # Errors
/// Where the seed cannot be read or is not 32 bytes, or cannot be made; an [`OpenError`] where it is gone.
pub fn signer(origin: &str, source: Option<&SecretSource>, store: &Path, new: bool) -> anyhow::Result<Signer> {
    if let Some(source) = source {
        return read_signer(origin, source).context("reading the trail's signing key");
    }
    let made = beside(store, "trail-key");
    if !made.exists() {
        if !new {
            let what = format!(
                "its signing key {} is gone: put it back; where it is lost for good, revoked trail rotate-key --lost goes on under a new one, \
                 and says so for ever",
                made.display()
            );
            return Err(OpenError::Trail {
                path: store.to_owned(),
                what,
            }
            .into());
        }
        make_seed(&made)?;
    }
    read_signer(origin, &SecretSource::File(made)).context("reading the trail's signing key")
}

/// Makes the seed of a key in a file that is not there yet, for its owner only.
pub(super) fn make_seed(path: &Path) -> anyhow::Result<()> {
    let seed = random_key().context("making the trail's signing key")?;
    let mut file = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("making the trail's signing key {}", path.display()))?;
    file.write_all(&seed)
        .and_then(|()| file.sync_all())
        .context("writing the trail's signing key")
}

/// The signer of a seed.
pub(super) fn read_signer(origin: &str, source: &SecretSource) -> anyhow::Result<Signer> {
    let seed: [u8; 32] = source.read_bytes()?.try_into().map_err(|seed: Vec<u8>| {
        anyhow::anyhow!(
            "the trail's signing key has {} bytes and needs 32; make one with head -c 32 /dev/urandom",
            seed.len()
        )
    })?;
    Signer::from_seed(origin, &seed).context("using the trail's signing key")
}

/// Writes a verifier key beside the store as `<store>.vkey`, for `trail verify` and for whoever verifies elsewhere. Keys that were valid before
/// stay in the file: older checkpoints are verified with them.
///
/// # Errors
/// Where the file cannot be written.
pub fn publish(key: &VerifierKey, store: &Path) -> anyhow::Result<()> {
    let text = format!("{key}\n");
    let public = beside(store, "vkey");
    let known = std::fs::read_to_string(&public).unwrap_or_default();
    if !known.lines().any(|line| line == text.trim_end()) {
        let opened = file_modes::public().write(true).truncate(true).open(&public);
        opened
            .and_then(|mut file| file.write_all(format!("{known}{text}").as_bytes()))
            .with_context(|| format!("writing the verifier key {}", public.display()))?;
    }
    Ok(())
}

/// Writes the file of verifier keys anew where it is gone, with the keys that the trail's own entries name: a trail whose keys were replaced
/// cannot be verified by its newest alone. Answers where and how many, or nothing where the file is there.
///
/// # Errors
/// Where the trail cannot be read or the file not be written.
pub async fn publish_again(store: &Store) -> anyhow::Result<Option<(PathBuf, usize)>> {
    let public = beside(store.path(), "vkey");
    if public.exists() {
        return Ok(None);
    }
    let filter = TrailFilter {
        kind: Some("trail.key_".to_owned()),
        limit: 1000,
        ..TrailFilter::default()
    };
    let rows = store.trail_search(&filter).await?;
    let named = rows.iter().flat_map(|row| {
        let entry: serde_json::Value = serde_json::from_str(&row.body).unwrap_or_default();
        ["before", "verifier"].map(|member| {
            entry["detail"][member]
                .as_str()
                .and_then(|key| key.parse::<VerifierKey>().ok())
        })
    });
    for key in named.flatten() {
        publish(&key, store.path())?;
    }
    let keys = known_keys(store.path())?.len();
    Ok(Some((public, keys)))
}

/// The keys beside the store, none where nothing was signed yet.
///
/// # Errors
/// Where they are there and cannot be read.
pub fn known_keys(store: &Path) -> anyhow::Result<Vec<VerifierKey>> {
    if beside(store, "vkey").exists() {
        keys_beside(store)
    } else {
        Ok(Vec::new())
    }
}

/// The verifier keys that lie beside a store, the newest last.
///
/// # Errors
/// Where there are none.
pub fn keys_beside(store: &Path) -> anyhow::Result<Vec<VerifierKey>> {
    let path = beside(store, "vkey");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("reading the verifier key {}; name it with --key", path.display()))?;
    parse(&text)
}

/// The verifier keys in a file, the newest last, or the one that is given as text.
///
/// # Errors
/// Where it is neither.
pub fn read_keys(text: &str) -> anyhow::Result<Vec<VerifierKey>> {
    if Path::new(text).is_file() {
        let text = std::fs::read_to_string(text).with_context(|| format!("reading the verifier keys in {text}"))?;
        return parse(&text);
    }
    parse(text)
}

fn parse(text: &str) -> anyhow::Result<Vec<VerifierKey>> {
    let keys = verifier_keys(text).context(FORM)?;
    anyhow::ensure!(!keys.is_empty(), "{FORM}: there is none");
    Ok(keys)
}

pub(super) fn beside(store: &Path, what: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_file_is_read_and_one_as_text() {
        let folder = tempfile::tempdir().unwrap();
        let keys = [1, 2].map(|seed| {
            Signer::from_seed("example.org/trail", &[seed; 32])
                .unwrap()
                .verifier()
                .to_string()
        });
        let file = folder.path().join("trail.vkey");
        std::fs::write(&file, format!("{}\n{}\n", keys[0], keys[1])).unwrap();
        let read = |text: &str| read_keys(text).map(|keys| keys.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(read(file.to_str().unwrap()).unwrap(), keys);
        assert_eq!(read(&keys[1]).unwrap(), keys[1..]);
        std::fs::write(&file, "\n").unwrap();
        for nothing in [file.to_str().unwrap(), "no key"] {
            assert!(read(nothing).is_err(), "{nothing}");
        }
    }
}
