//! The keys of an `exec` target, and what they must look like.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use serde::Deserialize;
use toml::Spanned;

use crate::bounded_program::{Program, trusted_path};
use crate::secret::SecretSource;
use crate::settings::{Complaints, ConfigError, Period, Settings};
use crate::targets::connection::CALL_TIME;

const TIMEOUT: Duration = Duration::from_secs(30);
const OUTPUT: usize = 1 << 20;

/// Names that are ours, or that change which code is run.
const RESERVED: [&str; 4] = ["PATH", "LC_ALL", "IFS", "ENV"];

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// The program and its arguments. It is not run by a shell.
    command: Spanned<Vec<String>>,
    /// Where it is run.
    folder: Option<Spanned<PathBuf>>,
    /// Variables of its environment, each from a file or a credential.
    #[serde(default)]
    environment: BTreeMap<Spanned<String>, Spanned<SecretSource>>,
    /// How long one question may take.
    timeout: Option<Spanned<Period>>,
    /// How many bytes it may write for one.
    output: Option<Spanned<usize>>,
}

/// Reads a table, or says everything that is wrong with it.
pub(super) fn read(settings: &Settings<'_>) -> Result<Program, Vec<ConfigError>> {
    let keys: Keys = settings.read()?;
    let mut complaints = Complaints::default();
    let path = complaints.take(&keys.command, |command| trusted_path(command));
    let mut environment = Vec::new();
    for (name, source) in &keys.environment {
        complaints.take(name, |name| variable(name));
        if let Some(value) = complaints.take(source, |source| source.read().map_err(anyhow::Error::new)) {
            environment.push((name.get_ref().clone(), value));
        }
    }
    let mut folder = PathBuf::from("/");
    if let Some(key) = keys.folder {
        if !key.get_ref().is_absolute() || !key.get_ref().is_dir() {
            let why = format!("{} is no folder; write the whole path of one", key.get_ref().display());
            complaints.at(&key, why);
        }
        folder = key.into_inner();
    }
    let time = complaints.time(keys.timeout.as_ref(), TIMEOUT, &CALL_TIME);
    let output = keys.output.as_ref().map_or(OUTPUT, |key| *key.get_ref());
    if let Some(key) = keys.output.filter(|_| !(1 << 10..=1 << 26).contains(&output)) {
        complaints.at(&key, "an answer may have from 1024 to 67108864 bytes");
    }
    let (Some(path), true) = (path, complaints.is_empty()) else {
        return Err(complaints.0);
    };
    Ok(Program {
        path,
        args: keys.command.get_ref()[1..].iter().map(Into::into).collect(),
        environment,
        folder,
        time,
        output,
    })
}

fn variable(name: &str) -> anyhow::Result<()> {
    let sound = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    ensure!(
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(sound),
        "{name:?} is no name of a variable: capital letters, digits and _"
    );
    ensure!(
        !RESERVED.contains(&name) && !name.starts_with("LD_"),
        "the variable {name} is not yours to set here"
    );
    Ok(())
}
