//! Whether a lock is one: with OpenLDAP's overlay `ppolicy` the attribute alone refuses nobody. The password policy of the account has to say
//! `pwdLockout: TRUE`, else whoever is marked as locked signs in as before (seen at 2.5.13).

use crate::targets::ldap::connection::Search;
use crate::targets::ldap::connection::failure::CallFailure;
use crate::targets::ldap::dialect::Call;
use crate::targets::ldap::entry::Entry;
use crate::targets::ldap::filter::Filter;

/// Names an entry's own policy; the overlay's default holds where it is absent.
pub(super) const OWN_POLICY: &str = "pwdPolicySubentry";
const LOCKOUT: &str = "pwdLockout";

/// Why a lock refuses nobody, or `None` where it does refuse.
pub(super) async fn why_open(call: Call<'_>, default: &str, person: &Entry) -> Result<Option<String>, CallFailure> {
    let policy = person.text(OWN_POLICY).unwrap_or(default);
    let doing = format!("looking whether the password policy {policy} locks");
    let found = call
        .connection
        .read(call.context, &doing, &Search::entry(policy, Filter::anything(), &[LOCKOUT]))
        .await?;
    Ok(match found {
        None => Some(format!(
            "the password policy {policy} is not there, or our account may not read it, and without one a lock refuses nobody"
        )),
        Some(policy) if policy.text(LOCKOUT) == Some("TRUE") => None,
        Some(_) => Some(format!(
            "the password policy {policy} does not say {LOCKOUT}: TRUE, and without that a lock refuses nobody"
        )),
    })
}
