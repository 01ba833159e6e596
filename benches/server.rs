//! The sandbox in a process of its own, and the target that speaks to it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use revoked::clock::Clock;
use revoked::config::Config;
use revoked::targets::Target;
use revoked_sandbox::{Options, RateSettings, Sandbox, World};

/// The argument that makes this binary a sandbox.
pub(crate) const CHILD: &str = "sandbox-child";

/// A sandbox process; ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts a sandbox of so many people. `rate` is the server's own limit, in calls a second.
pub(crate) fn start(people: usize, rate: Option<u32>) -> Server {
    run([people, rate.unwrap_or(0) as usize, 0, 1])
}

/// Starts a sandbox of so many people and teams whose calls take that long.
pub(crate) fn start_slow(people: usize, teams: usize, latency: Duration) -> Server {
    run([people, 0, usize::try_from(latency.as_millis()).unwrap(), teams])
}

fn run(arguments: [usize; 4]) -> Server {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(CHILD)
        .args(arguments.map(|argument| argument.to_string()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let (url, token) = line.trim().split_once(' ').unwrap();
    Server {
        url: url.to_owned(),
        token: token.to_owned(),
        child,
    }
}

/// What the child does.
pub(crate) async fn serve(arguments: &[String]) {
    let people = arguments[0].parse().unwrap();
    let rate: u32 = arguments[1].parse().unwrap();
    let rate = (rate > 0).then(|| RateSettings {
        per_second: rate,
        burst: rate,
        ..RateSettings::default()
    });
    // A week old by the real clock: sessions that have expired would leave nothing to end.
    let founded = Clock::system().now().minus(Duration::from_hours(7 * 24)).ms();
    let mut world = World::fixture_since(1, people, founded);
    for team in 1..arguments[3].parse().unwrap() {
        world.add_team(&format!("Team {team}"), &format!("team-{team}"), founded);
    }
    let token = world.operator_token().unwrap();
    let sandbox = Sandbox::start(
        world,
        Options {
            rate,
            latency: Duration::from_millis(arguments[2].parse().unwrap()),
            ..Options::default()
        },
    )
    .await
    .unwrap();
    println!("{} {token}", sandbox.url());
    // Ends with its parent, which kills it.
    std::future::pending::<()>().await;
}

impl Server {
    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Requests answered and refused so far, as the sandbox counts them.
    pub(crate) async fn counts(&self) -> (f64, f64) {
        let client = revoked::http::client(revoked::http::Bounds::default()).unwrap();
        let answer = client.get(format!("{}/sandbox/stats", self.url)).send().await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&revoked::http::read_body(answer, 1 << 16).await.unwrap()).unwrap();
        let (answered, limited) = (body["requests"].as_f64().unwrap(), body["limited"].as_f64().unwrap());
        (answered - limited, limited)
    }
}

/// The target that a config for this server builds: the same code that the daemon runs.
pub(crate) fn target(server: &Server, folder: &Path) -> Arc<dyn Target> {
    let token = folder.join("token");
    std::fs::write(&token, &server.token).unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "[store]\npath = \"{}\"\n[[target]]\nname = \"chat\"\nkind = \"mattermost\"\nurl = \"{}\"\ntoken = {{ file = \"{}\" }}\n",
        folder.join("unused.db").display(),
        server.url,
        token.display()
    );
    let config = Config::parse("bench.toml", &text, &Clock::system()).unwrap_or_else(|report| panic!("{report}"));
    Arc::clone(&config.targets[0].target)
}
