//! Exit codes: part of the interface, listed in `docs/operating.md`.

use std::process::ExitCode;

/// How a command ended, as scripts and systemd see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; for `revoke --wait`, contained; for `trail verify`, clean.
    Ok,
    /// Something failed at run time.
    Failed,
    /// The command line or the config is wrong.
    Usage,
    /// The store is refused: a newer schema, a damaged file, a trail that does not stand.
    Store,
    /// Another daemon has the store.
    Locked,
    /// `trail verify` or `backup` found something wrong with the trail.
    Unverified,
    /// `check` found something that makes revocations fail. `source hr preview`: some of the file would be put aside.
    Findings,
    /// `status --exit-code`: something needs somebody.
    NeedsSomebody,
    /// `source hr preview`: something that was to be compared or asked could not be.
    Unasked,
    /// `revoke --wait`: the target cannot list everything, so it is not proved.
    VerdictUnverified,
    /// `revoke --wait`: something lives on until a known time.
    VerdictResidual,
    /// `revoke --wait` and `--rehearse`: nobody of that name is there.
    VerdictNoPrincipal,
    /// `revoke --wait`: still there, or unreachable.
    VerdictFailed,
    /// `revoke`: waits for a human.
    Held,
    /// `revoke --wait`: not over in the time given, or whoever waited has had enough.
    Waiting,
    /// `revoke`: the request was rejected. `source test`: the payload would be refused. `source hr preview`: the whole file would.
    Rejected,
}

impl Exit {
    /// Every code with its meaning, in the order of the docs.
    pub const TABLE: &[(Self, u8, &str)] = &[
        (
            Self::Ok,
            0,
            "done; with `revoke --wait`: contained; with `trail verify`: clean",
        ),
        (Self::Failed, 1, "failed at run time, or a commit whose outcome is unknown"),
        (
            Self::Usage,
            2,
            "the command line or the config is wrong: for `revoke` and `leaked` also a playbook or a target that is not there, or a list \
             with a bad line or without its confirmation",
        ),
        (
            Self::Store,
            3,
            "the store is refused: newer schema, damaged, or a trail that does not stand",
        ),
        (Self::Locked, 4, "another daemon has the store"),
        (
            Self::Unverified,
            5,
            "`trail verify` or `backup` found something wrong with the trail",
        ),
        (
            Self::Findings,
            6,
            "`check` found something that makes revocations fail; `source ssf`: the stream as it is brings nothing; \
             `source hr preview`: rows or cells would be put aside; `source hr map`: something is undecided",
        ),
        (Self::NeedsSomebody, 7, "`status --exit-code`: something needs somebody"),
        (
            Self::Unasked,
            8,
            "`source hr preview`: the file was not compared with what was taken, or a target was not asked: the answer is not whole",
        ),
        (Self::VerdictUnverified, 10, "`revoke --wait`: unverified"),
        (Self::VerdictResidual, 11, "`revoke --wait`: residual until a known time"),
        (
            Self::VerdictNoPrincipal,
            12,
            "`revoke --wait`: nobody (or no such grant) of that name at the target; `revoke --rehearse`: nobody to act on",
        ),
        (Self::VerdictFailed, 13, "`revoke --wait`: failed"),
        (Self::Held, 14, "`revoke`: held for a human's decision: nothing was done"),
        (
            Self::Waiting,
            15,
            "`revoke --wait`: not over in the time given, or Ctrl-C: the work goes on; `source ssf verify`: no proof in that time",
        ),
        (
            Self::Rejected,
            16,
            "`revoke`: the request was rejected; `source test`: the payload would be refused; \
             `source hr preview`: the whole file would be rejected",
        ),
    ];

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        Self::TABLE
            .iter()
            .find(|(exit, _, _)| *exit == self)
            .map_or(1, |(_, code, _)| *code)
    }

    /// The exit of that number; of one that is not ours, that of what failed.
    #[must_use]
    pub fn of_code(code: i32) -> Self {
        let found = Self::TABLE.iter().find(|(_, of, _)| i32::from(*of) == code);
        found.map_or(Self::Failed, |(exit, _, _)| *exit)
    }

    /// How bad it is among the exits of a list of people: of several the worst counts.
    #[must_use]
    pub fn severity(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::VerdictNoPrincipal => 1,
            Self::VerdictResidual => 2,
            Self::VerdictUnverified => 3,
            Self::Waiting => 4,
            Self::Held => 5,
            Self::Rejected => 6,
            _ => 7,
        }
    }

    /// The exit of `revoke --wait` for a verdict's word.
    #[must_use]
    pub fn of_verdict(word: &str) -> Self {
        match word {
            "contained" => Self::Ok,
            "unverified" => Self::VerdictUnverified,
            "residual" => Self::VerdictResidual,
            "no_principal" => Self::VerdictNoPrincipal,
            _ => Self::VerdictFailed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_has_two_meanings() {
        let mut codes: Vec<u8> = Exit::TABLE.iter().map(|(_, code, _)| *code).collect();
        codes.dedup();
        assert_eq!(codes.len(), Exit::TABLE.len());
    }

    #[test]
    fn only_contained_exits_with_zero() {
        let zero: Vec<_> = crate::model::Verdict::WORDS
            .into_iter()
            .filter(|word| Exit::of_verdict(word).code() == 0)
            .collect();
        assert_eq!(zero, ["contained"]);
    }
}
