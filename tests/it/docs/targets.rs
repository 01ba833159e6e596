//! The pages of the kinds of target against what the kinds say of themselves.

use revoked::model::GrantKind;
use revoked::targets::KINDS;
use revoked::targets::described::Description;
use revoked::targets::described::shipped::DESCRIPTIONS;

use super::{blocks, page, rows_under};

/// What a page says of the versions that a kind was run against.
fn run_against(kind: &str) -> String {
    let tested = KINDS.iter().find(|row| row.name == kind).unwrap().tested;
    if ["described", "exec"].contains(&kind) {
        "yours to try".to_owned()
    } else if tested.is_empty() {
        "not run against the vendor".to_owned()
    } else {
        tested.join(", ")
    }
}

fn in_order(kinds: impl Iterator<Item = String>) -> String {
    let mut seen: Vec<String> = Vec::new();
    for kind in kinds {
        let word = format!("`{}`", kind.split(' ').next().unwrap());
        if !seen.contains(&word) {
            seen.push(word);
        }
    }
    if seen.is_empty() { "none".to_owned() } else { seen.join(", ") }
}

#[test]
fn the_table_of_all_kinds_says_what_each_can_end_and_prove() {
    let rows = rows_under(&page("docs/targets/README.md"), "The kinds of target");
    let named: Vec<String> = rows.iter().map(|row| row[0].clone()).collect();
    for kind in KINDS {
        let link = format!("[`{0}`]({0}.md)", kind.name);
        let row = rows.iter().find(|row| row[0] == link);
        let row = row.unwrap_or_else(|| panic!("there is no row {link}; there are {named:?}"));
        assert_eq!(row[5], run_against(kind.name), "{}", kind.name);
        let Some((_, text)) = DESCRIPTIONS.iter().find(|(name, _)| *name == kind.name) else {
            continue;
        };
        let explained = Description::read(text).unwrap().explain();
        let account = match (explained.suspends, explained.resets_password) {
            (true, true) => "suspends; sets a password",
            (true, false) => "suspends",
            (false, true) => "sets a password",
            (false, false) => "nothing",
        };
        let grants = || explained.grants.iter();
        let wanted = [
            account.to_owned(),
            in_order(grants().filter(|grant| grant.ended != "not").map(|grant| grant.kind.clone())),
            in_order(
                grants()
                    .filter(|grant| !grant.proved.starts_with("never"))
                    .map(|grant| grant.kind.clone()),
            ),
            in_order(
                grants()
                    .filter(|grant| grant.proved.starts_with("never"))
                    .map(|grant| grant.kind.clone()),
            ),
        ];
        assert_eq!(row[1..5], wanted, "{}", kind.name);
    }
    assert_eq!(rows.len(), KINDS.len(), "a row of a kind that is not there");
}

#[test]
fn the_page_of_each_described_kind_says_what_its_description_says() {
    for (name, text) in DESCRIPTIONS {
        let explained = Description::read(text).unwrap().explain();
        let page = page(&format!("docs/targets/{name}.md"));
        let rows = rows_under(&page, "What it ends");
        let grants: Vec<Vec<String>> = explained
            .grants
            .iter()
            .map(|grant| {
                let kind = GrantKind::ALL
                    .iter()
                    .find(|kind| grant.kind.split(' ').next() == Some(kind.word()))
                    .unwrap();
                let rest = grant.kind.trim_start_matches(kind.word());
                vec![format!("`{kind}`{rest}"), grant.ended.clone(), grant.proved.clone()]
            })
            .collect();
        let above = 1 + usize::from(explained.resets_password);
        assert_eq!(rows[above..], grants, "{name}");
        assert_eq!(rows[0][1] == "suspended", explained.suspends, "{name}");
        for sentence in explained.not_covered.iter().chain(&explained.residuals) {
            assert!(page.contains(sentence.as_str()), "{name}: {sentence}");
        }
        let said = if explained.tested.is_empty() {
            "**Not run against the vendor**".to_owned()
        } else {
            format!("Run against {}", explained.tested.join(", "))
        };
        assert!(page.contains(&said), "{name}: {said}");
    }
}

/// The steps of the page, put together, are the description that is compiled in under another name.
#[test]
fn who_follows_the_page_on_writing_a_description_ends_with_one_that_reads() {
    let steps: Vec<String> = blocks()
        .into_iter()
        .filter(|block| block.page == "docs/targets/writing-one.md" && block.language == "text")
        .map(|block| block.text)
        .collect();
    assert_eq!(steps.len(), 3);
    let written = Description::read(&steps.join("\n")).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let shipped = DESCRIPTIONS.iter().find(|(name, _)| *name == "rabbitmq").unwrap().1;
    let shipped = Description::read(shipped).unwrap();
    assert_eq!(written.explain().grants, shipped.explain().grants);
    assert_eq!(written.explain().not_covered, shipped.explain().not_covered);
}
