//! `revoked token`: what programs and people elsewhere show to the API.

use std::time::Duration;

use clap::Subcommand;

use super::output::{LocalTimes, json as print_json, json_lines, line, name_unreadable, plain, table};
use super::store::operator;
use super::{Exit, StoreArgs};
use crate::model::Role;
use crate::settings::Period;
use crate::store::Store;

/// `revoked token`
#[derive(Debug, Clone, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, which is the only time it is shown
    #[command(after_help = "Example: revoked token make siem --role requester --for 90d")]
    Make {
        /// What it is for
        name: String,
        /// What it may do: viewer, requester, approver or admin
        #[arg(long)]
        role: Role,
        /// After what time it ends by itself
        #[arg(long, value_name = "SPAN")]
        r#for: Period,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the tokens, without their texts
    #[command(after_help = "Example: revoked token list")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// End a token at once
    #[command(after_help = "Example: revoked token end 3")]
    End {
        /// Its number
        id: i64,
    },
}

/// Runs `revoked token`.
///
/// # Errors
/// Where the store cannot be read or written, or the token is none that can be made or ended.
pub(super) async fn run(command: TokenCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let outcome = match command {
        TokenCommand::Make { name, role, r#for, json } => make(&store, name, role, r#for.0, json).await,
        TokenCommand::List { json } => list(&store, json).await,
        TokenCommand::End { id } => end(&store, id).await,
    };
    store.close().await;
    outcome
}

async fn make(store: &Store, name: String, role: Role, life: Duration, as_json: bool) -> anyhow::Result<Exit> {
    let (id, token) = store.make_token(name, role, life, operator()).await?;
    if as_json {
        print_json(&serde_json::json!({ "id": id, "token": token }))?;
    } else {
        line(format!(
            "token {id}, with the role {role}, for {}; it is shown this once:",
            Period(life)
        ))?;
        line(&token)?;
    }
    Ok(Exit::Ok)
}

async fn list(store: &Store, as_json: bool) -> anyhow::Result<Exit> {
    let tokens = store.tokens().await?;
    if as_json {
        json_lines(&tokens)?;
        return Ok(Exit::Ok);
    }
    name_unreadable(&tokens.unreadable);
    let times = LocalTimes::at(store.clock().now());
    let rows = tokens.iter().map(|token| {
        let state = match token.ended_at {
            Some(at) => format!("ended {}", times.time(at)),
            None if token.expires_at <= times.now() => format!("expired {}", times.time(token.expires_at)),
            None => format!("until {}", times.time(token.expires_at)),
        };
        vec![
            token.id.to_string(),
            plain(&token.name),
            token.role.clone(),
            plain(&token.owner),
            state,
            times.cell(token.used_at),
        ]
    });
    table(
        &["id", "name", "role", "acts for", "good", "last used"],
        rows.collect(),
        "there are no tokens",
    )?;
    Ok(Exit::Ok)
}

async fn end(store: &Store, id: i64) -> anyhow::Result<Exit> {
    store.end_token(id, operator()).await?;
    line(format!("token {id} is ended: whoever shows it is refused from now on"))?;
    Ok(Exit::Ok)
}
