//! `revoked sandbox`: the Mattermost stand-in by itself.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use revoked_sandbox::world::PASSWORD;
use revoked_sandbox::{Options, RateSettings, Sandbox, Version, World};
use tokio::signal::unix::{SignalKind, signal};

use super::Exit;
use super::output::{json, line};
use crate::clock::Clock;

/// How long its people have been there.
const OLD: Duration = Duration::from_hours(7 * 24);
/// How many people are named as examples.
const SHOWN: usize = 3;

/// `revoked sandbox`
#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
    /// Where to listen; port 0 takes a free one. Keep it on the loopback: everybody's password is printed
    #[arg(long, default_value = "127.0.0.1:8065")]
    pub listen: SocketAddr,
    /// How many people live there
    #[arg(long, default_value_t = 40)]
    pub people: usize,
    /// The Mattermost version to play, such as 10.11
    #[arg(long, default_value_t = Version::default())]
    pub version: Version,
    /// How many nodes serve it, on the ports from the first on
    #[arg(long, default_value_t = 1)]
    pub nodes: u16,
    /// The server's own rate limit: requests a second and how many more at once, such as 10/100
    #[arg(long, value_name = "PER_SEC/BURST", value_parser = rate)]
    pub rate: Option<RateSettings>,
    /// Decides every id: the same seed gives the same town
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Write the operator's token to this file (mode 0600) instead of printing it
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Print one JSON object once it listens
    #[arg(long)]
    pub json: bool,
}

fn rate(text: &str) -> Result<RateSettings, String> {
    let numbers = text.split_once('/').map(|(rate, burst)| (rate.parse(), burst.parse()));
    match numbers {
        Some((Ok(per_second), Ok(burst))) if per_second > 0 => Ok(RateSettings {
            per_second,
            burst,
            ..RateSettings::default()
        }),
        _ => Err("write requests a second and the burst, such as 10/100".to_owned()),
    }
}

/// Runs the stand-in until SIGINT or SIGTERM.
///
/// # Errors
/// Where it cannot listen, or the token's file cannot be written.
pub(super) async fn run(args: SandboxArgs) -> anyhow::Result<Exit> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let founded = Clock::system().now().minus(OLD).ms();
    let mut world = World::fixture_since(args.seed, args.people, founded);
    world.version = args.version;
    let token = world.operator_token().context("the sandbox has no operator")?.to_string();
    if let Some(path) = &args.token_file {
        write_token(path, &token).with_context(|| format!("writing the token to {}", path.display()))?;
    }
    let usernames: Vec<String> = world
        .people()
        .filter(|person| person.username.starts_with("user"))
        .take(SHOWN)
        .map(|person| person.username.clone())
        .collect();
    let options = Options {
        listen: args.listen,
        nodes: usize::from(args.nodes),
        rate: args.rate,
        ..Options::default()
    };
    let sandbox = Sandbox::start(world, options)
        .await
        .with_context(|| format!("listening at {}; name another address with --listen", args.listen))?;
    if args.json {
        json(&serde_json::json!({
            "url": sandbox.url(),
            "nodes": sandbox.node_urls(),
            "version": args.version.to_string(),
            "operator_token": args.token_file.is_none().then_some(&token),
            "operator_token_file": args.token_file,
            "usernames": usernames,
            "password": PASSWORD,
        }))?;
    } else {
        announce(&sandbox, &args, &token, &usernames)?;
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    if !args.json {
        line(format!("{} requests were answered", sandbox.request_count()))?;
    }
    Ok(Exit::Ok)
}

fn announce(sandbox: &Sandbox, args: &SandboxArgs, token: &str, usernames: &[String]) -> anyhow::Result<()> {
    line(format!(
        "a stand-in for Mattermost {} with {} people listens at {}",
        args.version,
        args.people,
        sandbox.url()
    ))?;
    for url in sandbox.node_urls().iter().skip(1) {
        line(format!("another node of it at {url}"))?;
    }
    match &args.token_file {
        Some(path) => line(format!("the operator's token is in {}", path.display()))?,
        None => line(format!(
            "the operator's token (printed because this is a sandbox; a real one belongs in a file): {token}"
        ))?,
    }
    line(format!(
        "people: {}, …; everybody's password is {PASSWORD}",
        usernames.join(", ")
    ))?;
    line("what one of them holds: GET /sandbox/people/user01; it stops at Ctrl-C, and nothing is kept")
}

/// Writes the token to a file that only its owner may read; one that is there is replaced.
fn write_token(path: &Path, token: &str) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{token}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_two_numbers() {
        let read = rate("10/100").unwrap();
        assert_eq!((read.per_second, read.burst), (10, 100));
        for bad in ["10", "0/5", "fast", "1/", "10/s"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "older").unwrap();
        write_token(&path, "secret").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "secret\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
