//! `userAccountControl`: a number whose bits say what an account is (MS-ADTS 2.2.16).

use crate::targets::ldap::connection::failure::{CallFailure, Refusal, Why, code};
use crate::targets::ldap::connection::{add, delete};
use crate::targets::ldap::dialect::Call;
use crate::targets::ldap::entry::Entry;
use crate::targets::{Applied, TargetError};

const ATTRIBUTE: &str = "userAccountControl";
/// When the account ends by itself: in steps of 100 ns since 1601, or 0 or the largest number for never.
const EXPIRES: &str = "accountExpires";
/// What is read of an account.
pub(super) const ATTRIBUTES: [&str; 2] = [ATTRIBUTE, EXPIRES];

/// `ACCOUNTDISABLE`.
const DISABLED: u32 = 0x2;
/// `SMARTCARD_REQUIRED`: nobody signs in by the password.
const CARD: u32 = 0x4_0000;

/// The bits of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AccountControl(i32);

impl AccountControl {
    const fn has(self, bit: u32) -> bool {
        self.0.cast_unsigned() & bit != 0
    }

    /// Whether nobody can sign in to it.
    pub(super) const fn is_disabled(self) -> bool {
        self.has(DISABLED)
    }

    /// Whether it is signed in to by a card.
    pub(super) const fn needs_card(self) -> bool {
        self.has(CARD)
    }

    const fn with(self, disabled: bool) -> Self {
        let bits = self.0.cast_unsigned();
        Self(if disabled { bits | DISABLED } else { bits & !DISABLED }.cast_signed())
    }
}

/// The bits of an entry; `None` where they may not be read.
pub(super) fn read(entry: &Entry) -> Option<AccountControl> {
    entry.text(ATTRIBUTE)?.trim().parse().ok().map(AccountControl)
}

/// The failure where they may not.
pub(super) fn unreadable(entry: &Entry) -> CallFailure {
    CallFailure {
        doing: format!("looking whether {} is disabled", entry.dn),
        why: Why::Refused(Refusal::new(code::NO_RIGHTS, "userAccountControl may not be read")),
    }
}

/// What a reader of the evidence should know.
pub(super) fn notes(entry: &Entry) -> Vec<String> {
    let ends = entry.text(EXPIRES).and_then(|ends| ends.parse::<i64>().ok());
    let never = ends.is_none_or(|ends| ends == 0 || ends == i64::MAX);
    let note = "the account also has a date on which it ends (accountExpires), which is left as it is";
    (!never).then(|| note.to_owned()).into_iter().collect()
}

/// Sets or clears the bit, and leaves the others as they were when the entry was read: if somebody changed one meanwhile, nothing is done.
pub(super) async fn set_disabled(call: Call<'_>, entry: &Entry, disabled: bool) -> Result<Applied, TargetError> {
    let doing = format!("{} {}", if disabled { "disabling" } else { "enabling" }, entry.dn);
    let Some(control) = read(entry) else {
        return Err(unreadable(entry).into());
    };
    let wanted = control.with(disabled);
    if wanted == control {
        return Ok(Applied {
            already: true,
            ..Applied::default()
        });
    }
    let changes = || vec![delete(ATTRIBUTE, control.0.to_string()), add(ATTRIBUTE, wanted.0.to_string())];
    call.connection.modify(call.context, &doing, &entry.dn, changes).await?;
    Ok(Applied::default())
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::entry;
    use super::*;

    #[test]
    fn one_bit_is_changed_and_the_others_stay() {
        let normal = read(&entry("CN=a", &[(ATTRIBUTE, "512")])).unwrap();
        assert!(!normal.is_disabled() && !normal.needs_card());
        assert_eq!(normal.with(true), AccountControl(514));
        assert_eq!(normal.with(true).with(false), normal);
        let card = read(&entry("CN=a", &[(ATTRIBUTE, "328194")])).unwrap();
        assert!(card.is_disabled() && card.needs_card());
        // The number is signed.
        let signed = AccountControl(i32::MIN | 0x200);
        assert_eq!(signed.with(true), AccountControl(i32::MIN | 0x202));
        assert_eq!(read(&entry("CN=a", &[])), None);
    }

    #[test]
    fn a_date_of_expiry_is_told() {
        assert!(notes(&entry("CN=a", &[(EXPIRES, "134403084752348670")])).len() == 1);
        for never in ["0", "9223372036854775807", "x"] {
            assert!(notes(&entry("CN=a", &[(EXPIRES, never)])).is_empty(), "{never}");
        }
    }
}
