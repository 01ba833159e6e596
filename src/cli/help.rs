//! The texts that stand behind the help of a command, taken apart: its examples, its exit codes, and what else there is to say. Help and manual
//! pages are both made of them.

use clap::Command;

/// What stands behind the help of one command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct After {
    /// Command lines, each with what stands before it where that is no mere `Example`.
    pub(super) examples: Vec<(String, String)>,
    /// The sentence about exit codes.
    pub(super) exit_codes: Option<String>,
    /// Paragraphs.
    pub(super) notes: Vec<String>,
}

impl After {
    /// Reads the text behind the help of `command`.
    pub(super) fn of(command: &Command) -> Self {
        let text = command.get_after_long_help().or(command.get_after_help());
        text.map_or_else(Self::default, |text| Self::read(&text.to_string()))
    }

    fn read(text: &str) -> Self {
        let mut after = Self::default();
        let mut paragraph = String::new();
        // An example that goes on on the next line is one.
        for line in text.replace(" \\\n      ", " ").lines() {
            if let Some(example) = line.strip_prefix("  ").filter(|_| paragraph.is_empty()) {
                after.examples.push((String::new(), example.trim().to_owned()));
            } else if let Some((label, example)) = line
                .split_once(':')
                .filter(|(label, rest)| is_label(label) && is_command(rest.trim_start()))
            {
                let label = if label == "Example" { "" } else { label };
                after.examples.push((label.to_owned(), example.trim().to_owned()));
            } else if line.trim() == "Examples:" {
            } else if line.trim().is_empty() {
                after.end(&mut paragraph);
            } else {
                if !paragraph.is_empty() {
                    paragraph.push(' ');
                }
                paragraph.push_str(line.trim());
            }
        }
        after.end(&mut paragraph);
        after
    }

    fn end(&mut self, paragraph: &mut String) {
        let paragraph = std::mem::take(paragraph);
        if paragraph.starts_with("Exit") || paragraph.starts_with("Exits ") {
            self.exit_codes = Some(paragraph);
        } else if !paragraph.is_empty() {
            self.notes.push(paragraph);
        }
    }

    /// The text behind the help again: one line a paragraph, so that it is broken where the screen ends and nowhere else.
    fn written(&self) -> String {
        let mut parts = Vec::new();
        match self.examples.as_slice() {
            [] => {}
            several if several.len() > 1 && several.iter().all(|(label, _)| label.is_empty()) => {
                let lines: Vec<String> = several
                    .iter()
                    .map(|(_, example)| continued(&format!("  {example}")))
                    .collect();
                parts.push(format!("Examples:\n{}", lines.join("\n")));
            }
            several => {
                let label = |label: &str| {
                    if label.is_empty() {
                        "Example".to_owned()
                    } else {
                        label.to_owned()
                    }
                };
                let lines: Vec<String> = several
                    .iter()
                    .map(|(word, example)| continued(&format!("{}: {example}", label(word))))
                    .collect();
                parts.push(lines.join("\n"));
            }
        }
        parts.extend(self.notes.iter().cloned());
        parts.extend(self.exit_codes.clone());
        parts.join("\n\n")
    }
}

/// How far the further lines of an example stand in.
const INDENT: usize = 6;

/// How wide an example may be: it is broken by hand, so that it can be pasted from any screen that is wide enough for it.
const WIDEST: usize = 78;

/// An example as a shell takes it over several lines. What explains it stands behind it on the last.
fn continued(example: &str) -> String {
    let (command, why) = match example.split_once("  # ") {
        Some((command, why)) => (command.trim_end(), Some(why)),
        None => (example, None),
    };
    let mut lines = vec![String::new()];
    for part in parts(command) {
        let indent = if lines.len() > 1 { INDENT } else { 0 };
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        if line > 0 && indent + line + part.trim_end().chars().count() > WIDEST - 2 {
            lines.push(part);
        } else if let Some(line) = lines.last_mut() {
            line.push_str(&part);
        }
    }
    let whole = lines
        .iter()
        .map(|line| line.trim_end())
        .collect::<Vec<_>>()
        .join(" \\\n      ");
    match why {
        Some(why) => format!("{whole}  # {why}"),
        None => whole,
    }
}

/// What of a command stays on one line: a word, a text in quotes, an option with its value.
fn parts(command: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for word in command.split_inclusive(' ') {
        let stays = parts.last().is_some_and(|last| {
            let is_quoted = last.matches('"').count() % 2 == 1;
            let awaits = last.starts_with("--") && last.matches(' ').count() == 1 && !word.starts_with(['-', '|', '<', '>']);
            is_quoted || awaits || last.trim().is_empty()
        });
        match parts.last_mut().filter(|_| stays) {
            Some(last) => last.push_str(word),
            None => parts.push(word.to_owned()),
        }
    }
    parts
}

/// Whether what stands before a command is a word for it, and no sentence that ends in one.
fn is_label(text: &str) -> bool {
    text.split(' ').count() <= 2
}

fn is_command(text: &str) -> bool {
    text.starts_with("revoked ") || text.starts_with("sudo ")
}

/// The command with every text behind a help in that form.
pub(super) fn reflowed(command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let command = names
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, reflowed));
    let after = After::of(&command);
    if after == After::default() {
        command
    } else {
        command.after_help(after.written())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn a_text_behind_a_help_is_taken_apart_and_put_together_again() {
        let text = "Examples:\n  revoked a --b  # why\n  revoked c\n\nA sentence that\ngoes on.\n\nExit codes: 0 well; 1 not.";
        let after = After::read(text);
        let bare = |text: &str| (String::new(), text.to_owned());
        assert_eq!(after.examples, [bare("revoked a --b  # why"), bare("revoked c")]);
        assert_eq!(after.notes, ["A sentence that goes on."]);
        assert_eq!(after.exit_codes.as_deref(), Some("Exit codes: 0 well; 1 not."));
        assert_eq!(After::read(&after.written()), after);
    }

    #[test]
    fn an_example_beside_a_sentence_that_ends_in_a_command_keeps_its_word() {
        let after = After::read("Example: revoked case cancel 17\n\nTo give the account back: revoked release 17");
        assert_eq!(
            after.written(),
            "Example: revoked case cancel 17\n\nTo give the account back: revoked release 17"
        );
    }

    #[test]
    fn every_example_fits_a_small_screen_and_can_be_pasted_from_it() {
        let mut commands = vec![reflowed(crate::cli::Cli::command())];
        while let Some(command) = commands.pop() {
            commands.extend(command.get_subcommands().cloned());
            let after = After::of(&command);
            let shown = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for (_, example) in &after.examples {
                let first = example.split(' ').take(3).collect::<Vec<_>>().join(" ");
                let line = shown.lines().find(|line| line.contains(&first));
                assert!(line.is_some(), "{first} is not in {shown}");
            }
            let examples = shown
                .lines()
                .filter(|line| line.contains("revoked ") && !line.contains("  # "));
            for line in examples.filter(|line| line.starts_with("  ") || line.starts_with("Example")) {
                assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
            }
            assert!(!shown.starts_with(':'), "{shown}");
        }
    }

    #[test]
    fn one_example_stands_on_its_line_and_a_label_stays() {
        assert_eq!(After::read("Example: revoked status").written(), "Example: revoked status");
        let after = After::read("Try it: revoked demo\nThen:   revoked check");
        assert_eq!(after.written(), "Try it: revoked demo\nThen: revoked check");
        let after = After::read("Example: revoked case cancel 17\nTo give it back: revoked release 17");
        assert_eq!(
            after.written(),
            "Example: revoked case cancel 17\n\nTo give it back: revoked release 17"
        );
    }

    /// What only changes something, prints a format of its own, or runs: what came of it is the exit code.
    const WITHOUT_JSON: &[&str] = &[
        "alert ack",
        "alert clear",
        "alert test",
        "completions",
        "departures cancel",
        "erase",
        "man",
        "notify test",
        "run",
        "source ssf add-subject",
        "source ssf disconnect",
        "source ssf remove-subject",
        "source ssf verify",
        "subject dismiss",
        "subject import",
        "subject unlink",
        "target lint",
        "target pause",
        "target resume",
        "token end",
        "trail export",
        "trail rotate-key",
        "transmitter keys",
        "transmitter retry",
        "transmitter verify",
    ];

    #[test]
    fn whatever_shows_or_reports_something_prints_json() {
        let mut without = Vec::new();
        let mut below = vec![(String::new(), crate::cli::Cli::command())];
        while let Some((name, command)) = below.pop() {
            let subcommands: Vec<_> = command.get_subcommands().cloned().collect();
            if subcommands.is_empty() && !command.get_arguments().any(|argument| argument.get_long() == Some("json")) {
                without.push(name.trim().to_owned());
            }
            below.extend(
                subcommands
                    .into_iter()
                    .map(|under| (format!("{name} {}", under.get_name()), under)),
            );
        }
        without.sort();
        assert_eq!(without, WITHOUT_JSON);
    }
}
