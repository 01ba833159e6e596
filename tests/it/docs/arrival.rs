//! The pages for whoever arrives: the files and tests that they name are there, and what is looked for is found where they say.

use std::path::Path;

use super::{page, quoted, rows_under};
use crate::tree::{File, repository};

/// The pages that lead through the code.
const PAGES: [&str; 2] = ["docs/architecture.md", "CONTRIBUTING.md"];

/// What a path in the repository begins with.
const ROOTS: [&str; 10] = [
    "src/",
    "crates/",
    "tests/",
    "benches/",
    "docs/",
    "config/",
    "migrations/",
    "deploy/",
    ".ci/",
    "Cargo.",
];

#[test]
fn every_file_that_the_pages_name_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in PAGES {
        let text = page(name);
        let paths: Vec<&str> = quoted(&text)
            .into_iter()
            .filter(|word| ROOTS.iter().any(|root| word.starts_with(root)) && !word.contains(['*', ' ', '<']))
            .collect();
        assert!(paths.len() > 10, "{name} names {} files only", paths.len());
        let lost: Vec<&str> = paths.into_iter().filter(|path| !root.join(path).exists()).collect();
        assert!(lost.is_empty(), "{name} names what is not there: {lost:?}");
    }
}

#[test]
fn every_invariant_is_held_by_a_test_that_is_there() {
    let code: Vec<File> = repository().into_iter().filter(File::is_rust).collect();
    for row in rows_under(&page("docs/architecture.md"), "Invariants") {
        let [invariant, held_by] = &row[..] else {
            panic!("not two cells: {row:?}")
        };
        let tests = quoted(held_by);
        assert!(!tests.is_empty(), "no test holds {invariant:?}");
        for test in tests {
            let there = code.iter().any(|file| file.text.contains(&format!("fn {test}(")));
            assert!(there, "the test of {invariant:?} is not there: {test}");
        }
    }
}

#[test]
fn every_filter_that_is_typed_finds_a_test() {
    let code: Vec<File> = repository().into_iter().filter(File::is_rust).collect();
    let text = page("CONTRIBUTING.md");
    let filters: Vec<&str> = quoted(&text)
        .into_iter()
        .filter_map(|command| {
            command
                .strip_prefix("cargo test ")?
                .split_once("-- ")
                .map(|(_, filter)| filter)
        })
        .collect();
    assert!(filters.len() > 2, "{filters:?}");
    for filter in filters {
        let module = filter.trim_end_matches("::").replace("::", "/");
        let found = code.iter().any(|file| {
            if filter.contains("::") {
                ["tests/it/", "src/"]
                    .iter()
                    .any(|root| file.path.starts_with(&format!("{root}{module}")))
            } else {
                file.text.contains(&format!("fn {filter}"))
            }
        });
        assert!(found, "no test is called {filter}");
    }
}

/// From the crate's page to the answer in two hops: the page names the module, and the module's own page, or a folder's in it, the file.
#[test]
fn every_question_is_answered_two_hops_from_the_crates_page() {
    let files = repository();
    let text_of = |path: &str| {
        &files
            .iter()
            .find(|file| file.path == path)
            .unwrap_or_else(|| panic!("{path}"))
            .text
    };
    let map = first_words(text_of("src/lib.rs"));
    let questions = rows_under(&page("docs/architecture.md"), "Where to look");
    assert!(questions.len() >= 20, "{} questions", questions.len());
    for row in questions {
        let [question, file, word] = &row[..] else {
            panic!("not three cells: {row:?}")
        };
        let path = quoted(file)[0];
        let text = text_of(path);
        let word = quoted(word)[0];
        assert!(
            first_words(text).to_lowercase().contains(&word.to_lowercase()),
            "{question}: the head of {path} does not say {word:?}"
        );
        let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
        let module = if parts[0] == "crates" {
            parts[1].replace('-', "_")
        } else {
            parts[1].to_owned()
        };
        assert!(
            map.contains(&format!("[`{module}`]")),
            "{question}: src/lib.rs does not lead to {module}"
        );
        // A file right under `src` needs no page in between.
        if parts[0] == "src" && parts.len() > 2 {
            let inner = &parts[2..];
            let named = (2..parts.len())
                .map(|depth| format!("{}/mod.rs", parts[..depth].join("/")))
                .filter_map(|page| files.iter().find(|file| file.path == page))
                .map(|page| first_words(&page.text))
                .any(|words| {
                    inner
                        .iter()
                        .any(|part| *part == "mod" || words.contains(&format!("`{part}`")))
                });
            assert!(named, "{question}: no page on the way names {path}");
        }
    }
}

/// The lines that describe a module: those that begin its file.
fn first_words(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with("//!"));
    lines
        .map(|line| line.trim_start_matches("//!").trim())
        .collect::<Vec<_>>()
        .join(" ")
}
