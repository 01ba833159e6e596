//! The manners of the source tree: sizes, names, docs, and what must not be written into it.

use crate::tree::{File, repository};

/// Lines that no file has more of.
const LONGEST: usize = 600;

/// Lines from which a file is named in the test's output, to be split before it has to be.
const LONG: usize = 400;

/// Lines that half of the files of `src`, those of the packages with them, stay below.
const MEDIAN: usize = 150;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "misc"];

/// What must not be written down, with the reason. In two pieces, so that this file does not hold them.
const UNWANTED: &[(&str, &str, &str)] = &[
    ("/wo", "rk/", "a path of one machine"),
    ("/ro", "ot/", "a path of one machine"),
    ("/ho", "me/", "a path of one machine"),
    ("../sh", "ared", "a path outside the repository"),
    ("crates", ".io", "the address of a registry"),
];

/// Ways to wait for time instead of for what is waited for.
const SLEEPS: &[(&str, &str)] = &[("thread::", "sleep"), ("time::", "sleep"), ("sleep_", "ms(")];

/// Where a value is written down.
const WRITERS: &[&str] = &[
    "serde_json::to_string(",
    "serde_json::to_string_pretty(",
    "serde_json::to_vec(",
    "serde_json::to_value(",
];

/// What may follow on that, and takes nothing, or a text that says nothing, for what could not be written.
const SWALLOWS: &[&str] = &[
    "unwrap_or_default()",
    "unwrap_or(",
    "unwrap_or_else(|_| String::new())",
    "unwrap_or_else(|_| Vec::new())",
    "map_or(",
    "map_or_default(",
    "ok()",
];

#[test]
fn the_tree_is_tidy() {
    let files = repository();
    let mut found: Vec<String> = files.iter().flat_map(violations).collect();
    found.extend(missing_docs(&files));
    found.extend(too_long_by_half(&files));
    for file in files.iter().filter(|file| file.is_rust() && lines(file) > LONG) {
        println!(
            "{} has {} lines; split it by noun before it reaches {LONGEST}",
            file.path,
            lines(file)
        );
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// What is stored although it could not be written: an empty text, or nothing at all, reads back as something else was.
fn swallowed(file: &File) -> Vec<String> {
    if !file.is_source() {
        return Vec::new();
    }
    let writes = WRITERS.iter().flat_map(|writer| file.text.match_indices(writer));
    let swallowed = writes.filter(|(at, writer)| {
        let after = after_call(&file.text[at + writer.len()..]);
        // A chain may go on in the next line.
        let next = after.trim_start().strip_prefix('.').unwrap_or_default();
        SWALLOWS.iter().any(|way| next.starts_with(way))
    });
    let mut lines: Vec<usize> = swallowed.map(|(at, _)| file.text[..at].matches('\n').count() + 1).collect();
    lines.sort_unstable();
    let found = lines.iter();
    found
        .map(|n| format!("line {n} goes on with something else where a value cannot be written; make that an error"))
        .collect()
}

/// The evidence of a job, read or written past the one module that knows what its column holds.
fn evidence_elsewhere(file: &File) -> Vec<String> {
    if !file.path.starts_with("src/store/") || file.path.ends_with("/evidence_row.rs") {
        return Vec::new();
    }
    let lines = file.text.lines().enumerate();
    let converts = |line: &str| line.contains("serde_json::from_") || line.contains("serde_json::to_") || line.contains("written(");
    lines
        .filter(|(_, line)| converts(line) && line.to_lowercase().contains("evidence"))
        .map(|(n, _)| format!("line {} reads or writes evidence; `queue/evidence_row.rs` does", n + 1))
        .collect()
}

/// What follows on a call whose arguments `text` begins with.
fn after_call(text: &str) -> &str {
    let mut open = 1;
    let end = text.find(|c| {
        open += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        open == 0
    });
    end.map_or("", |end| &text[end + 1..])
}

fn lines(file: &File) -> usize {
    file.text.lines().count()
}

/// What is wrong with one file.
fn violations(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(name) = file.parts().iter().find(|part| EMPTY_NAMES.contains(part)) {
        found.push(format!("the name {name} says nothing"));
    }
    if file.parts().last() != Some(&"Cargo.lock") {
        for (first, second, why) in UNWANTED {
            let lines = lines_with(file, &format!("{first}{second}"));
            found.extend(lines.iter().map(|n| format!("line {n} holds {why}")));
        }
    }
    if file.is_rust() {
        if lines(file) > LONGEST {
            found.push(format!("{} lines; {LONGEST} are the most", lines(file)));
        }
        // In two pieces too.
        for before in ["[", ", "] {
            for n in lines_with(file, &format!("{before}{}(", "allow")) {
                found.push(format!("line {n} allows a lint; expect it, with the reason"));
            }
        }
        found.extend(sleeps(file));
        found.extend(swallowed(file));
        found.extend(evidence_elsewhere(file));
    }
    found.into_iter().map(|what| format!("{}: {what}", file.path)).collect()
}

/// Sleeps in a test: anywhere under `tests`, and in a source file from the mark of the unit tests on. A benchmark measures over spans of time and may sleep.
fn sleeps(file: &File) -> Vec<String> {
    let parts = file.parts();
    let from = match (parts.first(), parts.last()) {
        (Some(&"tests"), _) | (_, Some(&"tests")) => 0,
        _ => file.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count(),
    };
    SLEEPS
        .iter()
        .flat_map(|(first, second)| lines_with(file, &format!("{first}{second}")))
        .filter(|n| *n > from)
        .map(|n| format!("line {n} sleeps; wait for the condition, with a bound"))
        .collect()
}

/// The numbers of the lines that hold `needle`.
fn lines_with(file: &File, needle: &str) -> Vec<usize> {
    let numbered = file.text.lines().zip(1..);
    numbered.filter(|(line, _)| holds(line, needle)).map(|(_, n)| n).collect()
}

/// Whether `line` holds `needle`; a path only where it begins there, not in the middle of an address.
fn holds(line: &str, needle: &str) -> bool {
    line.match_indices(needle).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !needle.starts_with('/') || !before.is_some_and(|c| c.is_alphanumeric() || "._-}".contains(c))
    })
}

/// Rust files that do not say what they are, and folders of `src` without a `mod.rs` (or a file of their name beside them) to say it.
fn missing_docs(files: &[File]) -> Vec<String> {
    let rust = || files.iter().filter(|file| file.is_rust());
    let mut found: Vec<String> = rust()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| format!("{}: does not begin with a sentence that says what it is", file.path))
        .collect();
    for file in rust() {
        let Some(root) = file.root() else { continue };
        let Some((folder, _)) = file.path.rsplit_once('/').filter(|(folder, _)| *folder != root) else {
            continue;
        };
        let doors = [format!("{folder}/mod.rs"), format!("{folder}.rs")];
        if !files.iter().any(|file| doors.contains(&file.path)) {
            found.push(format!("{folder}: has no mod.rs that says what it is"));
        }
    }
    found.dedup();
    found
}

/// Whether the median of `src` has grown too large.
fn too_long_by_half(files: &[File]) -> Option<String> {
    let mut sizes: Vec<usize> = files
        .iter()
        .filter(|file| file.is_rust() && file.is_source())
        .map(lines)
        .collect();
    sizes.sort_unstable();
    let median = *sizes.get(sizes.len() / 2)?;
    (median >= MEDIAN).then(|| format!("src: half of the files have {median} lines or more; {MEDIAN} is the limit"))
}

mod planted {
    //! Proof that the test can see.

    use super::{File, LONGEST, MEDIAN, SLEEPS, SWALLOWS, UNWANTED, WRITERS, missing_docs, too_long_by_half, violations};

    fn found(path: &str, text: &str) -> String {
        violations(&File::new(path, text)).join("\n")
    }

    #[test]
    fn a_file_is_too_long_from_one_line_over() {
        assert_eq!(found("src/x.rs", &"\n".repeat(LONGEST)), "");
        assert_eq!(
            found("src/x.rs", &"\n".repeat(LONGEST + 1)),
            "src/x.rs: 601 lines; 600 are the most"
        );
    }

    #[test]
    fn a_value_that_becomes_an_empty_text_where_it_cannot_be_written_is_found_in_all_of_the_source() {
        for (write, swallow) in WRITERS
            .iter()
            .flat_map(|write| SWALLOWS.iter().map(move |swallow| (write, swallow)))
        {
            for path in ["src/store/x.rs", "src/sources/x.rs", "crates/x/src/x.rs"] {
                // In one line and in two, as the formatter has it.
                for between in ["", "\n        "] {
                    let text = format!("\nlet x = {write}f(x)){between}.{swallow};");
                    assert!(found(path, &text).contains("line 2 goes on with something else"), "{text}");
                    assert_eq!(found("tests/it/x.rs", &text), "");
                }
            }
            assert_eq!(found("src/x.rs", &format!("let x = {write}x)?; let y = z.{swallow};")), "");
        }
    }

    #[test]
    fn the_median_counts_src_alone() {
        let file = |path: &str, lines| File::new(path, &"\n".repeat(lines));
        let short = [
            file("src/a.rs", 10),
            file("src/b.rs", MEDIAN - 1),
            file("src/c.rs", 500),
            file("tests/it/d.rs", 500),
        ];
        assert_eq!(too_long_by_half(&short), None);
        let long = [file("src/a.rs", 10), file("src/b.rs", MEDIAN), file("src/c.rs", 500)];
        assert!(too_long_by_half(&long).is_some());
    }

    #[test]
    fn an_empty_name_is_found_as_file_and_as_folder() {
        for path in [
            "src/utils.rs",
            "src/helpers/mod.rs",
            "tests/it/common/mod.rs",
            "src/store/manager.rs",
        ] {
            assert!(found(path, "").contains("says nothing"), "{path}");
        }
        assert_eq!(found("src/commons.rs", ""), "");
    }

    #[test]
    fn what_must_not_be_written_down_is_found_in_any_file_but_the_lock() {
        for (first, second, _) in UNWANTED {
            let text = format!("one\nsee {first}{second}x\n");
            assert!(found("docs/a.md", &text).contains("line 2 holds"), "{text}");
            assert_eq!(found("Cargo.lock", &text), "");
        }
        let (first, second, _) = UNWANTED[0];
        assert_eq!(
            found("docs/a.md", &format!("https://example.org{first}{second}x")),
            "",
            "an address is no path"
        );
    }

    #[test]
    fn an_allowed_lint_is_found() {
        for attribute in [
            "#[allow@dead_code)]",
            "#![allow@dead_code)]",
            "#[cfg_attr(test, allow@dead_code))]",
        ] {
            assert!(
                found("src/x.rs", &attribute.replace('@', "(")).contains("line 1 allows"),
                "{attribute}"
            );
        }
        assert_eq!(found("src/x.rs", "#[expect(dead_code)]\nfn allow(x: u8) {}"), "");
    }

    #[test]
    fn a_sleep_is_found_in_tests_only() {
        for (first, second) in SLEEPS {
            let sleep = format!("{first}{second}(x)");
            assert!(found("tests/it/x.rs", &sleep).contains("line 1 sleeps"));
            assert!(found("src/x/tests.rs", &sleep).contains("line 1 sleeps"));
            let before = format!("fn f() {{ {sleep} }}\n#[cfg(test)]\nmod tests {{}}");
            assert_eq!(found("src/x.rs", &before), "");
            let inside = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{sleep}\n}}");
            assert!(found("src/x.rs", &inside).contains("line 4 sleeps"));
        }
    }

    #[test]
    fn a_file_and_a_folder_without_docs_are_found() {
        for root in ["src", "crates/revoked-x/src"] {
            let file = |path: &str, text| File::new(&format!("{root}/{path}"), text);
            let found = missing_docs(&[file("lib.rs", "//! Docs."), file("x/y.rs", "mod z;")]);
            assert_eq!(found.len(), 2, "{found:?}");
        }
    }
}
