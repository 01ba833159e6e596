//! What a failed call to a directory means, and what to do about it.

use std::fmt;
use std::time::Duration;

use anyhow::anyhow;

use crate::targets::{Remedy, TargetError};
use crate::telemetry::sanitized;

/// How long to leave a server alone that says that it is busy.
pub(in crate::targets::ldap) const BUSY: Duration = Duration::from_secs(5);

/// The result codes (RFC 4511 section 4.1.9) that something hangs on.
pub(in crate::targets::ldap) mod code {
    pub(in crate::targets::ldap) const SUCCESS: u32 = 0;
    pub(in crate::targets::ldap) const SIZE_LIMIT: u32 = 4;
    pub(super) const STRONGER_AUTH: u32 = 8;
    pub(super) const REFERRAL: u32 = 10;
    pub(super) const CONFIDENTIALITY: u32 = 13;
    pub(in crate::targets::ldap) const NO_SUCH_ATTRIBUTE: u32 = 16;
    pub(super) const UNDEFINED_ATTRIBUTE: u32 = 17;
    pub(in crate::targets::ldap) const CONSTRAINT: u32 = 19;
    pub(in crate::targets::ldap) const VALUE_EXISTS: u32 = 20;
    pub(in crate::targets::ldap) const NO_SUCH_OBJECT: u32 = 32;
    pub(super) const INVALID_DN: u32 = 34;
    pub(super) const INAPPROPRIATE_AUTH: u32 = 48;
    pub(super) const INVALID_CREDENTIALS: u32 = 49;
    pub(in crate::targets::ldap) const NO_RIGHTS: u32 = 50;
    pub(super) const BUSY: u32 = 51;
    pub(super) const UNAVAILABLE: u32 = 52;
    pub(in crate::targets::ldap) const UNWILLING: u32 = 53;
    pub(in crate::targets::ldap) const OBJECT_CLASS: u32 = 65;
}

/// A result code other than success, with the server's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::targets::ldap) struct Refusal {
    pub(in crate::targets::ldap) code: u32,
    text: String,
}

impl Refusal {
    /// Takes over what the server says, cut to a line.
    pub(in crate::targets::ldap) fn new(code: u32, text: &str) -> Self {
        Self {
            code,
            text: sanitized(text.trim_end_matches('\0').trim(), 200),
        }
    }

    /// Whether the server's words hold `word`: Active Directory says there why, by a number.
    pub(in crate::targets::ldap) fn says(&self, word: &str) -> bool {
        self.text.contains(word)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the directory answered with result code {} ({})",
            self.code,
            word(self.code)
        )?;
        match self.text.as_str() {
            "" => Ok(()),
            text => write!(f, ": {text}"),
        }
    }
}

/// A refused call, with what the operator can do.
#[derive(Debug, thiserror::Error)]
#[error("{refusal}; {advice}")]
struct Advised {
    refusal: Refusal,
    advice: &'static str,
}

/// Whether a call failed because our account may not make it.
pub(in crate::targets::ldap) fn lacks_rights(error: &TargetError) -> bool {
    let advised = error.source.downcast_ref::<Advised>();
    advised.is_some_and(|advised| advised.refusal.code == code::NO_RIGHTS)
}

/// Why a call came to nothing.
#[derive(Debug)]
pub(in crate::targets::ldap) enum Why {
    /// No connection, or it broke.
    Unreachable(anyhow::Error),
    /// No answer in time.
    Silent(Duration),
    /// Nobody whom we believe vouches for the server.
    Untrusted(anyhow::Error),
    /// Our own password could not be read.
    Unread(anyhow::Error),
    /// The server did not let us in.
    BindRefused(Refusal),
    /// It refused the call.
    Refused(Refusal),
    /// It answered something that is no answer.
    Unclear(anyhow::Error),
}

/// A failed call.
#[derive(Debug)]
pub(in crate::targets::ldap) struct CallFailure {
    /// `looking up …`.
    pub(in crate::targets::ldap) doing: String,
    pub(in crate::targets::ldap) why: Why,
}

impl CallFailure {
    /// An answer that cannot be believed.
    pub(in crate::targets::ldap) fn unclear(doing: impl Into<String>, why: &'static str) -> Self {
        Self {
            doing: doing.into(),
            why: Why::Unclear(anyhow!(why)),
        }
    }

    /// What the server refused the call with.
    pub(in crate::targets::ldap) const fn refusal(&self) -> Option<&Refusal> {
        match &self.why {
            Why::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether it refused the call with this result code.
    pub(in crate::targets::ldap) fn is(&self, code: u32) -> bool {
        self.refusal().is_some_and(|refusal| refusal.code == code)
    }

    /// The same with another remedy, and what the operator can do.
    pub(in crate::targets::ldap) fn with(self, remedy: Remedy, advice: &str) -> TargetError {
        let error = TargetError::from(self);
        TargetError {
            remedy,
            source: anyhow!("{:#}; {advice}", error.source),
            ..error
        }
    }
}

impl From<CallFailure> for TargetError {
    fn from(CallFailure { doing, why }: CallFailure) -> Self {
        let (remedy, source) = match why {
            Why::Unreachable(error) => (Remedy::Retry, error),
            Why::Silent(waited) => (Remedy::Retry, anyhow!("no answer within {waited:?}")),
            Why::Untrusted(error) => (
                Remedy::Pause,
                error.context("nobody whom we trust vouches for the server; name its authority in `ca_file`, or correct `url`"),
            ),
            Why::Unread(error) => (Remedy::Pause, error),
            Why::Unclear(error) => (Remedy::Retry, error.context("the answer is not understood")),
            Why::BindRefused(refusal) => bind_refused(&refusal),
            Why::Refused(refusal) => refused(refusal),
        };
        Self {
            doing,
            remedy,
            source,
            request: None,
        }
    }
}

/// What it means that the server does not let us in. It is our own password that this is about, never somebody's whom we look for.
fn bind_refused(refusal: &Refusal) -> (Remedy, anyhow::Error) {
    let (remedy, advice) = match refusal.code {
        code::BUSY | code::UNAVAILABLE => (Remedy::RetryAfter(BUSY), "the server will be asked again"),
        code::STRONGER_AUTH | code::CONFIDENTIALITY => (
            Remedy::Pause,
            "the server lets nobody in by a password unencrypted; write ldaps://, or start_tls = true",
        ),
        code::INVALID_CREDENTIALS => (Remedy::Pause, of_active_directory(refusal)),
        _ => (Remedy::Pause, "look at `bind` and `password`"),
    };
    (remedy, anyhow!("our own account is not let in: {refusal}; {advice}"))
}

/// Active Directory tells by a number why it refuses a password.
fn of_active_directory(refusal: &Refusal) -> &'static str {
    const REASONS: &[(&str, &str)] = &[
        ("data 525,", "there is no account of that name; correct `bind`"),
        ("data 52e,", "the password is wrong; put the right one where `password` says"),
        ("data 530,", "it may not sign in at this hour; lift its logon hours"),
        ("data 531,", "it may not sign in from here; lift its list of workstations"),
        ("data 532,", "its password has expired; set a new one that does not"),
        ("data 533,", "it is disabled; enable it"),
        ("data 701,", "it has expired; lift its date of expiry"),
        ("data 773,", "its password must be changed first; set one that need not be"),
        (
            "data 775,",
            "it is locked out after wrong passwords; unlock it, and look who tries them",
        ),
    ];
    let known = REASONS.iter().find(|(number, _)| refusal.says(number));
    known.map_or(
        "look whether `bind` and `password` are right, and the account is neither locked nor expired",
        |(_, advice)| advice,
    )
}

fn refused(refusal: Refusal) -> (Remedy, anyhow::Error) {
    let (remedy, advice) = match refusal.code {
        // Of an entry that somebody moved or deleted since it was found: the next attempt looks again.
        code::NO_SUCH_OBJECT | code::NO_SUCH_ATTRIBUTE | code::VALUE_EXISTS => (
            Remedy::Retry,
            "it has changed since it was looked at; the next attempt looks again",
        ),
        code::BUSY | code::UNAVAILABLE => (Remedy::RetryAfter(BUSY), "the server will be asked again"),
        code::NO_RIGHTS => (
            Remedy::Pause,
            "give our account the rights that the page of this kind of target lists",
        ),
        code::REFERRAL => (
            Remedy::Pause,
            "this server does not hold the entry, or takes no changes; name the one that does in `url`, since referrals are not followed",
        ),
        code::STRONGER_AUTH | code::CONFIDENTIALITY => (
            Remedy::Pause,
            "the server does this only where it is encrypted; write ldaps://, or start_tls = true",
        ),
        code::UNDEFINED_ATTRIBUTE => (
            Remedy::Pause,
            "the directory has no such attribute; look at `lock` and the overlays that are loaded",
        ),
        code::INVALID_DN => (Remedy::Pause, "a name in the config is no distinguished name"),
        code::CONSTRAINT | code::UNWILLING | code::OBJECT_CLASS => (Remedy::GiveUp, "the directory's own rules stand against it"),
        _ => (Remedy::Retry, "the next attempt tries again"),
    };
    (remedy, Advised { refusal, advice }.into())
}

fn word(code: u32) -> &'static str {
    match code {
        1 => "operations error",
        2 => "protocol error",
        3 => "time limit exceeded",
        code::SIZE_LIMIT => "size limit exceeded",
        7 => "authentication method not supported",
        code::STRONGER_AUTH => "stronger authentication required",
        code::REFERRAL => "referral",
        11 => "administrative limit exceeded",
        12 => "critical extension unavailable",
        code::CONFIDENTIALITY => "confidentiality required",
        code::NO_SUCH_ATTRIBUTE => "no such attribute",
        code::UNDEFINED_ATTRIBUTE => "undefined attribute",
        18 => "inappropriate matching",
        code::CONSTRAINT => "constraint violation",
        code::VALUE_EXISTS => "value exists",
        21 => "invalid syntax",
        code::NO_SUCH_OBJECT => "no such object",
        code::INVALID_DN => "invalid name",
        code::INAPPROPRIATE_AUTH => "inappropriate authentication",
        code::INVALID_CREDENTIALS => "invalid credentials",
        code::NO_RIGHTS => "insufficient rights",
        code::BUSY => "busy",
        code::UNAVAILABLE => "unavailable",
        code::UNWILLING => "unwilling to perform",
        code::OBJECT_CLASS => "object class violation",
        _ => "see RFC 4511 appendix A",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(why: Why) -> (Remedy, String) {
        let error = TargetError::from(CallFailure {
            doing: "trying".to_owned(),
            why,
        });
        (error.remedy, error.to_string())
    }

    #[test]
    fn our_own_account_kept_out_pauses_the_lane_and_says_why() {
        for (text, word) in [
            ("", "neither locked nor expired"),
            (
                "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1",
                "password is wrong",
            ),
            ("AcceptSecurityContext error, data 533, v1db1", "disabled"),
            ("AcceptSecurityContext error, data 775, v1db1", "locked out"),
        ] {
            let (remedy, said) = error(Why::BindRefused(Refusal::new(49, text)));
            assert_eq!(remedy, Remedy::Pause, "{text}");
            assert!(said.contains(word), "{said}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_is_ours_to_mend_pauses() {
        assert_eq!(error(Why::Silent(BUSY)).0, Remedy::Retry);
        assert_eq!(error(Why::Refused(Refusal::new(32, ""))).0, Remedy::Retry);
        assert_eq!(error(Why::Refused(Refusal::new(51, ""))).0, Remedy::RetryAfter(BUSY));
        assert_eq!(error(Why::Refused(Refusal::new(50, ""))).0, Remedy::Pause);
        assert_eq!(error(Why::Refused(Refusal::new(10, ""))).0, Remedy::Pause);
        assert_eq!(error(Why::Refused(Refusal::new(19, ""))).0, Remedy::GiveUp);
    }

    #[test]
    fn what_the_server_says_stays_on_one_short_line() {
        let said = Refusal::new(50, &format!("one\ntwo\u{1b}[31m\u{202e}{}", "x".repeat(500))).to_string();
        assert!(said.contains(r"one\ntwo\u{1b}[31m\u{202e}xx") && said.len() < 300, "{said}");
    }
}
