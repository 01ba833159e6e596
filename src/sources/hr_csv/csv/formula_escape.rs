//! Cells that a spreadsheet would run as formulas (CSV injection): disarmed before they are written, and rearmed when they come back.

/// A cell that a spreadsheet takes for text, not for a formula.
#[must_use]
pub fn disarmed(cell: &str) -> String {
    if armed(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// A cell as it was before the quarantine disarmed it.
pub(in crate::sources::hr_csv) fn rearmed(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| armed(rest)).unwrap_or(cell)
}

fn armed(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formula_cells_are_disarmed_and_come_back_as_they_were() {
        for cell in ["=HYPERLINK(\"x\")", "+1", "-1", "@SUM(1)", "\tx", "\rx"] {
            assert_eq!(disarmed(cell), format!("'{cell}"));
            assert_eq!(rearmed(&disarmed(cell)), cell);
        }
        for cell in ["", "alice", "'quoted", "a=b"] {
            assert_eq!(disarmed(cell), cell);
            assert_eq!(rearmed(cell), cell);
        }
    }
}
