//! The keys of a described target, and what they must look like: those that every description has, and those that this one asks for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Url;
use serde::Deserialize as _;
use toml::Spanned;
use toml::de::DeTable;

use super::description::Description;
use super::description::document::{FILE_KEY, OWN_KEYS};
use super::description::table::{Mistakes, Table};
use crate::secret::SecretSource;
use crate::settings::{ConfigError, Period, Settings};
use crate::targets::connection::{authorities, base_url, call_time, client};

/// What a config says about a described target.
pub(super) struct Connection {
    pub(super) url: Url,
    pub(super) origins: BTreeMap<String, Url>,
    pub(super) sources: Vec<(String, SecretSource)>,
    pub(super) secrets: BTreeMap<String, secrecy::SecretString>,
    pub(super) keys: BTreeMap<String, String>,
    /// How long residuals live, by their setting.
    pub(super) lengths: BTreeMap<String, Duration>,
    pub(super) ourselves: Option<String>,
    pub(super) sender: reqwest::Client,
}

/// The description that the key `description` names.
///
/// # Errors
/// Every mistake in the table, or in the file.
pub(super) fn description(settings: &Settings<'_>) -> Result<Description, Vec<ConfigError>> {
    let mistakes = Mistakes::default();
    let table = table(&settings.table, &mistakes);
    let written = table.must_text(FILE_KEY).map(|(text, at)| (PathBuf::from(text), at));
    let Some((path, at)) = written else {
        return Err(mistakes.into_vec());
    };
    Description::read_file(&path).map_err(|error| {
        // One complaint a line; each has its place in the other file.
        let error = format!("{error:#}");
        let lines = error
            .lines()
            .map(|line| ConfigError::at(at.clone(), format!("description: {line}")));
        lines.collect()
    })
}

fn table<'t>(written: &'t Spanned<DeTable<'t>>, mistakes: &'t Mistakes) -> Table<'t> {
    Table::new(written.span(), written.get_ref(), mistakes)
}

/// Reads the table of a target of this description.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read(settings: &Settings<'_>, description: &Description, is_file: bool) -> Result<Connection, Vec<ConfigError>> {
    let mistakes = Mistakes::default();
    let written = table(&settings.table, &mistakes);
    if is_file {
        written.value(FILE_KEY);
    }
    let checked = connection(&written, settings, description);
    unknown(settings, description, is_file, &mistakes);
    match (checked, mistakes.into_vec()) {
        (Some(connection), found) if found.is_empty() => connection.map_err(|error| vec![ConfigError::new(format!("{error:#}"))]),
        (_, found) => Err(found),
    }
}

fn connection(table: &Table<'_>, settings: &Settings<'_>, description: &Description) -> Option<anyhow::Result<Connection>> {
    let mistakes = table.mistakes();
    let url = table
        .must_text("url")
        .and_then(|(text, at)| note(mistakes, &at, "url", base_url(text)));
    let (sources, secrets) = credentials(settings, description, mistakes);
    let mut keys = BTreeMap::new();
    for key in &description.keys {
        match text_of(settings, key, mistakes) {
            Some(text) => {
                keys.insert(key.clone(), text);
            }
            None if !settings.table.get_ref().contains_key(key.as_str()) => {
                mistakes.add(settings.table.span(), format!("the key `{key}` is missing"));
            }
            None => {}
        }
    }
    let mut lengths = BTreeMap::new();
    for (key, _) in description.lengths() {
        let Some(text) = text_of(settings, key, mistakes) else {
            continue;
        };
        match text.parse::<Period>() {
            Ok(period) => {
                lengths.insert(key.to_owned(), period.0);
            }
            Err(error) => mistakes.add(span_of(settings, key), format!("{key}: {error}")),
        }
    }
    let ourselves = table.text("ourselves").map(|(text, _)| text.to_owned());
    if description.ourselves.is_none() && !description.acts_as_application && !table.has("ourselves") {
        mistakes.add(
            table.span(),
            "the key `ourselves` is missing: the target does not say whose credential we use, so say by the account's id; it is never acted on",
        );
    }
    let origins = origins(table, description);
    let roots = table
        .text("ca_file")
        .and_then(|(text, at)| note(mistakes, &at, "ca_file", authorities(Path::new(text))));
    let time = |key| {
        table
            .text(key)
            .and_then(|(text, at)| note(mistakes, &at, key, call_time(text)))
    };
    let (connect, total) = (time("connect_timeout"), time("timeout"));
    let url = url?;
    let sender = client(connect, total, roots);
    Some(sender.map(|sender| Connection {
        url,
        origins,
        sources,
        secrets,
        keys,
        lengths,
        ourselves,
        sender,
    }))
}

fn note<T>(mistakes: &Mistakes, at: &std::ops::Range<usize>, key: &str, read: anyhow::Result<T>) -> Option<T> {
    read.map_err(|error| mistakes.add(at.clone(), format!("{key}: {error:#}")))
        .ok()
}

fn span_of(settings: &Settings<'_>, key: &str) -> std::ops::Range<usize> {
    let value = settings.table.get_ref().get(key);
    value.map_or_else(|| settings.table.span(), Spanned::span)
}

fn text_of(settings: &Settings<'_>, key: &str, mistakes: &Mistakes) -> Option<String> {
    let value = settings.table.get_ref().get(key)?;
    let text = value.get_ref().as_str().filter(|text| !text.is_empty());
    if text.is_none() {
        mistakes.add(value.span(), format!("{key}: it must be a text in quotes"));
    }
    text.map(str::to_owned)
}

type Credentials = (Vec<(String, SecretSource)>, BTreeMap<String, secrecy::SecretString>);

fn credentials(settings: &Settings<'_>, description: &Description, mistakes: &Mistakes) -> Credentials {
    let (mut sources, mut secrets) = (Vec::new(), BTreeMap::new());
    for need in &description.needs {
        let Some(value) = settings.table.get_ref().get(need.as_str()) else {
            let why = format!("the key `{need}` is missing; write {need} = {{ credential = \"NAME\" }} or {{ file = \"PATH\" }}");
            mistakes.add(settings.table.span(), why);
            continue;
        };
        let source = SecretSource::deserialize(toml::de::ValueDeserializer::from(value.clone()));
        let read = source
            .map_err(|error| anyhow::anyhow!("{}", error.message()))
            .and_then(|source| Ok((source.read()?, source)));
        if let Some((secret, source)) = note(mistakes, &value.span(), need, read) {
            sources.push((need.clone(), source));
            secrets.insert(need.clone(), secret);
        }
    }
    (sources, secrets)
}

/// Where the description's further origins are here: a national cloud, or a stand-in.
fn origins(table: &Table<'_>, description: &Description) -> BTreeMap<String, Url> {
    let named = |url: &Url| url.origin().ascii_serialization();
    let mut origins: BTreeMap<String, Url> = description.origins.iter().map(|url| (named(url), url.clone())).collect();
    for (name, value) in table.pairs("origins") {
        let Some(known) = origins.get_mut(name) else {
            let known: Vec<&str> = origins.keys().map(String::as_str).collect();
            let why = match known.as_slice() {
                [] => "origins: this kind asks at its own URL only".to_owned(),
                known => format!("origins: this kind does not ask there; it asks at {}", known.join(", ")),
            };
            table.mistakes().add(value.span(), why);
            continue;
        };
        let url = value
            .get_ref()
            .as_str()
            .context("it must be a text in quotes")
            .and_then(base_url);
        if let Some(url) = note(table.mistakes(), &value.span(), "origins", url) {
            *known = url;
        }
    }
    origins
}

/// Notes every key that neither targets nor this description has.
fn unknown(settings: &Settings<'_>, description: &Description, is_file: bool, mistakes: &Mistakes) {
    let mut known = OWN_KEYS.to_vec();
    known.extend(is_file.then_some(FILE_KEY));
    known.extend(description.needs.iter().chain(&description.keys).map(String::as_str));
    known.extend(description.lengths().map(|(key, _)| key));
    for (key, _) in settings.table.get_ref() {
        if !known.contains(&key.get_ref().as_ref()) {
            mistakes.add(key.span(), crate::settings::unknown_key(key.get_ref(), &known));
        }
    }
}
