//! Where a secret comes from: a file or a systemd credential, never inline, refused where others may read it.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

/// Where a secret comes from: `{ credential = "name" }` (a systemd credential) or `{ file = "/path" }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file of that name in `$CREDENTIALS_DIRECTORY`, where systemd's `LoadCredential=` puts it.
    Credential(String),
    /// A file by path, readable by its owner and group only.
    File(PathBuf),
}

/// Why a secret could not be read. Never holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A credential was named and systemd passed none.
    #[error(
        "the credential {0:?} needs $CREDENTIALS_DIRECTORY, which systemd sets for a unit with LoadCredential={0}:<file>; outside a unit set it to a folder of mode 0700 or use {{ file = … }}"
    )]
    NoDirectory(String),
    /// A credential's name with a slash or dots would leave the directory.
    #[error("the credential name {0:?} is not a plain file name")]
    BadName(String),
    /// The file cannot be opened or read.
    #[error("cannot read the secret in {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others may read or write it.
    #[error("the secret in {path} may be read by others (mode {mode:03o}); run chmod 600 {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Nothing but white space is in it.
    #[error("the secret in {0} is empty")]
    Empty(PathBuf),
    /// Not text.
    #[error("the secret in {0} is not UTF-8 text")]
    NotText(PathBuf),
}

/// Whether a complaint about a config says no more than that a secret cannot be read here: where systemd passes it to the daemon alone, or
/// only the daemon's account may read it. Whether it is right, only the daemon can tell. The certificate of the console is none, and often lies where
/// its key does.
#[must_use]
pub fn is_unreadable_here(complaint: &str) -> bool {
    [UNPASSED, UNREADABLE, UNREADABLE_CERTIFICATE]
        .iter()
        .any(|phrase| complaint.contains(phrase))
}

/// The same of a secret that is there, and that whoever runs this command may not read: systemd passes it to the daemon alone, or its mode says
/// no. One that is not there at all is a mistake.
#[must_use]
pub fn is_kept_from_us(complaint: &str) -> bool {
    let is_unreadable = [UNREADABLE, UNREADABLE_CERTIFICATE]
        .iter()
        .any(|phrase| complaint.contains(phrase));
    complaint.contains(UNPASSED) || (is_unreadable && complaint.contains("Permission denied"))
}

const UNPASSED: &str = "needs $CREDENTIALS_DIRECTORY, which systemd sets";
const UNREADABLE: &str = "cannot read the secret in";
const UNREADABLE_CERTIFICATE: &str = "cannot read the certificate ";

impl SecretSource {
    /// The file behind this source.
    ///
    /// # Errors
    /// [`SecretError::NoDirectory`] and [`SecretError::BadName`] for a credential.
    pub fn path(&self) -> Result<PathBuf, SecretError> {
        match self {
            Self::File(path) => Ok(path.clone()),
            Self::Credential(name) => {
                if name.is_empty() || name.contains('/') || name.starts_with('.') {
                    return Err(SecretError::BadName(name.clone()));
                }
                #[expect(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
                let folder = std::env::var("CREDENTIALS_DIRECTORY").map_err(|_| SecretError::NoDirectory(name.clone()))?;
                Ok(Path::new(&folder).join(name))
            }
        }
    }

    /// How it is replaced by a valid one, in a word to whoever has to. systemd reads a credential at the start of the unit alone.
    #[must_use]
    pub fn renewal(&self) -> String {
        match self {
            Self::File(path) => format!("put a valid token into {}", path.display()),
            Self::Credential(name) => {
                format!("put a valid token into the file behind LoadCredential={name} and restart the daemon")
            }
        }
    }

    /// Reads the secret as text, without the white space around it.
    ///
    /// # Errors
    /// Every [`SecretError`].
    pub fn read(&self) -> Result<SecretString, SecretError> {
        let path = self.path()?;
        let bytes = read_private(&path)?;
        let text = String::from_utf8(bytes).map_err(|_| SecretError::NotText(path.clone()))?;
        let text = text.trim();
        if text.is_empty() {
            return Err(SecretError::Empty(path));
        }
        Ok(SecretString::from(text.to_owned()))
    }

    /// Reads the secret's bytes as they are (a signing seed).
    ///
    /// # Errors
    /// Every [`SecretError`] but [`SecretError::NotText`].
    pub fn read_bytes(&self) -> Result<Vec<u8>, SecretError> {
        let path = self.path()?;
        let bytes = read_private(&path)?;
        if bytes.is_empty() {
            Err(SecretError::Empty(path))
        } else {
            Ok(bytes)
        }
    }
}

/// Reads a file that only its owner (and group, for reading) may touch. The mode is taken from the open descriptor, so nobody can swap
/// the file between the look and the read.
fn read_private(path: &Path) -> Result<Vec<u8>, SecretError> {
    use std::io::Read as _;
    let failed = |source| SecretError::Read {
        path: path.to_owned(),
        source,
    };
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o037 != 0 {
        return Err(SecretError::Open {
            path: path.to_owned(),
            mode,
        });
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

impl<'de> Deserialize<'de> for SecretSource {
    /// By hand, since a derived one quotes what it does not understand, and that may be the secret itself.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const FORMS: &str = "write { credential = \"NAME\" } or { file = \"PATH\" }";
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = SecretSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the place of a secret: { credential = \"NAME\" } or { file = \"PATH\" }")
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<SecretSource, E> {
                Err(E::custom(format_args!("a secret never stands in the config itself; {FORMS}")))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretSource, A::Error> {
                let mut found = None;
                while let Some(key) = map.next_key::<String>()? {
                    let source = match key.as_str() {
                        "credential" => SecretSource::Credential(map.next_value()?),
                        "file" => SecretSource::File(map.next_value()?),
                        _ => return Err(de::Error::custom(format_args!("a secret has no such key; {FORMS}"))),
                    };
                    if found.replace(source).is_some() {
                        return Err(de::Error::custom(format_args!("a secret comes from one place; {FORMS}")));
                    }
                }
                found.ok_or_else(|| de::Error::custom(format_args!("nothing says where the secret is; {FORMS}")))
            }
        }
        deserializer.deserialize_map(Form)
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(name) => write!(f, "credential {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn file(mode: u32, text: &str) -> (tempfile::TempDir, SecretSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, SecretSource::File(path))
    }

    #[test]
    fn a_secret_loses_its_trailing_newline() {
        let (_folder, source) = file(0o600, "s3cret\n");
        assert_eq!(source.read().unwrap().expose_secret(), "s3cret");
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        for mode in [0o644, 0o604, 0o602, 0o660] {
            let (_folder, source) = file(mode, "s3cret");
            let error = source.read().unwrap_err().to_string();
            assert!(error.contains("chmod 600") && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn an_empty_secret_is_refused() {
        let (_folder, source) = file(0o600, "\n");
        assert!(matches!(source.read(), Err(SecretError::Empty(_))));
    }

    #[test]
    fn a_credential_name_cannot_leave_its_directory() {
        assert!(matches!(
            SecretSource::Credential("../shadow".into()).read(),
            Err(SecretError::BadName(_))
        ));
    }
}
