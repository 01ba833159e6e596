//! The example config: what it shows is what holds.

use super::*;

#[test]
fn the_example_as_it_stands_means_the_defaults() {
    let (empty, example) = (parse("").unwrap(), parse(EXAMPLE).unwrap());
    assert_eq!(plain(&empty), plain(&example));
    assert_eq!(example.sources.len(), 1);
    assert!(example.targets.is_empty());
}

/// A line `#key = value` of the example, without its `#`.
pub(super) fn shown(line: &str) -> Option<&str> {
    line.strip_prefix('#')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// A key without a default, and what it may be.
fn as_in(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("# As in: ")?.split_once(" = ")
}

#[test]
fn the_defaults_that_the_example_shows_are_those_that_hold() {
    let text: Vec<&str> = EXAMPLE.lines().map(|line| shown(line).unwrap_or(line)).collect();
    let example = parse(&text.join("\n")).unwrap();
    assert_eq!(plain(&parse("").unwrap()), plain(&example));
}

#[test]
fn the_example_shows_every_key() {
    let mut table = "";
    let mut tables = Vec::new();
    for line in EXAMPLE.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']');
            tables.push((table, Vec::new()));
        } else if let Some(line) = shown(line) {
            tables.last_mut().unwrap().1.push(line.split_once(" = ").unwrap().0);
        } else if let Some(("key", _)) = as_in(line).filter(|_| table == "trail") {
            tables.last_mut().unwrap().1.push("key");
        } else if let Some(("exec", _)) = as_in(line).filter(|_| table == "alerts") {
            tables.last_mut().unwrap().1.push("exec");
        } else if let Some((key, _)) = as_in(line).filter(|_| matches!(table, "console" | "goals" | "telemetry")) {
            tables.last_mut().unwrap().1.push(key);
        }
    }
    let known = |text: &str| -> Vec<String> {
        let said = complaints(text);
        let mut words: Vec<_> = said.split('`').skip(3).step_by(2).map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    for (table, keys) in &mut tables {
        keys.sort_unstable();
        assert_eq!(known(&format!("[{table}]\nzzzzzzzzzzzz = 1")), *keys, "in [{table}]");
    }
    let mut names: Vec<_> = tables.iter().map(|(table, _)| *table).chain(["group", "playbook"]).collect();
    names.sort_unstable();
    assert_eq!(known("zzzzzzzzzzzz = 1"), names);
}
