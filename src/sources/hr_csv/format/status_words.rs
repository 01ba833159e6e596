//! What the words of a status column mean.

use std::collections::BTreeMap;

use super::header_name::normal;

/// What a status says about the person of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmploymentStatus {
    /// The person has left, or leaves on the day that the row names.
    Terminated,
    /// The person is employed, whether at work, on leave, or not yet there.
    Active,
    /// The record is deleted.
    Deleted,
    /// The row is about nothing that concerns access.
    Ignore,
}

impl EmploymentStatus {
    /// Every one, with its key in the config.
    pub const ALL: [(Self, &str); 4] = [
        (Self::Terminated, "terminated"),
        (Self::Active, "active"),
        (Self::Deleted, "deleted"),
        (Self::Ignore, "ignore"),
    ];
}

/// What each word means, in any case of letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusWords(BTreeMap<String, EmploymentStatus>);

impl Default for StatusWords {
    /// Our own words.
    fn default() -> Self {
        let own = [
            EmploymentStatus::Terminated,
            EmploymentStatus::Active,
            EmploymentStatus::Deleted,
        ];
        let words = EmploymentStatus::ALL
            .into_iter()
            .filter(|(standing, _)| own.contains(standing));
        Self(words.map(|(standing, word)| (word.to_owned(), standing)).collect())
    }
}

impl StatusWords {
    /// Says what a word means, in the place of what it meant.
    pub fn set(&mut self, word: &str, standing: EmploymentStatus) {
        self.0.insert(plain(word), standing);
    }

    /// What a word means.
    #[must_use]
    pub fn of(&self, word: &str) -> Option<EmploymentStatus> {
        self.0.get(&plain(word)).copied()
    }
}

/// A word as words are compared. One that is nothing but signs stays as it is.
pub(in crate::sources::hr_csv) fn plain(word: &str) -> String {
    let plain = normal(word);
    if plain.is_empty() { word.trim().to_lowercase() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_any_case_and_may_be_none_at_all() {
        let mut words = StatusWords::default();
        words.set("Garden leave", EmploymentStatus::Active);
        words.set("", EmploymentStatus::Ignore);
        words.set("-", EmploymentStatus::Active);
        assert_eq!(words.of("GARDEN\u{a0}LEAVE"), Some(EmploymentStatus::Active));
        assert_eq!(words.of("garden_leave"), Some(EmploymentStatus::Active));
        assert_eq!(words.of(" "), Some(EmploymentStatus::Ignore));
        assert_eq!(words.of("-"), Some(EmploymentStatus::Active));
        assert_eq!(words.of("Terminated"), Some(EmploymentStatus::Terminated));
        assert_eq!(words.of("Inactive"), None);
    }
}
