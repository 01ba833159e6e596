//! What a decision says of a second person: that one is needed and why, who was the first, and what the second types.

use super::choice::Choice;
use super::last_line::{counted, last_line};
use crate::cli::number;
use crate::cli::output::{LocalTimes, line, paragraph, sentence};
use crate::store::CombinedSet;

/// Where an approval needs two persons: why, and whose word is there.
pub(super) fn tell(held: &CombinedSet, times: &LocalTimes) -> anyhow::Result<()> {
    let Some(two) = &held.two_persons else { return Ok(()) };
    paragraph(0, &format!("an approval needs two persons: {}", two.why))?;
    match &two.first {
        None => paragraph(2, "nobody has given the first approval of exactly this")?,
        Some(first) => {
            let note = first.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
            paragraph(
                2,
                &format!(
                    "{} gave the first {}{note}; somebody else must follow",
                    first.by,
                    times.away(first.at)
                ),
            )?;
        }
    }
    for other in &two.others {
        let holds: Vec<String> = held.holds.iter().map(|hold| hold.id.to_string()).collect();
        let (without, except) = match number::listed(&other.except) {
            none if other.except.is_empty() => (none, String::new()),
            cases => (
                format!(", without cases {cases}"),
                format!(" --except {}", cases.replace(' ', "")),
            ),
        };
        let what = format!(
            "{} gave the first of another part {}{without}; to follow:",
            other.by,
            times.away(other.at)
        );
        paragraph(2, &what)?;
        line(format!("  revoked hold show {}{except}", holds.join(" ")))?;
    }
    Ok(())
}

/// That an approval was the first of two.
pub(super) fn tell_first(held: &CombinedSet, named: &str, choice: &Choice) -> anyhow::Result<()> {
    sentence(
        &format!(
            "{named}: yours is the first of two approvals, and nothing goes on for {} yet",
            counted(held.people)
        ),
        2,
    )?;
    last_line(
        "somebody else who has not asked for it follows within a day:",
        &format!("revoked hold approve {} --set {}", choice.typed, held.set),
    )
}
