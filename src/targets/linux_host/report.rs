//! The lines that come back from a host. Whatever comes before the first of ours is somebody's profile; without the last it is no answer.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::failure::Failure;
use crate::telemetry::sanitized;

/// How much of a text is kept.
const TEXT: usize = 300;

/// How many lines an answer may have.
const MOST: usize = 10_000;

/// What a host said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// Its kernel.
    pub(super) system: Option<String>,
    pub(super) account: Option<AccountAtHost>,
    /// Nobody of that name is there.
    pub(super) nobody: bool,
    pub(super) ourselves: bool,
    /// Why it is an account that must not be touched.
    pub(super) system_account: Option<String>,
    /// The files of keys that are there.
    pub(super) keys: Vec<String>,
    /// Why not all of them could be looked at.
    pub(super) unseen_keys: Vec<String>,
    /// Processes: their number, and when they began, in ticks since the host did.
    pub(super) processes: Vec<(u32, u64)>,
    pub(super) notes: Vec<String>,
    /// What could not be done.
    pub(super) failed: Vec<String>,
}

/// An account at one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AccountAtHost {
    pub(super) uid: u32,
    /// Whether the host itself keeps it.
    pub(super) local: bool,
    /// Whether no password of its own signs in.
    pub(super) locked: bool,
    /// The day since 1970 on which it expires.
    pub(super) expires: Option<i64>,
    today: i64,
}

impl AccountAtHost {
    /// Whether nobody gets in, by whichever way.
    pub(super) fn is_suspended(&self) -> bool {
        self.locked && self.expires.is_some_and(|day| day < self.today)
    }
}

impl Report {
    /// Reads what was printed; `None` where it is no whole answer of the script's.
    pub(super) fn read(bytes: &[u8], nonce: &str) -> Option<Result<Self, Failure>> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (_, ours) = text.split_once(&format!("revoked 1 {nonce}\n"))?;
        let lines = ours.strip_suffix(&format!("end {nonce}\n"))?;
        if lines.lines().nth(MOST).is_some() {
            let why = format!("its answer has more than {MOST} lines: too many processes or keys to look at");
            return Some(Err(Failure::Broken(why)));
        }
        let mut report = Self::default();
        for line in lines.lines() {
            let (word, value) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "rights" => return Some(Err(Failure::Rights(decoded(value)?))),
                "broken" => return Some(Err(Failure::Broken(decoded(value)?))),
                "system" => report.system = Some(decoded(value)?),
                "nobody" => report.nobody = true,
                "ourselves" => report.ourselves = true,
                "system_account" => report.system_account = Some(decoded(value)?),
                "account" => report.account = Some(account(value)?),
                "key" => report.keys.push(decoded(value)?),
                "unseen_keys" => report.unseen_keys.push(decoded(value)?),
                "process" => {
                    let (pid, began) = value.split_once(' ')?;
                    report.processes.push((pid.parse().ok()?, began.parse().ok()?));
                }
                "note" => report.notes.push(decoded(value)?),
                "failed" => report.failed.push(decoded(value)?),
                _ => return None,
            }
        }
        Some(Ok(report))
    }
}

fn account(value: &str) -> Option<AccountAtHost> {
    let mut words = value.split(' ');
    let yes = |word: &str| match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    Some(AccountAtHost {
        uid: words.next()?.parse().ok()?,
        local: yes(words.next()?)?,
        locked: yes(words.next()?)?,
        expires: match words.next()? {
            "none" => None,
            day => Some(day.parse().ok()?),
        },
        today: words.next()?.parse().ok()?,
    })
}

/// A text that stands for itself nowhere: it may hold anything.
fn decoded(value: &str) -> Option<String> {
    let bytes = BASE64_STANDARD.decode(value).ok()?;
    Some(sanitized(&String::from_utf8_lossy(&bytes), TEXT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_whole_is_none() {
        let whole = "motd\nrevoked 1 n\nsystem TGludXg=\naccount 1001 yes no none 20000\nprocess 7 8\nend n\n";
        let report = Report::read(whole.as_bytes(), "n").unwrap().unwrap();
        assert_eq!(
            (report.system.as_deref(), report.processes.as_slice()),
            (Some("Linux"), [(7, 8)].as_slice())
        );
        for text in [
            "",
            "revoked 1 n\n",
            "revoked 1 n\nend m\n",
            "revoked 1 m\nend n\n",
            "revoked 1 n\nprocess 7\nend n\n",
            "revoked 1 n\naccount 1 yes\nend n\n",
            "revoked 1 n\ncontained yes\nend n\n",
            "revoked 1 n\nnote %%%\nend n\n",
        ] {
            assert_eq!(Report::read(text.as_bytes(), "n"), None, "{text}");
        }
    }

    #[test]
    fn an_answer_that_is_too_long_is_not_taken_for_whole() {
        let answer = |lines| format!("revoked 1 n\n{}end n\n", "process 7 8\n".repeat(lines));
        let read = |lines| Report::read(answer(lines).as_bytes(), "n").unwrap();
        assert_eq!(read(MOST).unwrap().processes.len(), MOST);
        assert!(matches!(read(MOST + 1), Err(Failure::Broken(why)) if why.contains("more than 10000 lines")));
    }

    #[test]
    fn an_account_is_suspended_once_it_is_locked_and_has_expired() {
        for (line, suspended) in [
            ("1001 yes yes 19999 20000", true),
            ("1001 yes no 19999 20000", false),
            ("1001 yes yes 20000 20000", false),
            ("1001 yes yes none 20000", false),
        ] {
            assert_eq!(account(line).unwrap().is_suspended(), suspended, "{line}");
        }
    }
}
