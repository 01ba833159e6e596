//! The list of the tests that run at awkward moments: `tests/moments` says how, `tests/moments.txt` which.

use std::process::Command;

use crate::tree::{File, repository};

/// How a test asks for the time of day.
const ASKS: &[&str] = &["Clock::system().now()", "SystemTime::now()", "day(-"];

fn listed() -> Vec<String> {
    let list = include_str!("../moments.txt").lines();
    list.filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn each_line_begins_the_name_of_some_test_and_they_are_in_order() {
    let list = Command::new(std::env::current_exe().unwrap()).arg("--list").output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let names: Vec<&str> = list.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let none: Vec<String> = listed()
        .into_iter()
        .filter(|beginning| !names.iter().any(|name| name.starts_with(beginning.as_str())))
        .collect();
    assert!(names.len() > 500 && none.is_empty(), "no test begins with {none:?}");
    assert!(listed().is_sorted());
}

#[test]
fn whoever_asks_for_the_time_of_day_is_among_them() {
    let listed = listed();
    let missing: Vec<String> = repository()
        .iter()
        .filter(|file| asks(file))
        .map(name)
        .filter(|name| {
            let covers = |line: &String| name.starts_with(line.as_str()) || line.starts_with(name.as_str());
            !listed.iter().any(covers)
        })
        .collect();
    assert!(missing.is_empty(), "not in tests/moments.txt: {missing:?}");
}

/// Whether a file has tests that ask for the time of day.
fn asks(file: &File) -> bool {
    let is_test = file.path.starts_with("tests/it/") && file.path != "tests/it/moments.rs" && file.is_rust();
    let tests = file.text.contains("#[test]") || file.text.contains("#[tokio::test]");
    is_test && tests && ASKS.iter().any(|ask| file.text.contains(ask))
}

/// The module that a file is, as the names of its tests begin.
fn name(file: &File) -> String {
    let mut parts = file.parts().split_off(2);
    parts.retain(|part| *part != "mod");
    parts.join("::") + "::"
}
