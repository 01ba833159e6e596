//! The server's version, as it names itself in `X-Version-Id` of every answer, and what depends on it.

use std::fmt;

/// A server's version: major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::targets::mattermost) struct Version(u16, u16, u16);

impl Version {
    /// Reads `X-Version-Id`, which is `<version>.<build>.<config hash>.<licensed>` (seen: `6.7.0.6.7.0-local.cbce….false`), or a bare
    /// version.
    pub(in crate::targets::mattermost) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse::<u16>().ok());
        Some(Self(parts.next()??, parts.next()??, parts.next()??))
    }

    /// Whether a revocation silences connections that are open (from 9.10). Before, they go on delivering posts.
    pub(in crate::targets::mattermost) fn silences_connections(self) -> bool {
        self >= Self(9, 10, 0)
    }

    /// Whether a suspension ends OAuth codes that were not exchanged yet (from 7.10, MM-50733).
    pub(in crate::targets::mattermost) fn ends_codes(self) -> bool {
        self >= Self(7, 10, 0)
    }

    /// Whether a refresh token without a session row is surely refused for a suspended account (MM-68983, June 2026). Patch releases of
    /// earlier lines have it too, but which ones is not known here.
    pub(in crate::targets::mattermost) fn refuses_stale_refresh(self) -> bool {
        self >= Self(11, 10, 0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_a_real_server_is_read() {
        let version = Version::read("6.7.0.6.7.0-local.cbce0c70efcd361b17f111f8246694dc.false").unwrap();
        assert_eq!(version.to_string(), "6.7.0");
        assert!(!version.silences_connections());
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(Version::read("10.2.0").unwrap() > Version::read("9.10.3").unwrap());
        assert!(Version::read("9.10.0").unwrap().silences_connections());
        assert!(!Version::read("9.9.12").unwrap().silences_connections());
    }

    #[test]
    fn what_is_no_version_is_not_guessed() {
        assert_eq!(Version::read(""), None);
        assert_eq!(Version::read("dev.6.7.0"), None);
        assert_eq!(Version::read("6.7"), None);
    }
}
