//! What a file would do, without doing it: who leaves when, in their own zone and in UTC, and what could not be read. `look` reads the file,
//! `found` is what is found, `totals` how many there are of each.

mod found;
mod look;
mod totals;

pub use found::{Effect, Preview, PreviewRefusal, PreviewRow, TakenBefore};
pub use look::{preview, preview_bytes};
pub use totals::Totals;
