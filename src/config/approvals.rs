//! `[approvals]`: when one person's word is not enough, and how often undecided holds come to mind again.

use std::time::Duration;

use super::Diagnostics;
use super::file;
use super::tables::period;
use crate::store::ApprovalRule;

const REMIND_AFTER: Duration = Duration::from_hours(1);
const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_hours(24 * 7);

/// How holds are approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    /// When two persons are needed.
    pub rule: ApprovalRule,
    /// A hold that nobody has decided alerts again when it was last spoken of this long ago.
    pub remind_after: Duration,
}

pub(super) fn approvals(written: &file::Approvals, found: &mut Diagnostics) -> Approvals {
    let two_above = written.two_persons_above.as_ref().and_then(|above| {
        let people = u32::try_from(above.get_ref().0?);
        if people.is_err() {
            let message = "two_persons_above: so many people there are not; write a smaller number or \"unlimited\"";
            found.complain(above.span(), message);
        }
        people.ok()
    });
    Approvals {
        rule: ApprovalRule {
            two_above,
            two_for_protected: written.two_persons_for_protected.as_ref().is_some_and(|two| *two.get_ref()),
        },
        remind_after: period(
            written.remind_after.as_ref(),
            "remind_after",
            REMIND_AFTER,
            SHORTEST..=LONGEST,
            found,
        ),
    }
}
