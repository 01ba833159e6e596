//! What a statement says, word by word: our own words and what came from outside are told apart, so that no name can be markup.

use crate::wording::plain;

/// A sentence in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words(Vec<Piece>);

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Words of ours.
    Ours(String),
    /// A name, a note, an id or a message from outside, harmless for a terminal already.
    Outside(String),
    /// What one may type.
    Command(String),
}

impl Words {
    /// Words of ours.
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self(vec![Piece::Ours(text.into())])
    }

    /// What came from outside, alone.
    pub(super) fn outside(text: &str) -> Self {
        Self::default().name(text)
    }

    /// The same, and more words of ours.
    pub(super) fn and(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Ours(text.into()));
        self
    }

    /// The same, and something from outside.
    pub(super) fn name(mut self, text: &str) -> Self {
        let text = if text.is_empty() { "(empty)".to_owned() } else { plain(text) };
        self.0.push(Piece::Outside(text));
        self
    }

    /// The same, and a word of a fixed list, such as a kind of grant. One that is none of ours is taken for what came from outside.
    pub(super) fn word(mut self, word: &str) -> Self {
        let known = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if known {
            self.0.push(Piece::Ours(word.replace('_', " ").replace("oauth", "OAuth")));
            self
        } else {
            self.name(word)
        }
    }

    /// The same, and what one may type.
    pub(super) fn command(mut self, command: impl Into<String>) -> Self {
        self.0.push(Piece::Command(plain(&command.into())));
        self
    }

    /// The same, and these words.
    pub(super) fn then(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// Several with `between` them.
    pub(super) fn joined(parts: impl IntoIterator<Item = Self>, between: &str) -> Self {
        let mut all = Self::default();
        for part in parts {
            if !all.0.is_empty() {
                all = all.and(between);
            }
            all = all.then(part);
        }
        all
    }

    /// The pieces.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The words alone.
    pub(super) fn text(&self) -> String {
        let texts = self.0.iter().map(|piece| match piece {
            Piece::Ours(text) | Piece::Outside(text) | Piece::Command(text) => text.as_str(),
        });
        texts.collect()
    }
}
