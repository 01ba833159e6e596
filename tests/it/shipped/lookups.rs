//! Whom a name means: nobody, somebody, two, or nothing that can be known.

use revoked::model::{Resolution, Subject};
use revoked::targets::Remedy;

use super::excused::only_those_are_excused;
use super::stage::Stage;
use super::stand_in::Trouble;

#[tokio::test]
async fn a_person_is_found_by_every_name_and_nobody_only_in_the_targets_own_words() {
    for stage in Stage::all().await {
        let principal = stage.found().await;
        assert!(!principal.account.suspended, "{}", stage.name());
        assert!(!principal.names.is_empty(), "{}", stage.name());
        if let Some(also) = &stage.recording.also {
            let found = stage.resolve(also).await.unwrap();
            assert!(
                matches!(&found, Resolution::One(same) if same.id == principal.id),
                "{}: {found:?}",
                stage.name()
            );
        }
        let nobody = stage.resolve(&stage.recording.nobody).await;
        assert!(matches!(nobody, Ok(Resolution::None)), "{}: {nobody:?}", stage.name());
        assert_eq!(stage.server.take_unknown(), [], "{}", stage.name());
    }
}

#[tokio::test]
async fn names_that_lead_to_two_accounts_are_ambiguous() {
    for stage in Stage::all().await {
        let names = [&stage.recording.found, &stage.recording.other].map(|name| name.parse::<Subject>().unwrap());
        let both = stage.resolve_name(&Subject::together(names).unwrap()).await.unwrap();
        assert!(
            matches!(&both, Resolution::Ambiguous(ids) if ids.len() == 2),
            "{}: {both:?}",
            stage.name()
        );
    }
}

#[tokio::test]
async fn a_search_that_finds_two_of_a_name_is_ambiguous() {
    let mut skipped = Vec::new();
    for stage in Stage::all().await {
        let subject: Subject = stage.recording.found.parse().unwrap();
        if !stage.searches_by(&subject) || stage.description.name_is_id(form(&subject)) {
            skipped.push(stage.name().to_owned());
            continue;
        }
        stage.server.set(Trouble::Twice);
        let found = stage.resolve_name(&subject).await;
        assert!(matches!(&found, Ok(Resolution::Ambiguous(_))), "{}: {found:?}", stage.name());
    }
    only_those_are_excused("two of a name", &skipped);
}

#[tokio::test]
async fn a_search_that_is_fuzzy_finds_nobody_else() {
    let mut skipped = Vec::new();
    for stage in Stage::all().await {
        let subject: Subject = stage.recording.nobody.parse().unwrap();
        if !stage.searches_by(&subject) {
            skipped.push(stage.name().to_owned());
            continue;
        }
        stage.server.set(Trouble::Fuzzy);
        let found = stage.resolve_name(&subject).await;
        assert!(matches!(&found, Ok(Resolution::None)), "{}: {found:?}", stage.name());
    }
    only_those_are_excused("fuzzy search", &skipped);
}

#[tokio::test]
async fn where_the_url_is_wrong_nobody_is_never_what_it_means() {
    for stage in Stage::all().await {
        stage.server.set(Trouble::WrongUrl);
        for subject in [&stage.recording.nobody, &stage.recording.found] {
            let found = stage.resolve(subject).await;
            assert!(found.is_err(), "{}: {found:?}", stage.name());
        }
    }
}

#[tokio::test]
async fn with_fewer_rights_nobody_is_never_what_it_means() {
    let mut skipped = Vec::new();
    for stage in Stage::all().await {
        if !stage.recording.knows_few_rights() {
            skipped.push(stage.name().to_owned());
            continue;
        }
        stage.server.set(Trouble::FewRights);
        for subject in [&stage.recording.nobody, &stage.recording.found] {
            let found = stage.resolve(subject).await;
            let error = found.as_ref().err().unwrap_or_else(|| panic!("{}: {found:?}", stage.name()));
            assert_eq!(error.remedy, Remedy::Pause, "{}: {error}", stage.name());
        }
    }
    only_those_are_excused("fewer rights", &skipped);
}

impl Stage {
    /// Whether somebody is looked for by this name in a list.
    pub(super) fn searches_by(&self, subject: &Subject) -> bool {
        let by = form(subject);
        self.description
            .asks()
            .iter()
            .any(|(known, searches)| *known == by && *searches)
    }
}

/// The word of a description for the form of a name.
pub(super) fn form(subject: &Subject) -> &'static str {
    match subject {
        Subject::Username(_) => "username",
        Subject::Email(_) => "email",
        Subject::Opaque(_) => "account_id",
        Subject::EmployeeId(_) => "employee_id",
        other => panic!("{other:?}"),
    }
}
