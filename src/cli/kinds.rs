//! `revoked kinds`: what a config may name.

use serde::Serialize;

use super::Exit;
use super::output::{json, table};
use crate::targets::{TargetRole, described, exec};
use crate::{sources, targets};

#[derive(Serialize)]
struct Row {
    is: &'static str,
    kind: &'static str,
    about: &'static str,
    /// What a target of this kind is to the others where its table does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<TargetRole>,
    /// The versions of a target's system that it was run against.
    #[serde(skip_serializing_if = "Option::is_none")]
    run_against: Option<&'static [&'static str]>,
}

impl Row {
    /// What is said of the role: most are applications.
    fn role(&self) -> String {
        match self.role {
            Some(TargetRole::IdentityProvider) => "identity provider".to_owned(),
            Some(TargetRole::Application) | None => String::new(),
        }
    }

    /// What is said of the versions.
    fn tested(&self) -> String {
        match self.run_against {
            None => String::new(),
            Some([]) if [described::KIND.name, exec::KIND.name].contains(&self.kind) => "yours to try".to_owned(),
            Some([]) => "not run against the vendor".to_owned(),
            Some(versions) => format!("run against {}", versions.join(", ")),
        }
    }
}

/// Runs `revoked kinds`.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn run(as_json: bool) -> anyhow::Result<Exit> {
    let sources = sources::KINDS.iter().map(|kind| Row {
        is: "source",
        kind: kind.name,
        about: kind.about,
        role: None,
        run_against: None,
    });
    let targets = targets::KINDS.iter().map(|kind| Row {
        is: "target",
        kind: kind.name,
        about: kind.about,
        role: Some(kind.role),
        run_against: Some(kind.tested),
    });
    let rows: Vec<Row> = sources.chain(targets).collect();
    if as_json {
        json(&rows)?;
    } else {
        let cells = rows.iter().map(|row| {
            vec![
                row.is.to_owned(),
                row.kind.to_owned(),
                row.about.to_owned(),
                row.role(),
                row.tested(),
            ]
        });
        table(&["", "kind", "what it is…", "role?", "tried…?"], cells.collect(), "no kinds")?;
    }
    Ok(Exit::Ok)
}
