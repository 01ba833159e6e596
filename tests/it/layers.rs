//! Modules are layers: what one uses lies below it. Packages are walls: those in `crates/` know nothing of the product, nor of each other.

use crate::tree::{File, repository};

/// From the bottom to the top. Modules of one row do not use each other.
const LAYERS: &[&[&str]] = &[
    &["digest", "wording"],
    &["model"],
    &["backoff", "clock", "file_modes", "passwd", "secret"],
    &["settings"],
    &["certificate", "http", "supervision", "telemetry"],
    &["bounded_program"],
    &["jose"],
    &["json"],
    &["policy", "statement"],
    &["store"],
    &["trail"],
    &["targets"],
    &["worker"],
    &["canary"],
    &["sources"],
    &["intake"],
    &["transmitter"],
    &["notify", "traces"],
    &["config"],
    &["api"],
    &["report"],
    &["console"],
    &["daemon"],
    &["demo"],
    &["cli"],
];

/// Crates that these modules alone may know, so that they can be exchanged or left out.
const KNOWN_TO: &[(&str, &[&str])] = &[
    // The store is a database, and a target may be one.
    ("sqlx", &["store", "targets"]),
    ("metrics", &["telemetry"]),
    ("revoked_sandbox", &["demo", "cli"]),
];

/// The packages of this repository, as code names them.
const PACKAGES: &[&str] = &["revoked", "revoked_sandbox", "revoked_trail"];

#[test]
fn uses_point_only_downwards() {
    let found: Vec<String> = repository().iter().flat_map(violations).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// `sqlx::Row` has a way to read a column that panics. The one reader of columns gives an error.
#[test]
fn rows_are_read_in_one_place() {
    let readers: Vec<String> = repository()
        .into_iter()
        .filter(|file| file.is_rust() && file.path.starts_with("src/"))
        .filter(|file| mentions(&code_of(&file.text), "Row as _").next().is_some() || file.text.contains("sqlx::Row"))
        .map(|file| file.path)
        .collect();
    assert_eq!(readers, ["src/store/columns.rs"]);
}

/// What is wrong with the edges of one file.
fn violations(file: &File) -> Vec<String> {
    let parts = file.parts();
    if !file.is_rust() {
        return Vec::new();
    }
    let code = code_of(&file.text);
    let from = match parts[..] {
        ["crates", package, "src", ..] => return walls(file, &package.replace('-', "_"), &code),
        ["src", from, ..] if !matches!(from, "lib" | "main") => from,
        _ => return Vec::new(),
    };
    let mut found: Vec<String> = edges(&code, &parts)
        .into_iter()
        .filter_map(|to| judge(from, &to))
        .chain(KNOWN_TO.iter().filter_map(|(name, modules)| {
            let known = mentions(&code, &format!("{name}::")).next().is_some();
            (known && !modules.contains(&from)).then(|| format!("knows {name}, which only {} may", modules.join(" and ")))
        }))
        .map(|what| format!("{}: {what}", file.path))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// What a file of a package in `crates/` knows of other packages. A program knows the library of its own.
fn walls(file: &File, package: &str, code: &str) -> Vec<String> {
    PACKAGES
        .iter()
        .filter(|other| **other != package && mentions(code, &format!("{other}::")).next().is_some())
        .map(|other| format!("{}: {package} knows {other}", file.path))
        .collect()
}

/// What is wrong with an edge, if anything.
fn judge(from: &str, to: &str) -> Option<String> {
    if from == to {
        return None;
    }
    let (Some(above), Some(below)) = (rank(from), rank(to)) else {
        let unknown = if rank(from).is_none() { from } else { to };
        return Some(format!("{unknown} has no layer yet; give it one in tests/it/layers.rs"));
    };
    (below >= above).then(|| format!("{from} uses {to}, which does not lie below it"))
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The text without comments: a doc link may point anywhere.
fn code_of(text: &str) -> String {
    text.lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The top-level modules that the code names, by `crate::…` anywhere or by a `use super::…` that climbs to the root.
fn edges(code: &str, parts: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = mentions(code, "crate::").flat_map(heads).collect();
    let depth = parts.iter().filter(|part| **part != "mod").count() - 1;
    for line in code.lines() {
        let Some(mut path) = line.strip_prefix("use ").or_else(|| line.strip_prefix("pub use ")) else {
            continue;
        };
        let mut climbed = 0;
        while let Some(rest) = path.strip_prefix("super::") {
            climbed += 1;
            path = rest;
        }
        if climbed >= depth {
            found.extend(heads(path));
        }
    }
    found
}

/// What follows each place where `prefix` begins a path.
fn mentions<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(prefix).filter_map(move |(at, _)| {
        let before = code[..at].chars().next_back();
        let continues = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$');
        (!continues).then(|| &code[at + prefix.len()..])
    })
}

/// The first names of a path: one, or those of each branch of a group in braces.
fn heads(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else {
        return vec![path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()];
    };
    let mut depth = 0;
    let mut branches = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => branches.push(String::new()),
            c if depth == 0 => {
                if let Some(branch) = branches.last_mut() {
                    branch.push(c);
                }
            }
            _ => {}
        }
    }
    branches
        .iter()
        .map(|branch| branch.trim())
        .filter(|branch| !branch.is_empty())
        .flat_map(heads)
        .collect()
}

mod planted {
    //! Proof that the test can see.

    use super::{File, violations};

    fn found(path: &str, text: &str) -> Vec<String> {
        violations(&File::new(path, text))
    }

    #[test]
    fn an_upward_edge_is_found_however_it_is_written() {
        for text in [
            "use crate::store::Store;",
            "use crate::{clock::Clock, store::{Store, Tx}};",
            "use crate::{\n    clock,\n    store,\n};",
            "fn f() { crate::store::open(); }",
            "    use crate::store;",
            "use super::store::Store;",
            "pub use super::store;",
        ] {
            let expected = ["src/model/mod.rs: model uses store, which does not lie below it"];
            let found = found("src/model/mod.rs", text);
            assert!(
                found.iter().any(|line| expected.contains(&line.as_str())),
                "{text}: {found:?}"
            );
        }
        assert_eq!(found("src/store/a/b.rs", "use super::super::super::api::serve;").len(), 1);
    }

    #[test]
    fn a_downward_edge_and_a_doc_link_are_not() {
        for (path, text) in [
            ("src/api/mod.rs", "use crate::model::Signal;\nuse crate::api::Limits;"),
            ("src/store/open.rs", "use super::Store;\nuse super::super::clock::Clock;"),
            (
                "src/model/job.rs",
                "//! See [`crate::store::Store`].\nuse super::Timestamp; // not crate::store",
            ),
            ("src/model/mod.rs", "mod tests {\n    use super::*;\n}"),
            ("src/model/mod.rs", "macro_rules! m { () => { $crate::store::x() } }"),
            ("src/main.rs", "use revoked::cli;"),
        ] {
            assert_eq!(found(path, text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn neighbours_do_not_use_each_other() {
        assert_eq!(found("src/clock.rs", "use crate::secret::SecretSource;").len(), 1);
    }

    #[test]
    fn a_module_without_a_layer_is_found() {
        assert_eq!(found("src/novelty.rs", "use crate::model::Job;").len(), 1);
        assert_eq!(found("src/cli/mod.rs", "use crate::novelty::X;").len(), 1);
    }

    #[test]
    fn the_packages_know_nothing_of_the_product_and_of_each_other() {
        for (path, text) in [
            ("crates/revoked-sandbox/src/lib.rs", "use revoked::store::Store;"),
            ("crates/revoked-sandbox/src/log.rs", "    at: revoked_trail::Timestamp,"),
            ("crates/revoked-trail/src/main.rs", "use revoked_sandbox::World;"),
        ] {
            assert_eq!(found(path, text).len(), 1, "{text}");
        }
        assert_eq!(
            found("crates/revoked-trail/src/main.rs", "use revoked_trail::Verifier;").len(),
            0
        );
    }

    #[test]
    fn the_sandbox_is_known_to_what_can_be_left_out_with_it_alone() {
        assert_eq!(found("src/daemon/mod.rs", "use revoked_sandbox::World;").len(), 1);
        assert_eq!(found("src/demo/mod.rs", "use revoked_sandbox::World;").len(), 0);
    }

    #[test]
    fn the_database_is_known_to_the_store_and_to_targets_alone() {
        assert_eq!(found("src/intake.rs", "fn f(pool: sqlx::SqlitePool) {}").len(), 1);
        assert_eq!(found("src/targets/x.rs", "fn f(conn: sqlx::PgConnection) {}").len(), 0);
        assert_eq!(found("src/store/mod.rs", "fn f(pool: sqlx::SqlitePool) {}").len(), 0);
    }
}
