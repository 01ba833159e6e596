//! Manual pages: clap's own sections, and behind them the examples, the exit codes, the environment, the files and where else to read.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use clap::Command;
use clap_mangen::Man;

use super::Exit;
use super::help::After;

/// The name of the program, and of its main page.
const MAIN: &str = "revoked";

/// What the program reads in its environment.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("REVOKED_CONFIG", "The config file, where --config names none."),
    (
        "REVOKED_LOG",
        "What the daemon logs, as a filter of the crate tracing: debug, or revoked::worker=trace,info.",
    ),
    (
        "CREDENTIALS_DIRECTORY",
        "Where systemd has put the credentials that the config names with { credential = … }.",
    ),
    (
        "NO_COLOR",
        "No colours, whatever it is set to. Pipes and files never get any.",
    ),
    ("LC_ALL, LC_CTYPE, LANG", "A locale without UTF-8 gets plain ASCII."),
    (
        "TZ",
        "The zone of times that are shown to people, and of those that are typed; --utc overrides it.",
    ),
    ("COMPLETE", "Set by the completions of a shell, see revoked-completions(1)."),
];

/// The files.
const FILES: &[(&str, &str)] = &[
    (crate::config::DEFAULT_PATH, "The config. It holds no secret."),
    (
        "/var/lib/revoked/revoked.db",
        "The store; -wal and -shm beside it belong to it while it is open.",
    ),
    (
        "/var/lib/revoked/revoked.db.lock",
        "The lock of the daemon that runs, and the SHA-256 of the config that it was started with.",
    ),
    (
        "/var/lib/revoked/revoked.db.trail-key",
        "The key that signs the trail, where [trail] key names none.",
    ),
    ("/var/lib/revoked/revoked.db.vkey", "The keys that verify the trail."),
    (
        "/var/lib/revoked/revoked.db.checkpoints",
        "The trail's checkpoints, where [trail] anchor names no other place.",
    ),
    (
        "/var/lib/revoked/revoked.db.sealed-key",
        "The key of leaked credentials that wait for their end.",
    ),
    (
        "/usr/share/doc/revoked",
        "The documentation; operating.md and lifecycle.md first.",
    ),
];

/// Writes the main page.
///
/// # Errors
/// Where it cannot be written.
pub(super) fn main_page(command: Command, out: &mut dyn Write) -> std::io::Result<()> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let names: Vec<String> = pages_of(&command).into_iter().skip(1).map(|(name, _)| name).collect();
    let mut text = Vec::new();
    page(command, &names, &mut text)?;
    out.write_all(ascii(&String::from_utf8_lossy(&text)).as_bytes())
}

/// Writes one page for each command into a folder, and answers how many that were.
///
/// # Errors
/// Where one cannot be written.
pub(super) fn all_pages(command: Command, folder: &Path) -> anyhow::Result<usize> {
    std::fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let pages = pages_of(&command);
    let names: Vec<String> = pages.iter().map(|(name, _)| name.clone()).collect();
    for (name, command) in pages {
        let mut text = Vec::new();
        page(command, &related(&name, &names), &mut text).context("rendering a manual page")?;
        let text = ascii(&String::from_utf8_lossy(&text));
        let path = folder.join(format!("{name}.1"));
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(names.len())
}

/// Every command that has a page, by the page's name; the main one first.
fn pages_of(command: &Command) -> Vec<(String, Command)> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut pages = vec![(name.to_owned(), command.clone())];
    for below in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        pages.extend(pages_of(below));
    }
    pages
}

/// The pages to read beside the one of this name: the one above it, those beside it and those below it.
fn related(name: &str, all: &[String]) -> Vec<String> {
    let above = name.rsplit_once('-').map_or(MAIN, |(above, _)| above);
    let is_below = |other: &str, of: &str| {
        other
            .strip_prefix(of)
            .is_some_and(|rest| rest.starts_with('-') && !rest[1..].contains('-'))
    };
    let is_near = |other: &&String| {
        let other = other.as_str();
        other != name && (other == MAIN || other == above || is_below(other, name) || (above != MAIN && is_below(other, above)))
    };
    let near: Vec<String> = all.iter().filter(is_near).cloned().collect();
    if name == MAIN {
        all.iter().filter(|other| *other != MAIN).cloned().collect()
    } else {
        near
    }
}

fn page(command: Command, see_also: &[String], out: &mut dyn Write) -> std::io::Result<()> {
    let after = After::of(&command);
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let (has_arguments, has_commands) = (command.get_arguments().next().is_some(), command.has_subcommands());
    let man = Man::new(command)
        .source(format!("{MAIN} {}", env!("CARGO_PKG_VERSION")))
        .manual("The revoke daemon");
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    for note in &after.notes {
        writeln!(out, ".PP\n{}", escaped(note))?;
    }
    if has_arguments {
        man.render_options_section(out)?;
    }
    if has_commands {
        man.render_subcommands_section(out)?;
    }
    if !after.examples.is_empty() {
        writeln!(out, ".SH EXAMPLES")?;
        for (label, example) in &after.examples {
            if !label.is_empty() {
                writeln!(out, ".PP\n{}:", escaped(label))?;
            }
            writeln!(out, ".PP\n.nf\n.RS 4\n{}\n.RE\n.fi", escaped(example))?;
        }
    }
    writeln!(out, ".SH \"EXIT STATUS\"")?;
    if let Some(sentence) = &after.exit_codes {
        writeln!(out, "{}\n.PP\nAll codes: see {MAIN}(1).", escaped(sentence))?;
    } else {
        terms(out, exit_codes(&name).iter().map(|(code, meaning)| (code.as_str(), *meaning)))?;
    }
    writeln!(out, ".SH ENVIRONMENT")?;
    terms(out, ENVIRONMENT.iter().copied())?;
    writeln!(out, ".SH FILES")?;
    terms(out, FILES.iter().copied())?;
    writeln!(out, ".SH \"SEE ALSO\"")?;
    let pages: Vec<String> = see_also.iter().map(|page| format!("\\fB{}\\fR(1)", escaped(page))).collect();
    writeln!(out, "{}", pages.join(",\n"))
}

/// The exit codes of the command with this page: for the main one all of them, else those that any command has, and those that name it.
fn exit_codes(page: &str) -> Vec<(String, &'static str)> {
    let typed = page
        .strip_prefix(MAIN)
        .unwrap_or_default()
        .trim_start_matches('-')
        .replace('-', " ");
    let concerns = |meaning: &str| {
        let named: Vec<&str> = meaning.split('`').skip(1).step_by(2).collect();
        typed.is_empty() || named.is_empty() || named.iter().any(|name| name.split(" --").next() == Some(typed.as_str()))
    };
    let codes = Exit::TABLE
        .iter()
        .filter(|(exit, _, meaning)| *exit == Exit::Ok || concerns(meaning));
    codes.map(|(_, code, meaning)| (code.to_string(), *meaning)).collect()
}

fn terms<'t>(out: &mut dyn Write, terms: impl Iterator<Item = (&'t str, &'t str)>) -> std::io::Result<()> {
    for (term, meaning) in terms {
        writeln!(out, ".TP\n\\fB{}\\fR\n{}", escaped(term), escaped(&meaning.replace('`', "")))?;
    }
    Ok(())
}

/// A text as roff reads it: no line of it is a request, and no hyphen becomes a dash.
fn escaped(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) {
        format!("\\&{escaped}")
    } else {
        escaped
    }
}

/// The page in characters that every roff reads.
fn ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '…' => ascii.push_str("..."),
            c if c.is_ascii() => ascii.push(c),
            c => drop(write!(ascii, "\\[u{:04X}]", u32::from(c))),
        }
    }
    ascii
}
