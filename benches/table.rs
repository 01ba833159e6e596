//! One row a figure: what was measured, what it is held against, the goal, and whether it was met.

use std::time::Duration;

/// One figure.
pub(crate) struct Row {
    /// One of [`crate::figures`], or what the figures of `scale` say of a size.
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) reference: String,
    pub(crate) goal: String,
    pub(crate) met: Option<bool>,
}

pub(crate) fn print(rows: &[Row]) {
    println!("\n| figure | measured | reference in the same run | goal | met |");
    println!("| --- | --- | --- | --- | --- |");
    for row in rows {
        let met = match row.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        };
        println!(
            "| {} | {} | {} | {} | {met} |",
            row.what, row.measured, row.reference, row.goal
        );
    }
}

/// The middle one of some figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn ms(length: Duration) -> f64 {
    length.as_secs_f64() * 1000.0
}

/// The given share of some figures lies at or below this one.
pub(crate) fn percentile(mut figures: Vec<f64>, share: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let place = ((figures.len() as f64 - 1.0) * share).round() as usize;
    figures.get(place).copied().unwrap_or(f64::NAN)
}
