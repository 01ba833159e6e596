//! `revoked policy groups` and `accept`: the people whom policy treats apart, and a list that has lost many of them.

use anyhow::{Context as _, ensure};
use serde::Serialize;

use super::known;
use crate::cli::output::{Cell, Meaning, hanging, json, json_line, table};
use crate::cli::store::operator;
use crate::cli::{Exit, StoreArgs};
use crate::config::{Config, read_group_file};
use crate::policy::Level;

#[derive(Serialize)]
struct Row {
    group: String,
    /// How many names, those of the file among them.
    names: usize,
    hold: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    highest: Option<&'static str>,
    approvals: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// What is wrong with the file, so that an earlier list stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// Runs `revoked policy groups`.
///
/// # Errors
/// A config that is wrong, a store that cannot be read.
pub(super) async fn list(at: &StoreArgs, as_json: bool) -> anyhow::Result<Exit> {
    let config = known::config(&at.config)?;
    let store = at.open_if_there().await?;
    known::complete(&config, store.as_ref()).await?;
    if let Some(store) = store {
        store.close().await;
    }
    let rows = rows(&config);
    if as_json {
        rows.iter().try_for_each(json_line)?;
        return Ok(Exit::Ok);
    }
    let faults: Vec<String> = rows
        .iter()
        .filter_map(|row| Some(format!("{}: {}: an earlier list stands", row.group, row.fault.as_ref()?)))
        .collect();
    let cells = rows.into_iter().map(|row| {
        let asks = if row.hold { "always" } else { "-" };
        vec![
            Cell::from(row.group),
            if row.fault.is_some() {
                Cell::meaning(row.names.to_string(), Meaning::Bad)
            } else {
                row.names.to_string().into()
            },
            asks.into(),
            row.highest.unwrap_or(Level::Contain.word()).into(),
            row.approvals.to_string().into(),
            row.file.unwrap_or_else(|| "-".to_owned()).into(),
        ]
    });
    let headings = [
        "group",
        "names",
        "a human is asked",
        "feeds go as far as",
        "approvals?",
        "list?",
    ];
    table(&headings, cells.collect(), "no groups")?;
    faults.iter().try_for_each(|fault| hanging(fault))?;
    Ok(Exit::Ok)
}

/// The list `protected` first, as the group that it is.
fn rows(config: &Config) -> Vec<Row> {
    let policy = &config.policy;
    let protected = (!policy.protected.is_empty()).then(|| Row {
        group: "protected".to_owned(),
        names: policy.protected.len(),
        hold: true,
        highest: None,
        approvals: 1,
        file: None,
        fault: None,
    });
    let groups = policy.groups.iter().map(|group| {
        let file = config.group_files.iter().find(|file| file.group == group.name);
        Row {
            group: group.name.clone(),
            names: group.names().len(),
            hold: group.hold,
            highest: group.highest.map(Level::word),
            approvals: group.approvals,
            file: file.map(|file| file.path.display().to_string()),
            fault: file.and_then(|file| file.fault.as_ref()).map(ToString::to_string),
        }
    });
    protected.into_iter().chain(groups).collect()
}

#[derive(Serialize)]
struct Accepted {
    group: String,
    before: usize,
    now: usize,
}

/// Runs `revoked policy accept`.
///
/// # Errors
/// A group without a list, a list that cannot be read or names nobody.
pub(super) async fn accept(group: &str, at: &StoreArgs, as_json: bool) -> anyhow::Result<Exit> {
    let config = known::config(&at.config)?;
    let file = config.group_files.iter().find(|file| file.group == group);
    let file = file.with_context(|| format!("no group with a file is called {group:?}; see revoked policy groups"))?;
    let (members, digest) =
        read_group_file(&file.path).map_err(|fault| anyhow::anyhow!("the list {}: {fault}", file.path.display()))?;
    ensure!(
        !members.is_empty(),
        "the list {} names nobody: that is never taken",
        file.path.display()
    );
    let store = at.open().await?;
    let known = store.group_list(group).await?;
    let accepted = match known {
        Some(known) => {
            let accepted = Accepted {
                group: group.to_owned(),
                before: known.members.len(),
                now: members.len(),
            };
            store
                .accept_group_list(group.to_owned(), digest, (accepted.before, accepted.now), operator())
                .await
                .map(|()| accepted)
                .map_err(anyhow::Error::from)
        }
        None => Err(anyhow::anyhow!(
            "the daemon has read no list of the group {group} yet: there is nothing to accept it over"
        )),
    };
    store.close().await;
    let accepted = accepted?;
    if as_json {
        json(&accepted)?;
    } else {
        hanging(&format!(
            "the list of {group} is accepted with {} names where it had {}: the daemon takes it within seconds",
            accepted.now, accepted.before
        ))?;
    }
    Ok(Exit::Ok)
}
