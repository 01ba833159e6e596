//! How the first word of a row's reason changes when access ends.

/// How the reason's first word changes the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// At the end of the last day.
    #[default]
    Usual,
    /// At its beginning.
    Involuntary,
    /// Now, whatever the last day is.
    Immediate,
}

impl Urgency {
    /// By the reason; nobody is out at once whom HR calls employed.
    pub(in crate::sources::hr_csv) fn of(reason: &str, still_here: bool) -> Self {
        let first = reason.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        match first.to_ascii_lowercase().as_str() {
            "involuntary" => Self::Involuntary,
            "immediate" | "immediately" if still_here => Self::Involuntary,
            "immediate" | "immediately" => Self::Immediate,
            _ => Self::Usual,
        }
    }

    /// Whether it is the usual one, of which nothing is said.
    #[must_use]
    pub const fn is_usual(&self) -> bool {
        matches!(self, Self::Usual)
    }
}
