//! Tables that fit the screen: what identifies a row is never broken, sentences wrap between words, and the least needed columns go first.

use comfy_table::presets;
use comfy_table::{Cell as TableCell, ColumnConstraint, ContentArrangement, Table, Width};
use unicode_width::UnicodeWidthStr as _;

use super::fit::fit;
use super::meaning::Meaning;
use super::terminal::{shown, terminal};
use super::{line, plain};

/// A column of sentences narrower than this is not worth reading.
const NARROW: usize = 16;
/// A word longer than this may be broken where there is no room.
const LONG_WORD: usize = 32;
/// What stands between two columns.
const GAP: usize = 2;
/// A name is not cut to less than this.
const SHORT_NAME: usize = 12;

/// One cell: its text, and what it means.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Cell {
    text: String,
    meaning: Option<Meaning>,
}

impl Cell {
    /// A cell in the colour of its meaning.
    pub(in crate::cli) fn meaning(text: impl Into<String>, meaning: Meaning) -> Self {
        Self {
            text: text.into(),
            meaning: Some(meaning),
        }
    }

    /// The cell of a verdict, or a dash.
    pub(in crate::cli) fn verdict(word: Option<&str>) -> Self {
        match word {
            Some(word) => Self::meaning(word, Meaning::of_verdict(word)),
            None => "-".into(),
        }
    }

    /// The cell of a state.
    pub(in crate::cli) fn state(word: &str) -> Self {
        Self::meaning(word, Meaning::of_state(word))
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, meaning: None }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// A heading. One with a `?` behind it may be left out where the screen is narrow, the last such first; one with a `…` holds sentences,
/// which wrap; one with a `~` holds names, which are cut with a mark where there is no room for all of the others beside them.
type Heading = &'static str;

/// Prints rows under headings, or `nothing` where there are none.
///
/// # Errors
/// As [`line()`].
pub(in crate::cli) fn table<C: Into<Cell>>(headings: &[Heading], rows: Vec<Vec<C>>, nothing: &str) -> anyhow::Result<()> {
    if rows.is_empty() {
        return line(nothing);
    }
    let rows: Vec<Vec<Cell>> = rows
        .into_iter()
        .map(|row| row.into_iter().map(Into::into).collect())
        .collect();
    line(arranged(headings, &rows, terminal().width))
}

fn arranged(headings: &[Heading], rows: &[Vec<Cell>], width: Option<u16>) -> String {
    let mut texts: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| shown(&plain(&cell.text)).into_owned()).collect())
        .collect();
    let mut natural: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(column, heading)| {
            let cells = texts.iter().filter_map(|row| row.get(column)).map(|text| text.width());
            cells.chain([bare(heading).width()]).max().unwrap_or(0)
        })
        .collect();
    let mut least: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(column, heading)| {
            if !is_sentence(heading) {
                return natural[column];
            }
            let cells = texts.iter().filter_map(|row| row.get(column));
            let words = cells.flat_map(|text| text.split(' ')).map(|word| word.width().min(LONG_WORD));
            natural[column].min(words.max().unwrap_or(0).max(NARROW))
        })
        .collect();
    let kept = width.map_or_else(
        || (0..headings.len()).collect(),
        |width| fitting(headings, &least, width.into()),
    );
    if let Some(width) = width {
        shorten(headings, &kept, &mut texts, (&mut natural, &mut least), width.into());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).enforce_styling();
    match width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table.set_header(kept.iter().map(|column| bare(headings[*column]).to_uppercase()));
    for (row, texts) in rows.iter().zip(&texts) {
        table.add_row(kept.iter().filter_map(|column| {
            let (cell, text) = (row.get(*column)?, texts.get(*column)?);
            // A colour that a pipe drops would leave the spaces behind it.
            Some(painted(TableCell::new(text), cell.meaning.filter(|_| width.is_some())))
        }));
    }
    if width.is_some() {
        for (place, column) in kept.iter().enumerate() {
            // One column too wide for the screen by itself would take the others with it.
            let least = least[*column].min(NARROW * 3) + GAP;
            let constraint = ColumnConstraint::LowerBoundary(Width::Fixed(narrow(least)));
            if let Some(column) = table.column_mut(place) {
                column.set_constraint(constraint);
            }
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// Cuts names where the columns that are kept need more than there is.
fn shorten(
    headings: &[Heading],
    kept: &[usize],
    texts: &mut [Vec<String>],
    (natural, least): (&mut [usize], &mut [usize]),
    width: usize,
) {
    let mut over = kept
        .iter()
        .map(|column| GAP + least[*column])
        .sum::<usize>()
        .saturating_sub(width);
    for column in kept.iter().copied().filter(|column| headings[*column].contains('~')) {
        let room = least[column].saturating_sub(over).max(SHORT_NAME).min(least[column]);
        over -= (least[column] - room).min(over);
        (natural[column], least[column]) = (room, room);
        for text in texts.iter_mut().filter_map(|row| row.get_mut(column)) {
            *text = fit(text, Some(room));
        }
    }
}

/// The columns that there is room for.
fn fitting(headings: &[Heading], least: &[usize], width: usize) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..headings.len()).collect();
    while kept.iter().map(|column| GAP + least[*column]).sum::<usize>() > width {
        let Some(spare) = kept.iter().rposition(|column| headings[*column].contains('?')) else {
            break;
        };
        kept.remove(spare);
    }
    kept
}

fn is_sentence(heading: &str) -> bool {
    heading.contains('…')
}

fn bare(heading: &str) -> &str {
    heading.trim_end_matches(['?', '…', '~'])
}

fn narrow(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}

fn painted(cell: TableCell, meaning: Option<Meaning>) -> TableCell {
    use comfy_table::{Attribute, Color};
    match meaning {
        None => cell,
        Some(Meaning::Good) => cell.fg(Color::Green),
        Some(Meaning::Bad) => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        Some(Meaning::Waiting) => cell.fg(Color::Yellow),
        Some(Meaning::Quiet) => cell.add_attribute(Attribute::Dim),
        Some(Meaning::Strong) => cell.add_attribute(Attribute::Bold),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADINGS: [Heading; 4] = ["case", "subject", "received?", "why…"];

    fn rows() -> Vec<Vec<Cell>> {
        let why = "the target refused the token, since it has expired on the day before";
        vec![vec![
            "17".into(),
            "alice@example.org".into(),
            "Fri 27 Nov 17:30".into(),
            why.into(),
        ]]
    }

    #[test]
    fn a_pipe_gets_whole_lines() {
        let text = arranged(&HEADINGS, &rows(), None);
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    #[test]
    fn a_sentence_wraps_between_words_and_what_identifies_stays_whole() {
        let text = arranged(&HEADINGS, &rows(), Some(72));
        assert!(text.lines().all(|line| line.width() <= 72), "{text}");
        assert!(
            text.contains("alice@example.org") && text.contains("Fri 27 Nov 17:30"),
            "{text}"
        );
        let words: Vec<&str> = text.split_whitespace().collect();
        for word in "the target refused the token, since it has expired on the day before".split(' ') {
            assert!(words.contains(&word), "{word} was broken: {text}");
        }
    }

    #[test]
    fn a_long_name_is_cut_before_the_day_beside_it_is() {
        let name = "maximiliane.von-und-zu-hohenstein@subsidiary.example.org";
        let row: Vec<Cell> = vec!["17".into(), name.into(), "end of Fri 04 Dec, Berlin".into(), "planned".into()];
        let text = arranged(&["case", "person~", "access ends…", "state"], &[row], Some(80));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.width() <= 80), "{text}");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("…") && words.contains("maximiliane.von"), "{text}");
        for word in ["end", "of", "Fri", "04", "Dec,", "Berlin", "planned"] {
            assert!(text.split_whitespace().any(|one| one == word), "{word} is cut: {text}");
        }
    }

    #[test]
    fn a_narrow_screen_leaves_out_what_can_be_spared() {
        let text = arranged(&HEADINGS, &rows(), Some(44));
        assert!(!text.contains("RECEIVED") && text.contains("alice@example.org"), "{text}");
        assert!(text.lines().all(|line| line.width() <= 44), "{text}");
    }
}
