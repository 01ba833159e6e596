//! `unicodePwd`: a password in quotes, in UTF-16 with the lower byte first (MS-ADTS 3.1.1.3.1.5.1).

use secrecy::{ExposeSecret as _, SecretString};

use crate::targets::ldap::connection::failure::code;
use crate::targets::ldap::connection::replace;
use crate::targets::ldap::dialect::Call;
use crate::targets::ldap::entry::Entry;
use crate::targets::unknown_password::unknown_password;
use crate::targets::{Applied, Remedy, TargetError};

const ATTRIBUTE: &str = "unicodePwd";

/// Sets two passwords that nobody knows, one after the other: for an hour the one before the last is still taken where NTLM signs somebody in
/// (`OldPasswordAllowedPeriod`).
pub(super) async fn reset(call: Call<'_>, entry: &Entry) -> Result<Applied, TargetError> {
    let doing = format!("giving {} a password that nobody knows", entry.dn);
    for _ in 0..2 {
        let password = unknown_password().map_err(|source| TargetError {
            doing: doing.clone(),
            remedy: Remedy::Retry,
            source,
            request: None,
        })?;
        let change = || vec![replace(ATTRIBUTE, in_quotes(&password))];
        let sent = call.connection.modify(call.context, &doing, &entry.dn, change).await;
        sent.map_err(|failure| match failure.refusal() {
            // 0x1F: the connection does not hide what is sent.
            Some(refusal) if refusal.code == code::UNWILLING && refusal.says("0000001F") => failure.with(
                Remedy::Pause,
                "the server sets passwords only where the connection is encrypted",
            ),
            _ => failure.into(),
        })?;
    }
    Ok(Applied::default())
}

fn in_quotes(password: &SecretString) -> Vec<u8> {
    format!("\"{}\"", password.expose_secret())
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stands_in_quotes_two_bytes_a_letter() {
        assert_eq!(in_quotes(&SecretString::from("aÄ")), [b'"', 0, b'a', 0, 0xc4, 0, b'"', 0]);
    }
}
