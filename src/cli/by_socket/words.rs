//! What a command line means: which command, with which role, and which of its words name a file.

use std::any::TypeId;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::table::{By, Row, row};
use crate::cli::shell::command;
use crate::console::commands::{Meant, NotMeant};
use crate::model::Role;

/// The options that say whose config and whose store: the daemon's, for whoever comes to it.
const OURS: [&str; 2] = ["config", "store"];
/// What stands for standard input.
const INPUT: &str = "-";

/// A command line that was read.
pub(super) struct Read {
    /// The row of its command.
    pub(super) row: &'static Row,
    matches: ArgMatches,
    leaf: Command,
}

impl Read {
    /// Reads the words behind the program's name.
    ///
    /// # Errors
    /// As the command line itself complains, without colours; nothing where the command has no row.
    pub(super) fn of(words: &[String]) -> Result<Option<Self>, String> {
        let mut leaf = command();
        let program = std::iter::once("revoked".to_owned());
        let matches = leaf.try_get_matches_from_mut(program.chain(words.iter().cloned()));
        let mut matches = matches.map_err(|error| error.to_string())?;
        let mut path = Vec::new();
        while let Some((name, below)) = matches.subcommand() {
            let under = leaf.find_subcommand(name).cloned();
            leaf = under.ok_or_else(|| format!("there is no command {name}"))?;
            path.push(name.to_owned());
            matches = below.clone();
        }
        Ok(row(&path.join(" ")).map(|row| Self { row, matches, leaf }))
    }

    /// The role that it needs as it stands, or why it is for the host alone.
    pub(super) fn least(&self) -> Result<Role, &'static str> {
        match self.row.by {
            By::Host(why) => Err(why),
            By::Role(role) => {
                let more = self.row.more.iter().filter(|(option, _)| self.is_typed(option));
                Ok(more.map(|(_, role)| *role).fold(role, Role::max))
            }
        }
    }

    fn is_typed(&self, argument: &str) -> bool {
        matches!(self.matches.try_contains_id(argument), Ok(true))
            && self.matches.value_source(argument) == Some(ValueSource::CommandLine)
    }

    /// What was typed for an argument.
    fn typed(&self, argument: &str) -> Vec<String> {
        let values = self.matches.try_get_raw(argument).ok().flatten();
        values
            .filter(|_| self.is_typed(argument))
            .map(|values| values.map(|value| value.to_string_lossy().into_owned()).collect())
            .unwrap_or_default()
    }

    /// Every argument that names a file, with what was typed for it, but for the one that the caller sends and those that say whose config it is.
    pub(super) fn paths(&self) -> Vec<(String, String)> {
        let others = self.leaf.get_arguments().filter(|argument| {
            let id = argument.get_id().as_str();
            self.row.never.contains(&id) || names_a_file(argument) && self.row.reads != Some(id) && !OURS.contains(&id)
        });
        let typed = others.filter_map(|argument| {
            let value = self.typed(argument.get_id().as_str()).into_iter().next()?;
            Some((called(argument), value))
        });
        typed.collect()
    }

    /// The file that the caller sends, as it was typed.
    pub(super) fn file(&self) -> Option<String> {
        self.typed(self.row.reads?).into_iter().next()
    }

    /// Whether it says whose config or store it is about.
    fn names_ours(&self) -> Option<&'static str> {
        OURS.into_iter().find(|option| self.is_typed(option))
    }

    /// Everything that was typed beside the file.
    fn beside_the_file(&self) -> Vec<(String, Vec<String>)> {
        let arguments = self.leaf.get_arguments().map(|argument| argument.get_id().to_string());
        arguments
            .filter(|id| self.row.reads != Some(id.as_str()) && !OURS.contains(&id.as_str()))
            .map(|id| {
                let typed = self.typed(&id);
                (id, typed)
            })
            .collect()
    }
}

/// Whether an argument's value is a path.
pub(super) fn names_a_file(argument: &Arg) -> bool {
    argument.get_value_parser().type_id() == TypeId::of::<PathBuf>()
}

/// An argument as people know it.
fn called(argument: &Arg) -> String {
    argument
        .get_long()
        .map_or_else(|| argument.get_id().to_string(), |long| format!("--{long}"))
}

/// What the words of a caller mean, and which role they need.
///
/// # Errors
/// Where they cannot be read, name a file, or are of a command that is not run for callers.
pub(in crate::cli) fn meant(words: &[String]) -> Result<Meant, NotMeant> {
    let nobody = || NotMeant::NotHere("this command is run for nobody by a socket".to_owned());
    let read = Read::of(words).map_err(NotMeant::Wrong)?.ok_or_else(nobody)?;
    let command = read.row.command;
    let least = read
        .least()
        .map_err(|why| NotMeant::NotHere(format!("revoked {command} is for the host alone: {why}")))?;
    if let Some(ours) = read.names_ours() {
        return Err(NotMeant::Wrong(format!("--{ours}: it is the daemon's own, and no caller's")));
    }
    let sent = read.file().filter(|file| file != INPUT);
    if let Some((argument, _)) = read.paths().into_iter().next() {
        return Err(NotMeant::Wrong(format!("{argument}: {NO_FILE}")));
    }
    if sent.is_some() {
        return Err(NotMeant::Wrong(format!(
            "a file that {command} reads is sent with it, and - stands for it"
        )));
    }
    Ok(Meant { command, least })
}

/// What is said of an argument that names a file.
pub(super) const NO_FILE: &str =
    "the daemon opens no file that a caller names; leave it out, and write what is printed to a file of yours with > FILE";

/// The words without those that say whose config it is.
pub(super) fn without_ours(words: &[String]) -> Vec<String> {
    let (mut kept, mut rest) = (Vec::with_capacity(words.len()), words.iter());
    while let Some(word) = rest.next() {
        if word == "--" {
            kept.push(word.clone());
            kept.extend(rest.cloned());
            break;
        }
        if word == "-c" || word == "--config" || word == "--store" {
            rest.next();
        } else if !(word.starts_with("--config=")
            || word.starts_with("--store=")
            || word.starts_with("-c") && !word.starts_with("--"))
        {
            kept.push(word.clone());
        }
    }
    kept
}

/// The words with `-` in the place of the file that is sent: of all places where it may stand, the one that changes nothing else.
pub(super) fn with_input(words: &[String], file: &str) -> Option<Vec<String>> {
    let wanted = Read::of(words).ok()??.beside_the_file();
    (0..words.len()).rev().find_map(|place| {
        let before = words[place].strip_suffix(file)?;
        let mut tried = words.to_vec();
        tried[place] = format!("{before}{INPUT}");
        let read = Read::of(&tried).ok()??;
        (read.file().as_deref() == Some(INPUT) && read.beside_the_file() == wanted).then_some(tried)
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::COMMANDS;
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    /// Every leaf of the command line, with its words.
    fn leaves() -> Vec<(String, Command)> {
        let mut root = command();
        root.build();
        let (mut below, mut leaves) = (vec![(String::new(), root)], Vec::new());
        while let Some((name, at)) = below.pop() {
            let under: Vec<Command> = at
                .get_subcommands()
                .filter(|under| under.get_name() != "help")
                .cloned()
                .collect();
            if under.is_empty() || name.is_empty() {
                leaves.push((name.clone(), at));
            }
            below.extend(
                under
                    .into_iter()
                    .map(|under| (format!("{name} {}", under.get_name()).trim().to_owned(), under)),
            );
        }
        leaves
    }

    #[test]
    fn every_command_has_a_row_and_every_row_is_a_commands() {
        let mut commands: Vec<String> = leaves().into_iter().map(|(name, _)| name).collect();
        let optional = |row: &&Row| cfg!(feature = "demo") || !["demo", "sandbox"].contains(&row.command);
        let mut rows: Vec<&str> = COMMANDS.iter().filter(optional).map(|row| row.command).collect();
        commands.sort();
        rows.sort_unstable();
        assert_eq!(commands, rows);
    }

    #[test]
    fn what_a_row_names_is_an_argument_of_its_command() {
        for (name, leaf) in leaves() {
            let row = row(&name).unwrap();
            let named = row.more.iter().map(|(option, _)| *option);
            for argument in named.chain(row.reads).chain(row.never.iter().copied()) {
                let found = leaf.get_arguments().any(|one| one.get_id() == argument);
                assert!(found, "{name} has no {argument}");
            }
            if let Some(reads) = row.reads {
                let file = leaf.get_arguments().find(|one| one.get_id() == reads).unwrap();
                assert!(names_a_file(file), "{name} {reads}");
            }
        }
    }

    /// Over all commands and all their arguments: what is a path, or could be read as one, is no caller's to name.
    #[test]
    fn no_command_that_runs_for_a_caller_takes_a_path() {
        let mut seen = 0;
        for (name, leaf) in leaves() {
            let row = row(&name).unwrap();
            let By::Role(_) = row.by else { continue };
            // What must be typed besides: any word that such an argument takes.
            for argument in leaf.get_arguments().filter(|argument| names_a_file(argument)) {
                let id = argument.get_id().as_str();
                let mut typed = words(&name);
                let others = leaf
                    .get_arguments()
                    .filter(|other| other.is_required_set() && other.get_id() != id);
                for other in others {
                    typed.extend(other.get_long().map(|long| format!("--{long}")));
                    typed.push("1".to_owned());
                }
                let path = "/etc/shadow".to_owned();
                match argument.get_long() {
                    Some(long) => typed.push(format!("--{long}={path}")),
                    None => typed.push(path),
                }
                let refused = meant(&typed);
                assert!(matches!(refused, Err(NotMeant::Wrong(_))), "{typed:?}: {refused:?}");
                seen += 1;
            }
        }
        assert!(seen > 80, "only {seen} paths were tried");
        // Those that take any word, and read a file where one is called so.
        let refused = meant(&words("trail verify --key /etc/shadow"));
        assert!(matches!(refused, Err(NotMeant::Wrong(_))), "{refused:?}");
    }

    #[test]
    fn an_option_that_makes_more_of_a_command_needs_more_of_a_role() {
        let least = |line: &str| meant(&words(line)).map(|meant| meant.least);
        assert_eq!(least("release 17"), Ok(Role::Requester));
        assert_eq!(least("release 17 --set 5f0c1e9a77d2b340 --note x"), Ok(Role::Approver));
        assert_eq!(least("subject show ann"), Ok(Role::Viewer));
        assert_eq!(least("subject show ann --ask"), Ok(Role::Requester));
        assert_eq!(least(""), Ok(Role::Viewer));
    }

    #[test]
    fn what_is_for_the_host_alone_or_cannot_be_read_is_run_for_nobody() {
        for line in [
            "run",
            "backup x.db",
            "trail rotate-key",
            "man",
            "login",
            "target explain synapse",
        ] {
            let refused = meant(&words(line));
            assert!(matches!(refused, Err(NotMeant::NotHere(_))), "{line}: {refused:?}");
        }
        for line in [
            "status --config /tmp/x",
            "status -c/tmp/x",
            "--store x status",
            "nonsense",
            "status --nonsense",
            "hold --help",
            "--version",
        ] {
            let refused = meant(&words(line));
            assert!(matches!(refused, Err(NotMeant::Wrong(_))), "{line}: {refused:?}");
        }
    }

    #[test]
    fn the_file_is_taken_from_its_own_place_and_from_no_other() {
        let sent = |line: &str, file: &str| with_input(&words(line), file).map(|words| words.join(" "));
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(
            sent("revoke --from people --note people --reason departed", "people"),
            said("revoke --from - --note people --reason departed")
        );
        assert_eq!(
            sent("revoke --note people --from=people --reason departed", "people"),
            said("revoke --note people --from=- --reason departed")
        );
        assert_eq!(sent("subject import subject", "subject"), said("subject import -"));
        assert_eq!(
            sent("revoke --from - --reason departed", "-"),
            said("revoke --from - --reason departed")
        );
    }

    #[test]
    fn whose_config_it_is_is_not_sent() {
        let kept = |line: &str| without_ours(&words(line)).join(" ");
        assert_eq!(kept("-c x status --utc --store=y"), "status --utc");
        assert_eq!(kept("case note 7 --config x -- --config"), "case note 7 -- --config");
        assert_eq!(kept("--config=x find -cx ann"), "find ann");
    }
}
