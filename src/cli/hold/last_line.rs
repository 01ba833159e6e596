//! The line that a hold's output ends with: what may be typed now, and about how many.

use crate::cli::output::{Meaning, line, terminal};

/// `this person`, `these 26 people`.
pub(super) fn counted(people: usize) -> String {
    match people {
        1 => "this person".to_owned(),
        people => format!("these {people} people"),
    }
}

/// The last line: what may be typed now. Where both do not fit beside one another, the command stands by itself, to be copied whole.
pub(super) fn last_line(what: &str, command: &str) -> anyhow::Result<()> {
    let painted = Meaning::Strong.paint(command);
    if terminal()
        .width
        .is_some_and(|width| what.len() + 1 + command.len() > width.into())
    {
        line(what)?;
        return line(painted);
    }
    line(format!("{what} {painted}"))
}
