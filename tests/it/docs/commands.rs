//! Every command that the docs name exists, with the flags that they give it, and every command's help shows an example.

use clap::{Command, CommandFactory as _};

use super::{blocks, page, pages, prose, quoted, rows_under};
use revoked::cli::Cli;

#[test]
fn the_readme_has_the_two_commands() {
    let readme = page("README.md");
    for command in ["cargo run --release -- demo", "./tests/run"] {
        assert!(readme.contains(&format!("\n{command}")), "the README lacks {command}");
    }
}

#[test]
fn the_readme_names_every_package_that_the_second_command_installs() {
    let readme = page("README.md");
    let mut packages = Vec::new();
    for line in include_str!("../../run").lines() {
        let list = line.split_once("missing+=(").and_then(|(_, rest)| rest.split_once(')'));
        let tools = line.strip_prefix("for tool in ").and_then(|rest| rest.split_once(';'));
        packages.extend([list, tools].into_iter().flatten().flat_map(|(names, _)| names.split(' ')));
    }
    packages.retain(|package| !package.contains('$'));
    let lacking: Vec<&&str> = packages
        .iter()
        .filter(|package| !readme.contains(&format!("`{package}`")))
        .collect();
    assert!(packages.len() >= 9 && lacking.is_empty(), "{lacking:?} of {packages:?}");
}

#[test]
fn every_command_in_the_docs_exists_with_its_flags() {
    let mut tree = Cli::command();
    tree.build();
    let mut wrong = Vec::new();
    for (place, line) in lines() {
        // Options of the program itself, such as `revoked --version`, stand before any command.
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        if let Err(why) = check(&tree, &words) {
            wrong.push(format!("{place}: {line}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_table_of_commands_is_whole() {
    let table = rows_under(&page("docs/operating.md"), "Commands");
    let listed: Vec<&str> = table.iter().flat_map(|row| quoted(&row[0])).collect();
    for name in leaves(&Cli::command(), "revoked") {
        assert!(listed.contains(&name.as_str()), "docs/operating.md does not list {name}");
    }
}

#[test]
fn the_help_of_each_command_shows_an_example() {
    fn walk(command: &Command, name: &str, missing: &mut Vec<String>) {
        let mut children = command
            .get_subcommands()
            .filter(|child| child.get_name() != "help")
            .peekable();
        if children.peek().is_none() {
            let help = command.clone().render_long_help().to_string();
            let example = help.contains("Example: revoked") || help.contains("Examples:\n  revoked");
            if !example {
                missing.push(name.to_owned());
            }
        }
        for child in children {
            walk(child, &format!("{name} {}", child.get_name()), missing);
        }
    }
    let mut missing = Vec::new();
    walk(&Cli::command(), "revoked", &mut missing);
    assert!(missing.is_empty(), "no example in the help of {missing:?}");
}

/// The names of all commands that have no commands of their own.
fn leaves(command: &Command, name: &str) -> Vec<String> {
    let children: Vec<&Command> = command.get_subcommands().filter(|child| child.get_name() != "help").collect();
    if children.is_empty() {
        return vec![name.to_owned()];
    }
    children
        .iter()
        .flat_map(|child| leaves(child, &format!("{name} {}", child.get_name())))
        .collect()
}

/// Every line of a shell block, and every quoted text, that begins with our program.
fn lines() -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for block in blocks().iter().filter(|block| block.language == "sh") {
        for line in block.text.lines() {
            let line = line.split(" #").next().unwrap_or_default().trim();
            let line = line.strip_prefix("sudo -u revoked ").unwrap_or(line);
            if line.starts_with("revoked ") {
                lines.push((block.page.clone(), line.to_owned()));
            }
        }
    }
    for page in pages() {
        let text = prose(&page.text).replace('\n', " ");
        let named = quoted(&text).into_iter().filter(|text| text.starts_with("revoked "));
        lines.extend(named.map(|text| (page.path.clone(), text.to_owned())));
    }
    assert!(lines.len() > 30, "only {} commands were found", lines.len());
    lines
}

/// Walks down the tree as far as words name commands, then looks for every flag.
fn check(tree: &Command, words: &[&str]) -> Result<(), String> {
    let mut command = tree;
    let mut words = words.iter().peekable();
    while command.has_subcommands() {
        match words.peek() {
            Some(word) if !word.starts_with('-') => {
                command = command
                    .find_subcommand(word)
                    .ok_or_else(|| format!("there is no command {word}"))?;
                words.next();
            }
            _ => break,
        }
    }
    for word in words.take_while(|word| !matches!(**word, "|" | ">" | "&")) {
        let Some(flag) = word.strip_prefix("--") else { continue };
        let flag = flag.split('=').next().unwrap_or_default().trim_end_matches([';', ',']);
        let known = command.get_arguments().any(|arg| arg.get_long() == Some(flag));
        if !known && !["help", "version"].contains(&flag) {
            return Err(format!("{} has no --{flag}", command.get_name()));
        }
    }
    Ok(())
}
