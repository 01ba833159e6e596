//! The signature beside a file, `name.csv.minisig`, as minisign writes it.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use minisign_verify::{PublicKey, Signature};

use super::regular_file::{self, Opened};

/// The longest signature file read, in bytes.
const LONGEST: u64 = 4096;

/// The path of the signature beside a file.
pub(in crate::sources::hr_csv) fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".minisig");
    PathBuf::from(name)
}

/// A public key as minisign prints it, or the text of its file.
pub(in crate::sources::hr_csv) fn public_key(text: &str) -> Option<PublicKey> {
    // Its comment is vouched for by nobody.
    PublicKey::from_base64(text.trim().lines().last()?.trim()).ok()
}

/// Checks the signature at `path` over `bytes`, with the comment that it vouches for. The inner error is for HR.
pub(in crate::sources::hr_csv) fn check(key: &PublicKey, path: &Path, bytes: &[u8]) -> io::Result<Result<(), &'static str>> {
    let mut text = Vec::new();
    match regular_file::open(path)? {
        Opened::File(file, _) => file.take(LONGEST).read_to_end(&mut text)?,
        Opened::Missing => {
            return Ok(Err(
                "its signature is missing: sign the file, and put the .minisig file beside it",
            ));
        }
        Opened::Refused(_) => return Ok(Err("its .minisig is not a regular file")),
    };
    let Ok(signature) = Signature::decode(&String::from_utf8_lossy(&text)) else {
        return Ok(Err("its .minisig is not a signature of minisign: sign the file again"));
    };
    // Signatures of minisign before 0.10 sign the file itself instead of its hash, which is as good.
    Ok(key.verify(bytes, &signature, true).map_err(|error| match error {
        minisign_verify::Error::UnexpectedKeyId => "it is signed with another key than the one that was agreed on",
        _ => "its signature does not fit: the file or the signature was changed after it was signed",
    }))
}
