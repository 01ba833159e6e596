//! Asks every target which account a name means there. Nothing is changed.

use crate::cli::asked::Reach;
use crate::daemon::asked::{Answer, Asks, Question};
use crate::model::Subject;
use crate::store::LinkedName;

/// How much is asked of the daemon at once.
const PORTION: usize = 200;

/// What is to be asked about a person: each of the names at each target at which it means something, the surest first.
pub(super) fn questions(targets: &[String], name: &Subject, known: &[LinkedName]) -> Vec<Question> {
    let mut questions = Vec::new();
    for target in targets {
        let linked = known
            .iter()
            .filter(|known| known.target.as_ref().is_none_or(|only| only == target));
        let all = Subject::together(name.names().iter().chain(linked.map(|known| &known.name)).cloned());
        let mut names: Vec<&Subject> = all.iter().flat_map(Subject::names).collect();
        names.sort_by_key(|name| name.rank());
        questions.extend(names.into_iter().map(|name| Question {
            target: target.clone(),
            asks: Asks::Resolution { name: name.clone() },
        }));
    }
    questions
}

/// The answers, in the order of the questions, however many those are.
///
/// # Errors
/// Where the targets cannot be asked from here.
pub(super) async fn answers(reach: &Reach, questions: &[Question]) -> anyhow::Result<Vec<Answer>> {
    let mut answers = Vec::with_capacity(questions.len());
    for portion in questions.chunks(PORTION) {
        answers.extend(reach.ask(portion.to_vec()).await?);
    }
    Ok(answers)
}
