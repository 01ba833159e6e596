//! The file of checkpoints that left the machine: signed notes, each followed by an empty line. Only ever appended to.

/// Closes a note that a crash cut short, so that the next one stands by itself. The file may be append-only: nothing can be taken away.
pub const CUT_SHORT: &str = "# cut short";

/// Every whole note in the text of such a file, oldest first. What a crash cut short is left out.
#[must_use]
pub fn notes(text: &str) -> Vec<String> {
    // A note is its text, an empty line, and its signatures: two blocks. What follows the last empty line was cut short.
    let mut blocks: Vec<&str> = text.split("\n\n").collect();
    blocks.pop();
    let mut notes = Vec::new();
    let mut before: Option<&str> = None;
    for block in blocks.into_iter().map(|block| block.trim_start_matches('\n')) {
        if block.lines().any(|line| line == CUT_SHORT) {
            before = None;
        } else if let (Some(text), true) = (before, block.starts_with('\u{2014}')) {
            notes.push(format!("{text}\n\n{block}\n"));
            before = None;
        } else {
            before = Some(block);
        }
    }
    notes
}
