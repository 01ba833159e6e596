//! The key that signs what we say, and the key set that others verify it with.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::jose::{Algorithm, Signer};
use crate::secret::SecretSource;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// The signer: from `source`, or, where none is configured, from an RSA key that is made beside the store on first use.
///
/// # Errors
/// Where the key cannot be read, is none that may be used, or cannot be written.
pub fn signer(source: Option<&SecretSource>, store: &Path) -> anyhow::Result<Signer> {
    let made = key_file(store);
    if source.is_none() && !made.exists() {
        make(&made).with_context(|| format!("making the transmitter's key {}", made.display()))?;
    }
    let own = SecretSource::File(made);
    let source = source.unwrap_or(&own);
    let key = source.read_bytes().context("reading the transmitter's key")?;
    read(&key).with_context(|| format!("using the transmitter's key in {source}"))
}

/// Where the key lies that is made beside a store.
#[must_use]
pub fn key_file(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".transmitter-key");
    PathBuf::from(name)
}

/// The key set that others verify with: our own key first, then `more`, each once.
///
/// # Errors
/// Where the key's own encoding cannot be read back.
pub fn published(signer: &Signer, more: &[Value]) -> anyhow::Result<Value> {
    let mut keys = vec![signer.jwk()?];
    for key in more {
        if keys.iter().all(|known| known["kid"] != key["kid"]) {
            keys.push(key.clone());
        }
    }
    Ok(json!({ "keys": keys }))
}

/// Reads a private key, PEM or DER.
///
/// # Errors
/// Where it is none that may be used.
pub fn read(key: &[u8]) -> anyhow::Result<Signer> {
    match std::str::from_utf8(key).ok().filter(|text| text.contains("-----BEGIN")) {
        Some(text) => Signer::rsa(&unwrapped(text)?),
        None => Signer::rsa(key),
    }
}

fn unwrapped(text: &str) -> anyhow::Result<Vec<u8>> {
    let (_, body) = text
        .split_once(BEGIN)
        .context("it is not a PEM PRIVATE KEY; make one with openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048")?;
    let (body, _) = body.split_once(END).context("the PEM has no end")?;
    let body: String = body.split_ascii_whitespace().collect();
    // What base64 says would quote the key.
    STANDARD.decode(body).map_err(|_| anyhow::anyhow!("the PEM is not base64"))
}

/// Makes a key in one step: a file that is there is whole.
fn make(path: &Path) -> anyhow::Result<()> {
    let der = Signer::generate("new", Algorithm::Rs256)?.to_pkcs8()?;
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> = (0..base64.len())
        .step_by(64)
        .map(|at| &base64[at..base64.len().min(at + 64)])
        .collect();
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    // What a start that died left behind is of no use.
    drop(std::fs::remove_file(&draft));
    let mut file = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(format!("{BEGIN}\n{}\n{END}\n", lines.join("\n")).as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("revoked.db");
        let made = signer(None, &store).unwrap();
        let path = key_file(&store);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(signer(None, &store).unwrap().kid(), made.kid());
        assert_eq!(
            signer(Some(&SecretSource::File(path)), Path::new("elsewhere")).unwrap().kid(),
            made.kid()
        );
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_quoted() {
        let pem = format!("{BEGIN}\nc2VjcmV0IQ==\n{END}\n");
        let torn = format!("{BEGIN}\nsecret!\n{END}\n");
        for text in [&pem, &torn, "secret", "-----BEGIN RSA secret"] {
            let error = format!("{:#}", read(text.as_bytes()).err().unwrap());
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn an_older_key_is_published_after_ours_and_ours_only_once() {
        let old = Signer::generate("old", Algorithm::Rs256).unwrap();
        let new = Signer::generate("new", Algorithm::Rs256).unwrap();
        let keys = published(&new, &[old.jwk().unwrap(), new.jwk().unwrap()]).unwrap();
        let kids: Vec<&str> = keys["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].as_str().unwrap())
            .collect();
        assert_eq!(kids, ["new", "old"]);
    }
}
