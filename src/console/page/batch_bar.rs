//! How a batch stands: in one word, in counts, and as a bar of them.

use crate::store::BatchProgress;

/// How wide a bar is, in its own units.
const WIDTH: i64 = 600;

/// So many people who stand alike.
pub(super) struct Counted {
    pub(super) count: i64,
    pub(super) word: &'static str,
    /// The colour of its part of the bar.
    class: &'static str,
}

impl Counted {
    /// All that there are, in the order of the bar.
    pub(super) fn of(progress: &BatchProgress) -> Vec<Self> {
        let counted = [
            (progress.verdict("contained"), "contained", "good"),
            (progress.verdict("no_principal"), "nobody there", "good"),
            (progress.verdict("unverified"), "unverified", "wait"),
            (progress.verdict("residual"), "residual", "wait"),
            (progress.verdict("failed"), "failed", "bad"),
            (progress.rejected, "rejected", "bad"),
            (progress.state("cancelled"), "called off", "off"),
            (progress.held, "held", "wait"),
            (progress.kept_back, "paused", "wait"),
            (progress.at_work(), "at work or next", "rest"),
            (progress.new, "not taken up", "rest"),
        ];
        let counted = counted.into_iter().filter(|(count, ..)| *count > 0);
        counted.map(|(count, word, class)| Self { count, word, class }).collect()
    }
}

/// The counts as parts of a bar, and in words for who does not see it.
pub(super) struct Bar {
    pub(super) parts: Vec<Part>,
    pub(super) says: String,
}

/// A part of a bar.
pub(super) struct Part {
    pub(super) x: i64,
    pub(super) width: i64,
    pub(super) class: &'static str,
}

impl Bar {
    pub(super) fn of(progress: &BatchProgress) -> Self {
        let counted = Counted::of(progress);
        let people = progress.people.max(1);
        let (mut parts, mut before) = (Vec::new(), 0);
        for part in &counted {
            let (from, to) = (WIDTH * before / people, WIDTH * (before + part.count) / people);
            before += part.count;
            parts.push(Part {
                x: from,
                width: to - from,
                class: part.class,
            });
        }
        let says: Vec<String> = counted.iter().map(|part| format!("{} {}", part.count, part.word)).collect();
        Self {
            parts,
            says: format!("of {} people {}", progress.people, says.join(", ")),
        }
    }
}

/// How it stands in one word.
pub(super) fn stands(progress: &BatchProgress) -> &'static str {
    if progress.paused.is_some() {
        "paused"
    } else if progress.at_work() + progress.new > 0 {
        "at work"
    } else if progress.held > 0 {
        "held"
    } else if progress.verdict("failed") + progress.rejected > 0 {
        "failed"
    } else if progress.proved() == progress.people {
        "contained"
    } else {
        "over"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::BatchStanding;

    #[test]
    fn the_parts_fill_the_bar_without_a_gap() {
        let closed = |verdict: &str, people| BatchStanding {
            state: "closed".to_owned(),
            verdict: Some(verdict.to_owned()),
            people,
        };
        let progress = BatchProgress {
            people: 7,
            unfinished: 3,
            held: 1,
            cases: vec![closed("contained", 3), closed("failed", 1)],
            ..BatchProgress::default()
        };
        let bar = Bar::of(&progress);
        assert_eq!(bar.parts.iter().map(|part| part.width).sum::<i64>(), WIDTH);
        assert!(bar.parts.windows(2).all(|two| two[0].x + two[0].width == two[1].x));
        assert_eq!(bar.says, "of 7 people 3 contained, 1 failed, 1 held, 2 at work or next");
        assert_eq!(stands(&progress), "at work");
    }
}
