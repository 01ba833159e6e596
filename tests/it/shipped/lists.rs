//! A list is whole, or it is an error.

use std::collections::BTreeSet;

use revoked::model::{GrantKind, Principal, Resolution, Subject};
use wiremock::MockServer;

use super::description::Paging;
use super::excused::only_those_are_excused;
use super::lookups::form;
use super::pages::Cut;
use super::stage::Stage;
use super::stand_in::Trouble;

/// Tries a case on every list of several pages: that of grants, and that in which accounts are looked for. Gives the descriptions that have
/// no such list that `fits`.
async fn on_every_paged_list(
    fits: impl Fn(&Paging) -> bool,
    mut case: impl AsyncFnMut(&Stage, &Principal, Option<GrantKind>),
) -> Vec<String> {
    let mut skipped = Vec::new();
    for stage in Stage::all().await {
        let principal = stage.found().await;
        let mut tried = false;
        let kinds: BTreeSet<String> = stage
            .description
            .paged_kinds()
            .into_iter()
            .filter(|(_, paging)| fits(paging))
            .map(|(kind, _)| kind.to_owned())
            .collect();
        for kind in kinds {
            let kind = GrantKind::ALL.into_iter().find(|known| known.word() == kind).unwrap();
            case(&stage, &principal, Some(kind)).await;
            stage.server.set(Trouble::None);
            tried = true;
        }
        let subject: Subject = stage.recording.found.parse().unwrap();
        if stage.description.pages_accounts(form(&subject)).is_some_and(&fits) {
            case(&stage, &principal, None).await;
            stage.server.set(Trouble::None);
            tried = true;
        }
        if !tried {
            skipped.push(stage.name().to_owned());
        }
    }
    skipped
}

impl Stage {
    /// How many grants of the kind are listed, or how many accounts are found.
    async fn count(&self, principal: &Principal, kind: Option<GrantKind>) -> Result<usize, String> {
        match kind {
            Some(kind) => {
                let seen = self
                    .observe(principal, [kind].into())
                    .await
                    .map_err(|error| error.to_string())?;
                assert!(seen.listed.contains(&kind), "{}: {:?}", self.name(), seen.unseen);
                Ok(seen.of(kind).count())
            }
            None => match self.resolve(&self.recording.found).await {
                Ok(Resolution::One(found)) if found.id == principal.id => Ok(1),
                Ok(other) => panic!("{}: {other:?}", self.name()),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

#[tokio::test]
async fn pages_that_are_shorter_than_was_asked_for_are_read_to_the_end() {
    let skipped = on_every_paged_list(
        |_| true,
        async |stage, principal, kind| {
            stage.server.set(Trouble::Cut(Cut::Whole, String::new()));
            let whole = stage.count(principal, kind).await.unwrap();
            assert!(whole >= 1, "{}: {kind:?}: {whole}", stage.name());
            stage.server.set(Trouble::Cut(Cut::Short, String::new()));
            assert_eq!(stage.count(principal, kind).await, Ok(whole), "{}: {kind:?}", stage.name());
        },
    )
    .await;
    only_those_are_excused("pages", &skipped);
}

#[tokio::test]
async fn an_empty_page_ends_a_list_only_where_the_server_names_no_next_one() {
    let skipped = on_every_paged_list(Paging::is_told, async |stage, principal, kind| {
        stage.server.set(Trouble::Cut(Cut::Whole, String::new()));
        let whole = stage.count(principal, kind).await.unwrap();
        stage.server.set(Trouble::Cut(Cut::Holed, String::new()));
        assert_eq!(stage.count(principal, kind).await, Ok(whole), "{}: {kind:?}", stage.name());
    })
    .await;
    only_those_are_excused("empty pages", &skipped);
}

#[tokio::test]
async fn a_list_that_is_shorter_than_its_total_is_an_error() {
    let has_total = |paging: &Paging| matches!(paging, Paging::Counted { total: Some(_), .. });
    let skipped = on_every_paged_list(has_total, async |stage, principal, kind| {
        stage.server.set(Trouble::Cut(Cut::Missing, String::new()));
        assert!(stage.count(principal, kind).await.is_err(), "{}: {kind:?}", stage.name());
    })
    .await;
    only_those_are_excused("a total that is not reached", &skipped);
}

#[tokio::test]
async fn pages_that_go_in_circles_are_an_error() {
    let skipped = on_every_paged_list(
        |_| true,
        async |stage, principal, kind| {
            stage.server.set(Trouble::Cut(Cut::Looping, String::new()));
            stage.server.take_asked();
            assert!(stage.count(principal, kind).await.is_err(), "{}: {kind:?}", stage.name());
            let asked = stage.server.take_asked().len();
            assert!(asked < 1100, "{}: {kind:?}: {asked}", stage.name());
        },
    )
    .await;
    only_those_are_excused("pages", &skipped);
}

#[tokio::test]
async fn a_next_page_at_another_origin_is_an_error_and_is_never_asked_for() {
    let elsewhere = MockServer::start().await;
    let by_url = |paging: &Paging| matches!(paging, Paging::Link | Paging::NextUrl(_));
    let skipped = on_every_paged_list(by_url, async |stage, principal, kind| {
        stage.server.set(Trouble::Cut(Cut::Foreign, elsewhere.uri()));
        assert!(stage.count(principal, kind).await.is_err(), "{}: {kind:?}", stage.name());
    })
    .await;
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
    only_those_are_excused("a next page elsewhere", &skipped);
}

#[tokio::test]
async fn ten_thousand_pages_are_an_error_after_a_thousand() {
    let mut one_each = BTreeSet::new();
    let skipped = on_every_paged_list(
        |_| true,
        async |stage, principal, kind| {
            // One list of each is enough: they are read by the same code.
            if !one_each.insert(stage.name().to_owned()) {
                return;
            }
            stage.server.set(Trouble::Cut(Cut::Endless, String::new()));
            stage.server.take_asked();
            assert!(stage.count(principal, kind).await.is_err(), "{}: {kind:?}", stage.name());
            let asked = stage.server.take_asked().len();
            // Each of its lists stops by itself.
            let lists = stage
                .description
                .paged_kinds()
                .iter()
                .filter(|(word, _)| kind.is_some_and(|kind| kind.word() == *word))
                .count();
            assert!(
                (1000..1100 * lists.max(1)).contains(&asked),
                "{}: {kind:?}: {asked}",
                stage.name()
            );
        },
    )
    .await;
    only_those_are_excused("pages", &skipped);
}
