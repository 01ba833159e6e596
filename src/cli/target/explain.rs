//! `revoked target explain`: what a kind can end, list and prove.

use clap::Args;
use serde_json::json;

use super::described::{Meant, meant};
use crate::cli::Exit;
use crate::cli::output::{self, line, plain, table};
use crate::targets::TargetRole;
use crate::targets::described::{self, Explained};

/// `revoked target explain`
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// A kind, or a file with a description
    #[arg(value_name = "KIND|FILE")]
    what: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `revoked target explain`.
///
/// # Errors
/// Where there is no such kind or file, and every mistake of a file.
pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<Exit> {
    match meant(&args.what)? {
        Meant::Described(description) => {
            let explained = description.explain();
            if args.json {
                output::json(&explained)?;
            } else {
                show(&explained)?;
            }
        }
        Meant::InRust(kind) if args.json => {
            output::json(&json!({ "kind": kind.name, "about": kind.about, "tested": kind.tested }))?;
        }
        Meant::InRust(kind) if kind.name == described::KIND.name => {
            line(format!("{}: {}", kind.name, kind.about))?;
            line(
                "What it ends, lists and proves stands in your description: revoked target explain FILE says it, and docs/targets/described.md how one is \
                 written",
            )?;
        }
        Meant::InRust(kind) => {
            line(format!("{}: {}", kind.name, kind.about))?;
            line(format!(
                "It is written in Rust, and docs/targets/{}.md says what it ends, lists and proves; revoked check asks the server",
                kind.name
            ))?;
        }
    }
    Ok(Exit::Ok)
}

fn role(role: TargetRole) -> &'static str {
    match role {
        TargetRole::IdentityProvider => "identity provider",
        TargetRole::Application => "application",
    }
}

fn show(explained: &Explained) -> anyhow::Result<()> {
    let list = |what: &[String], none: &str| {
        if what.is_empty() {
            none.to_owned()
        } else {
            plain(&what.join(", "))
        }
    };
    line(format!("{}: {}", plain(&explained.kind), plain(&explained.about)))?;
    line(format!("run against: {}", list(&explained.tested, "no real system")))?;
    line(format!("role: {}", role(explained.role)))?;
    line(format!("credentials: {}", list(&explained.credentials, "none")))?;
    let keys: Vec<String> = ["url".to_owned()].into_iter().chain(explained.keys.iter().cloned()).collect();
    line(format!("settings: {}", plain(&keys.join(", "))))?;
    if !explained.optional.is_empty() {
        line(format!("further settings: {}", plain(&explained.optional.join(", "))))?;
    }
    if !explained.origins.is_empty() {
        line(format!("asks elsewhere too: {}", plain(&explained.origins.join(", "))))?;
    }
    if let Some(rate) = &explained.rate {
        line(format!("the vendor allows: {}", plain(rate)))?;
    }
    line(format!("people are asked for by: {}", list(&explained.asked_by, "nothing")))?;
    let yes = |flag| if flag { "yes" } else { "no" };
    line(format!("suspends an account: {}", yes(explained.suspends)))?;
    line(format!(
        "sets a password that nobody knows: {}",
        yes(explained.resets_password)
    ))?;
    let rows = explained.grants.iter();
    let rows = rows.map(|grant| vec![grant.kind.clone(), grant.ended.clone(), grant.proved.clone()]);
    table(&["kind", "ended", "proved"], rows.collect(), "no kinds of grant")?;
    for residual in &explained.residuals {
        line(format!("lives on: {}", plain(residual)))?;
    }
    for gap in &explained.not_covered {
        line(format!("not covered: {}", plain(gap)))?;
    }
    for advice in &explained.advice {
        line(format!("advice: {}", plain(advice)))?;
    }
    Ok(())
}
