//! The connections that somebody is signed in on, as OpenLDAP's database `monitor` lists them. Nothing in the protocol ends one.

use ldap3::Scope;

use crate::model::{Grant, GrantKind, Timestamp};
use crate::targets::ldap::connection::Search;
use crate::targets::ldap::connection::failure::{CallFailure, Why};
use crate::targets::ldap::dialect::{Call, Connections};
use crate::targets::ldap::entry::{Entry, same_ignoring_case};
use crate::targets::ldap::filter::Filter;

const BASE: &str = "cn=Connections,cn=Monitor";
const SIGNED_IN: &str = "monitorConnectionAuthzDN";
const NUMBER: &str = "monitorConnectionNumber";
const BEGAN: &str = "monitorConnectionStartTime";
/// More than a server has of one person, or of us.
const MOST: usize = 1000;

/// What is said where they cannot be listed.
pub(super) const UNLISTED: &str = "a connection that was signed in before goes on after the lock and the new password until it is closed, \
     and the server does not show us which are open; let our account read cn=Monitor, or restart the server or set an idle timeout";

/// The connections that `person` is signed in on. Our own must be among what is listed, or else what is not there proves nothing.
pub(super) async fn connections(call: Call<'_>, person: &Entry, ourselves: Option<&str>) -> Result<Connections, CallFailure> {
    let Some(ourselves) = ourselves else {
        return Ok(Err(UNLISTED.to_owned()));
    };
    let doing = format!("listing the connections of {}", person.dn);
    let search = Search {
        base: BASE.to_owned(),
        scope: Scope::OneLevel,
        filter: Filter::any([person.dn.as_str(), ourselves].map(|dn| Filter::equal(SIGNED_IN, dn))),
        attributes: [SIGNED_IN, NUMBER, BEGAN].map(str::to_owned).into(),
        most: MOST,
        names_only: false,
    };
    let listing = match call.connection.search(call.context, &doing, &search).await {
        Ok(listing) => listing,
        Err(CallFailure {
            why: Why::Refused(_), ..
        }) => return Ok(Err(UNLISTED.to_owned())),
        Err(failure) => return Err(failure),
    };
    let ours = |entry: &&Entry| {
        entry
            .text(SIGNED_IN)
            .is_some_and(|found| same_ignoring_case(found, ourselves))
    };
    if listing.more || !listing.entries.iter().any(|entry| ours(&entry)) {
        return Ok(Err(UNLISTED.to_owned()));
    }
    // The server compares names by rules of its own: whatever it found that is not ours is the person's, however it is spelled.
    let we_are_asked_for = same_ignoring_case(&person.dn, ourselves);
    let theirs = listing.entries.iter().filter(|entry| we_are_asked_for || !ours(entry));
    Ok(Ok(theirs.map(grant).collect()))
}

fn grant(connection: &Entry) -> Grant {
    let mut grant = Grant::new(GrantKind::Connection, connection.text(NUMBER).unwrap_or(&connection.dn));
    grant.created_at = connection.text(BEGAN).and_then(generalized_time);
    grant
}

/// Reads a time as directories write it (RFC 4517 section 3.3.13), in UTC and with seconds: `20261128025738Z`, perhaps with a fraction.
pub(super) fn generalized_time(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let written = format!(
        "{}-{}-{}T{}:{}:{}.{fraction:0<3}Z",
        &whole[..4],
        &whole[4..6],
        &whole[6..8],
        &whole[8..10],
        &whole[10..12],
        &whole[12..]
    );
    written.parse::<jiff::Timestamp>().ok().map(Timestamp::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_directory_are_read() {
        let at = generalized_time("20261128025738.707254Z").unwrap();
        assert_eq!(at.to_string(), "2026-11-28T02:57:38.707Z");
        assert_eq!(generalized_time("20261128025738Z").unwrap().ms() % 1000, 0);
        for text in [
            "",
            "20261128025738",
            "000001010000Z",
            "20261328025738Z",
            "2026112802573äZ",
            "20261128025738.xZ",
        ] {
            assert_eq!(generalized_time(text), None, "{text}");
        }
    }
}
