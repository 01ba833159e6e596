//! No two files of a folder need each other, nor do two folders of one: what both need lies in a third, below them.
//!
//! A `mod.rs` and what lies in its folder may know each other. Test modules are left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::{File, repository};

/// A module, by the names on the way from its crate's root.
type Module = Vec<String>;

/// What each module uses.
type Edges = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn no_two_files_of_a_folder_need_each_other() {
    let files = repository();
    let mut roots: BTreeMap<String, Vec<&File>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let tests = file.path.starts_with("tests/it/").then(|| "tests/it".to_owned());
        if let Some(root) = file.root().or(tests) {
            roots.entry(root).or_default().push(file);
        }
    }
    let found: Vec<String> = roots
        .iter()
        .flat_map(|(root, files)| circles(root, files))
        .map(|(folder, circle)| format!("{folder}: {circle} need each other"))
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// Each folder of a crate that holds circles, with the names in them.
fn circles(root: &str, files: &[&File]) -> Vec<(String, String)> {
    let mut modules: BTreeMap<Module, &File> = BTreeMap::new();
    let mut tests = Vec::new();
    for file in files {
        let module = module_of(root, file);
        tests.extend(test_modules(&file.text).into_iter().map(|name| child(&module, &name)));
        modules.insert(module, file);
    }
    modules.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
    let known: BTreeSet<Module> = modules.keys().cloned().collect();
    let edges: Edges = modules
        .iter()
        .map(|(module, file)| {
            let used = paths(module, &file.text)
                .into_iter()
                .filter_map(|path| resolve(&path, &known));
            (module.clone(), used.collect())
        })
        .collect();
    by_folder(&edges)
        .into_iter()
        .flat_map(|(folder, graph)| {
            let folder = [&[root.to_owned()], folder.as_slice()].concat().join("/");
            rings(&graph).into_iter().map(move |ring| (folder.clone(), ring.join(" ")))
        })
        .collect()
}

fn module_of(root: &str, file: &File) -> Module {
    let below = file.path.strip_prefix(root).unwrap_or_default().trim_end_matches(".rs");
    let mut module: Module = below.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if module
        .last()
        .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
    {
        module.pop();
    }
    module
}

fn child(module: &Module, name: &str) -> Module {
    [module.as_slice(), &[name.to_owned()]].concat()
}

/// The name of a module that this line declares or opens.
fn declared(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("mod ")?;
    let name = rest.trim_end_matches([';', '{', ' ']);
    let is_one = (before.is_empty() || before.starts_with("pub")) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (is_one && rest.ends_with([';', '{'])).then_some(name)
}

/// The modules of a file that are compiled for tests only.
fn test_modules(text: &str) -> Vec<String> {
    let lines = text.lines().zip(text.lines().skip(1));
    lines
        .filter(|(mark, _)| *mark == "#[cfg(test)]")
        .filter_map(|(_, line)| declared(line))
        .map(str::to_owned)
        .collect()
}

/// Every path in the code that climbs from the module or from the root, as one from the root; what is for tests only is left out.
fn paths(module: &Module, text: &str) -> BTreeSet<Module> {
    let tests = test_modules(text);
    let mut inside: Option<String> = None;
    let mut parts: BTreeMap<Option<String>, String> = BTreeMap::new();
    for line in text.lines() {
        let code = line.split_once("//").map_or(line, |(code, _)| code);
        match declared(code) {
            Some(name) if code.ends_with('{') => inside = Some(name.to_owned()),
            _ if code == "}" => inside = None,
            _ => {
                let part = parts.entry(inside.clone()).or_default();
                part.push_str(code);
                part.push('\n');
            }
        }
    }
    let mut found = BTreeSet::new();
    for (inside, code) in parts {
        if inside.as_ref().is_some_and(|name| tests.contains(name)) {
            continue;
        }
        let base = inside.map_or_else(|| module.clone(), |name| child(module, &name));
        for start in ["crate::", "super::", "self::"] {
            for (at, _) in code.match_indices(start) {
                let before = code[..at].chars().next_back();
                // The middle of another path, or a longer name.
                if !before.is_some_and(|c| c.is_alphanumeric() || "_:$".contains(c)) {
                    found.extend(branches(&code[at..]).iter().map(|path| absolute(&base, path)));
                }
            }
        }
    }
    found
}

/// The paths that begin here: one, or those of each branch of a group in braces.
fn branches(code: &str) -> Vec<Module> {
    let mut path = Module::new();
    let mut rest = code;
    loop {
        if let Some(group) = rest.strip_prefix('{') {
            let parts = split(group).into_iter().flat_map(|part| branches(part.trim()));
            return parts.map(|part| [path.as_slice(), &part].concat()).collect();
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end > 0 {
            path.push(rest[..end].to_owned());
        }
        match rest[end..].strip_prefix("::") {
            Some(more) if end > 0 => rest = more,
            _ => return vec![path],
        }
    }
}

/// The branches of a group, whose opening brace is behind us.
fn split(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => parts.push(String::new()),
            c => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn absolute(base: &Module, path: &Module) -> Module {
    let mut from = base.clone();
    let mut rest = path.as_slice();
    match rest.first().map(String::as_str) {
        Some("crate") => {
            from.clear();
            rest = &rest[1..];
        }
        Some("self") => rest = &rest[1..],
        _ => {}
    }
    while rest.first().is_some_and(|part| part == "super") {
        from.pop();
        rest = &rest[1..];
    }
    [from.as_slice(), rest].concat()
}

/// The module that a path leads into: the longest beginning of it that is one.
fn resolve(path: &Module, modules: &BTreeSet<Module>) -> Option<Module> {
    (1..=path.len())
        .rev()
        .map(|length| path[..length].to_vec())
        .find(|beginning| modules.contains(beginning))
}

/// Who uses whom among the children of each folder.
fn by_folder(edges: &Edges) -> BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> {
    let mut folders: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (from, used) in edges {
        for to in used {
            let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
            if let (Some(one), Some(other)) = (from.get(shared), to.get(shared)) {
                let graph = folders.entry(from[..shared].to_vec()).or_default();
                graph.entry(one.clone()).or_default().insert(other.clone());
            }
        }
    }
    folders
}

/// The groups of names each of which reaches every other.
fn rings(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reach = |start: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(name) = open.pop() {
            for next in graph.get(name).into_iter().flatten() {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let mut found: Vec<Vec<String>> = Vec::new();
    for name in graph.keys() {
        let reached = reach(name);
        if reached.contains(name) && !found.iter().flatten().any(|other| other == name) {
            found.push(
                reached
                    .into_iter()
                    .filter(|other| reach(other).contains(name))
                    .cloned()
                    .collect(),
            );
        }
    }
    found
}

mod planted {
    //! Proof that the test can see.

    use super::{File, circles};

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File> = files
            .iter()
            .map(|(path, text)| File::new(&format!("src/{path}"), text))
            .collect();
        let files: Vec<&File> = files.iter().collect();
        circles("src", &files)
            .into_iter()
            .map(|(folder, ring)| format!("{folder}: {ring}"))
            .collect()
    }

    #[test]
    fn two_that_need_each_other_are_found_however_it_is_written() {
        for back in [
            "use super::one::One;",
            "use super::{Other, one::{One, Two}};",
            "use crate::a::{\n    other,\n    one,\n};",
            "fn f() { super::one::f() }",
            "mod inner {\n    use super::super::one::One;\n}",
        ] {
            let files = [
                ("a/mod.rs", "mod one;"),
                ("a/one.rs", "use super::two::Two;"),
                ("a/two.rs", back),
            ];
            assert_eq!(found(&files), ["src/a: one two"], "{back}");
        }
    }

    #[test]
    fn a_ring_of_three_and_two_folders_are_found() {
        let ring = [
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "use crate::c::C;"),
            ("c.rs", "use crate::a::A;"),
        ];
        assert_eq!(found(&ring), ["src: a b c"]);
        let folders = [
            ("a/mod.rs", ""),
            ("a/x.rs", "use crate::b::B;"),
            ("b/mod.rs", ""),
            ("b/y.rs", "use super::super::a::A;"),
        ];
        assert_eq!(found(&folders), ["src: a b"]);
    }

    #[test]
    fn a_folder_and_its_files_may_know_each_other_and_tests_may_know_all() {
        for files in [
            [
                ("a/mod.rs", "use one::One;\nuse self::one::Two;"),
                ("a/one.rs", "use super::A;"),
            ],
            [
                ("a.rs", "use crate::b::B;"),
                ("b.rs", "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}"),
            ],
            [
                ("a.rs", "use crate::b::B;\n// use crate::a::A"),
                ("b.rs", "//! [`crate::a`]\n"),
            ],
        ] {
            assert_eq!(found(&files), Vec::<String>::new(), "{files:?}");
        }
        let outside = [
            ("lib.rs", "#[cfg(test)]\nmod attacks;"),
            ("attacks.rs", "use super::a::A;"),
            ("a.rs", "use super::attacks::B;"),
        ];
        assert_eq!(found(&outside), Vec::<String>::new());
    }
}
