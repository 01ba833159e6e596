//! Looks whether the server is reachable, lets us do our work, and is set up sensibly. Changes nothing.
//!
//! An error means that nothing can be done now: unreachable, not understood, or our credential refused. All else is a finding; one of
//! level error means that some revocations will fail.

use std::time::Duration;

use anyhow::anyhow;
use reqwest::Url;

use super::Mattermost;
use super::api::client::{fail, place};
use super::api::failure::CallFailure;
use super::api::request::Call;
use super::api::wire::{Account, Health};
use super::config_checks::{self, ClientConfig, ServerConfig, finding};
use super::own_account::OwnAccount;
use crate::model::Timestamp;
use crate::targets::{CallContext, CallLimit, Finding, Level, Probe, Remedy, TargetError};

/// How far the server's clock may be from ours before it is worth a word.
const SKEW: Duration = Duration::from_mins(1);

/// Probes the server and every node.
pub(super) async fn probe(target: &Mattermost, context: &CallContext) -> Result<Probe, TargetError> {
    // An operator may have put a new token in place since the old one was refused.
    target
        .api
        .renew_credential()
        .map_err(|source| fail("reading the credential again", Remedy::Pause, source, None))?;
    target.own_account_cache.forget();
    let own_account = match target.own_account(context).await {
        Ok(own_account) => own_account,
        Err(error) => return Err(explain(target, context, error).await),
    };
    let ((), client, server) = tokio::try_join!(
        health(target, context),
        client_config(target, context, &target.api.url),
        server_config(target, context)
    )?;
    let nodes = target.api.nodes.len();
    let mut found = skew(target, client.1);
    found.extend(config_checks::permissions(&own_account, nodes));
    found.extend(config_checks::identity(&own_account, &client.0));
    found.extend(config_checks::client(&client.0, nodes));
    found.extend(server.0);
    for node in &target.api.nodes {
        found.extend(at_node(target, context, node, &own_account, &client.0).await);
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    Ok(Probe {
        version: target.api.version().map(|version| version.to_string()),
        acting_as: Some(own_account.me.username.clone()),
        doors: config_checks::doors(target.api.version(), &client.0),
        limit: server.1,
        findings: found,
    })
}

/// Asks the server whether its database works: our own account may come from a cache.
async fn health(target: &Mattermost, context: &CallContext) -> Result<(), TargetError> {
    let call = Call::get("asking for the server's health", &["system", "ping"]).query("get_server_status", true);
    target.api.send(context, call).await?.read::<Health>()?;
    Ok(())
}

/// Says more about a refused credential: with its database down the server refuses valid ones too, but its health check tells.
async fn explain(target: &Mattermost, context: &CallContext, error: TargetError) -> TargetError {
    // It answered a moment ago, so a health check that fails now is its own failure.
    match (error.remedy, health(target, context).await) {
        (Remedy::Pause, Err(health)) if health.remedy == Remedy::Retry => TargetError {
            source: anyhow!(
                "the server says that it is not healthy, probably its database is down, and then it refuses valid credentials too; look \
                 after the server first"
            ),
            ..error
        },
        _ => error,
    }
}

/// The settings that every account may read, as one node has them, with its time.
pub(super) async fn client_config(
    target: &Mattermost,
    context: &CallContext,
    base: &Url,
) -> Result<(ClientConfig, Option<Timestamp>), TargetError> {
    let call = Call::get("reading the client's settings", &["config", "client"]).query("format", "old");
    let answer = target.api.send_to(base, context, call).await?;
    Ok((answer.read()?, answer.date))
}

async fn server_config(target: &Mattermost, context: &CallContext) -> Result<(Vec<Finding>, Option<CallLimit>), TargetError> {
    match target
        .api
        .send(context, Call::get("reading the server's settings", &["config"]))
        .await
    {
        Ok(answer) => {
            let config = answer.read::<ServerConfig>()?;
            Ok((config_checks::server(&config), config_checks::limit(&config)))
        }
        Err(CallFailure::Refused(refusal)) if refusal.forbids() || refusal.unknown_call() => Ok((
            vec![finding(
                Level::Note,
                "the operator account may not read the server's settings, so rate limits and bot rules were not looked at",
                "compare `rate` and `burst` with RateLimitSettings.PerSec and MaxBurst by hand",
            )],
            None,
        )),
        Err(failure) => Err(failure.into()),
    }
}

fn skew(target: &Mattermost, date: Option<Timestamp>) -> Vec<Finding> {
    let now = target.api.clock.now();
    let apart = date.map_or(Duration::ZERO, |date| date.since(now).max(now.since(date)));
    if apart <= SKEW {
        return Vec::new();
    }
    vec![finding(
        Level::Warning,
        format!("the server's clock and ours are {} s apart", apart.as_secs()),
        "set both by NTP; until then times in the evidence do not compare",
    )]
}

/// Looks at one node: reachable, takes our credential, and is a node of the same server. No more than a warning, since an error would stop
/// the lane, and the server itself may work.
async fn at_node(
    target: &Mattermost,
    context: &CallContext,
    node: &Url,
    own_account: &OwnAccount,
    client: &ClientConfig,
) -> Option<Finding> {
    let name = place(node);
    let advice =
        "correct its URL under `nodes`, or take it out; no case that ends sessions is contained while its caches cannot be cleared";
    let me = match target
        .api
        .send_to(node, context, Call::get("asking a node who we are", &["users", "me"]))
        .await
    {
        Ok(answer) => answer.read::<Account>(),
        Err(failure) => Err(failure.into()),
    };
    let other = match (me, client_config(target, context, node).await) {
        (Ok(me), Ok((other, _))) if me.id == own_account.me.id => other,
        (Ok(_), Ok(_)) => {
            return Some(finding(
                Level::Warning,
                format!("the node {name} knows us as another account: it is another server"),
                advice,
            ));
        }
        (Err(error), _) | (_, Err(error)) => {
            return Some(finding(
                Level::Warning,
                format!("the node {name} does not answer: {error}"),
                advice,
            ));
        }
    };
    let same = ["TelemetryId", "DiagnosticId"]
        .iter()
        .all(|key| client.get(*key) == other.get(*key));
    (!same).then(|| finding(Level::Warning, format!("the node {name} belongs to another server"), advice))
}
