//! The key that signs checkpoints, and the key that verifies them.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use revoked_trail::key::{random_key, verifier_keys};
use revoked_trail::{Signer, VerifierKey};

use crate::file_modes;
use crate::secret::SecretSource;

/// What is being done where a key cannot be read.
const FORM: &str = "reading a verifier key of the form name+id+key";

/// The signer for `origin`: from `source`, or, where none is configured, from a seed that is made beside the store on first use.
///
/// The verifier key is written beside the store as `<store>.vkey`, for `trail verify` and for whoever verifies elsewhere.
///
/// # Errors
/// Where the seed cannot be read or is not 32 bytes, or the files cannot be written.
pub fn signer(origin: &str, source: Option<&SecretSource>, store: &Path) -> anyhow::Result<Signer> {
    let made = beside(store, "trail-key");
    let own = SecretSource::File(made.clone());
    if source.is_none() && !made.exists() {
        let seed = random_key().context("making the trail's signing key")?;
        let mut file = std::fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&made)
            .with_context(|| format!("making the trail's signing key {}", made.display()))?;
        file.write_all(&seed)
            .and_then(|()| file.sync_all())
            .context("writing the trail's signing key")?;
    }
    let seed = source
        .unwrap_or(&own)
        .read_bytes()
        .context("reading the trail's signing key")?;
    let seed: [u8; 32] = seed.try_into().map_err(|seed: Vec<u8>| {
        anyhow::anyhow!(
            "the trail's signing key has {} bytes and needs 32; make one with head -c 32 /dev/urandom",
            seed.len()
        )
    })?;
    let signer = Signer::from_seed(origin, &seed).context("using the trail's signing key")?;
    let text = format!("{}\n", signer.verifier());
    let public = beside(store, "vkey");
    // Keys that were valid before stay in the file: older checkpoints are verified with them.
    let known = std::fs::read_to_string(&public).unwrap_or_default();
    if !known.lines().any(|line| line == text.trim_end()) {
        let opened = file_modes::public().write(true).truncate(true).open(&public);
        opened
            .and_then(|mut file| file.write_all(format!("{known}{text}").as_bytes()))
            .with_context(|| format!("writing the verifier key {}", public.display()))?;
    }
    Ok(signer)
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

fn beside(store: &Path, what: &str) -> PathBuf {
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
