//! The server version that the sandbox plays, and what changed with it.

use std::fmt;
use std::str::FromStr;

/// A Mattermost version. The default is 6.7.0, the one that the recordings were made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16, pub u16);

impl Default for Version {
    fn default() -> Self {
        Self(6, 7, 0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl FromStr for Version {
    type Err = String;

    /// Reads `10.8` or `10.8.1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split('.').map(str::parse::<u16>);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), None, None) => Ok(Self(major, minor, 0)),
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => Ok(Self(major, minor, patch)),
            _ => Err(format!("a server version looks like 10.8 or 10.8.1, not {text:?}")),
        }
    }
}

impl Version {
    /// One who may edit others may no longer act on a system administrator or on an id that nobody has. Newer servers answer 403;
    /// 6.7 was seen to allow it. The first version with the check is not known; everything after the 6 series has it here.
    #[must_use]
    pub fn shields_administrators(self) -> bool {
        self >= Self(7, 0, 0)
    }

    /// Deactivation deletes codes that were not exchanged yet (MM-50733).
    #[must_use]
    pub fn deactivation_ends_codes(self) -> bool {
        self >= Self(7, 10, 0)
    }

    /// At most 500 sessions a person; the oldest is dropped.
    #[must_use]
    pub fn limits_sessions(self) -> bool {
        self >= Self(9, 7, 0)
    }

    /// Ending a person's sessions also mutes the open sockets of that person.
    #[must_use]
    pub fn revocation_mutes_sockets(self) -> bool {
        self >= Self(9, 10, 0)
    }

    /// A password change may end sessions (`TerminateSessionsOnPasswordChange`).
    #[must_use]
    pub fn password_change_can_end_sessions(self) -> bool {
        self >= Self(9, 10, 0)
    }

    /// `PUT users/{id}/active` refuses people whom LDAP manages.
    #[must_use]
    pub fn leaves_ldap_people_to_ldap(self) -> bool {
        self >= Self(10, 2, 0)
    }

    /// `sessions/revoke/all` stops with a 500 at an OAuth session that has no access data.
    #[must_use]
    pub fn stumbles_on_orphans(self) -> bool {
        self >= Self(10, 8, 0)
    }

    /// A refresh token of a deactivated person is refused (MM-68983, picked to 10.11, 11.5 and 11.6).
    #[must_use]
    pub fn refresh_checks_the_person(self) -> bool {
        (Self(10, 11, 0) <= self && self < Self(11, 0, 0)) || self >= Self(11, 5, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_two_or_three_numbers() {
        assert_eq!("10.8".parse(), Ok(Version(10, 8, 0)));
        assert_eq!("9.11.3".parse(), Ok(Version(9, 11, 3)));
        assert!("ten".parse::<Version>().is_err());
        assert_eq!(Version::default().to_string(), "6.7.0");
    }
}
