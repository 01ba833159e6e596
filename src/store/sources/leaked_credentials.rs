//! Leaked credentials, sealed: encrypted under a key beside the store, and wiped as soon as no open job needs them.
//!
//! The key is a file that only the account of the daemon may read, like the trail's. Whoever copies the database without it learns digests.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};

use crate::model::digest_of;
use crate::secret::SecretSource;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

/// How long a credential is kept whose job has failed and is tried again once an hour.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// An encrypted credential, on its way into the store.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::store) struct Sealed {
    /// What stands for it everywhere else.
    pub(in crate::store) digest: String,
    sealed: Vec<u8>,
}

impl Store {
    /// Encrypts a credential.
    ///
    /// # Errors
    /// Where the key beside the store cannot be read or made.
    pub(in crate::store) fn seal(&self, credential: &SecretString) -> Result<Sealed> {
        let digest = digest_of(credential.expose_secret());
        let key = key(self.path(), true).map_err(|why| no_key(&why))?;
        let mut text = credential.expose_secret().as_bytes().to_vec();
        let nonce = key
            .seal_in_place_append_tag(Aad::from(digest.as_bytes()), &mut text)
            .map_err(|_| StoreError::Refused("a leaked credential could not be encrypted".to_owned()))?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend(text);
        Ok(Sealed { digest, sealed })
    }

    /// The credential that `digest` stands for; `None` where it is kept no longer.
    ///
    /// # Errors
    /// Where the store or the key cannot be read.
    pub async fn unseal(&self, digest: &str) -> Result<Option<SecretString>> {
        let row = sqlx::query("SELECT box FROM sealed WHERE digest = ?")
            .bind(digest)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading a leaked credential"))?;
        let Some(row) = row else { return Ok(None) };
        let sealed: Vec<u8> = row.read(0)?;
        let key = key(self.path(), false).map_err(|why| no_key(&why))?;
        Ok(open(&key, digest, &sealed))
    }

    /// Wipes a credential that is not to be tried again, whichever jobs are open.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn wipe_sealed(&self, digest: String) -> Result<()> {
        self.write(move |tx| Box::pin(async move { tx.wipe_sealed(&digest).await }))
            .await
    }
}

impl Tx<'_> {
    /// Keeps an encrypted credential. The same one again is kept once.
    pub(in crate::store) async fn keep_sealed(&mut self, sealed: &Sealed) -> Result<()> {
        sqlx::query(
            "INSERT INTO sealed (digest, box, since) VALUES (?1, ?2, ?3) ON CONFLICT (digest) DO UPDATE SET box = ?2, since = ?3",
        )
        .bind(&sealed.digest)
        .bind(&sealed.sealed)
        .bind(self.now.ms())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping a leaked credential"))?;
        Ok(())
    }

    /// Wipes the credential that a case is about, unless a job that is open needs it: one in the ledger does, since it is tried again once an
    /// hour, but not where its case was called off. The row leaves the file, since deleted pages are overwritten.
    pub(in crate::store) async fn wipe_credential_of(&mut self, case: i64) -> Result<()> {
        sqlx::query(
            "DELETE FROM sealed WHERE digest = (SELECT substr(p.subject, 12) FROM cases c JOIN person p ON p.ref = c.subject_ref \
                                                WHERE c.id = ?1 AND p.subject LIKE 'credential:%') \
             AND NOT EXISTS (SELECT 1 FROM cases o JOIN job j ON j.case_id = o.id \
                             WHERE o.subject_ref = (SELECT subject_ref FROM cases WHERE id = ?1) \
                             AND j.kind = 'contain' AND j.state NOT IN ('done', 'cancelled') \
                             AND NOT (j.state = 'failed' AND o.called_off_at IS NOT NULL))",
        )
        .bind(case)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("wiping a leaked credential"))?;
        Ok(())
    }

    async fn wipe_sealed(&mut self, digest: &str) -> Result<()> {
        sqlx::query("DELETE FROM sealed WHERE digest = ?")
            .bind(digest)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("wiping a leaked credential"))?;
        Ok(())
    }

    /// Wipes what has been kept for too long.
    pub(in crate::store) async fn prune_sealed(&mut self) -> Result<()> {
        sqlx::query("DELETE FROM sealed WHERE since < ?")
            .bind(self.now.minus(KEPT).ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("wiping leaked credentials"))?;
        Ok(())
    }
}

fn open(key: &RandomizedNonceKey, digest: &str, sealed: &[u8]) -> Option<SecretString> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut text = text.to_vec();
    let length = key.open_in_place(nonce, Aad::from(digest.as_bytes()), &mut text).ok()?.len();
    text.truncate(length);
    let text = String::from_utf8(text).ok()?;
    Some(SecretString::from(text))
}

/// The key beside the store, made where there is none and `make` says so.
fn key(store: &Path, make: bool) -> anyhow::Result<RandomizedNonceKey> {
    let mut name = store.as_os_str().to_owned();
    name.push(".sealed-key");
    let path = PathBuf::from(name);
    if make && !path.exists() {
        let mut bytes = [0; 32];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| anyhow::anyhow!("the system has no random numbers"))?;
        make_key(&path, &bytes).with_context(|| format!("making {}", path.display()))?;
    }
    let bytes = SecretSource::File(path.clone()).read_bytes()?;
    RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| anyhow::anyhow!("{} does not hold 32 bytes", path.display()))
}

/// Makes the key's file whole or not at all: another process may read it at the same moment, or make its own.
fn make_key(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", uuid::Uuid::now_v7()));
    let draft = PathBuf::from(name);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| std::fs::hard_link(&draft, path));
    std::fs::remove_file(&draft)?;
    match linked {
        // Another process was first.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

fn no_key(why: &anyhow::Error) -> StoreError {
    StoreError::Refused(format!("the key for leaked credentials cannot be used: {why:#}"))
}
