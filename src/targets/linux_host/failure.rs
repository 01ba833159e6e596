//! Why a host did not do what was asked, in words, and what to do about it.

use std::fmt;

/// Why a host did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is not reached, or the connection broke.
    Unreached(String),
    /// Its key is not the one that we know: it is another host, or somebody in between.
    Stranger(String),
    /// It does not take our key.
    Refused(String),
    /// We may not do there what we must.
    Rights(String),
    /// Something is wrong there.
    Broken(String),
    /// The client is not there.
    NoClient(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreached(why) => write!(f, "it is not reached ({why})"),
            Self::Stranger(why) => write!(
                f,
                "it does not show the host key that we know, so nothing was sent to it ({why})"
            ),
            Self::Refused(why) => write!(f, "it does not take our key ({why})"),
            Self::Rights(why) | Self::Broken(why) | Self::NoClient(why) => f.write_str(why),
        }
    }
}

impl Failure {
    /// Whether it is our set-up that is at fault.
    pub(super) const fn is_ours(&self) -> bool {
        !matches!(self, Self::Unreached(_) | Self::Broken(_))
    }

    /// What to do about it.
    pub(super) const fn advice(&self) -> &'static str {
        match self {
            Self::Unreached(_) => {
                "look whether the host is up and lets us reach its port; take it out of `hosts` where it is gone for good"
            }
            Self::Stranger(_) => {
                "find out at the host itself whether its key was changed; then, and only then, change it in known_hosts"
            }
            Self::Refused(_) => "put our public key into the authorized_keys of our account there",
            Self::Rights(_) => "let our account become root there: by sudo without a password, for /bin/sh -s alone",
            Self::Broken(_) => "look at the host by hand",
            Self::NoClient(_) => "install OpenSSH's client, and let the daemon's unit execute it (ExecPaths)",
        }
    }
}
