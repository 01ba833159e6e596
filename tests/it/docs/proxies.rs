//! The proxies that the docs show are started as they stand, and pass on what they should.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use revoked::sources::KINDS;
use serde_json::json;
use tokio::process::{Child, Command};

use super::{Block, blocks_of, page, pages, rows_under};
use crate::harness::{DaemonProcess, Installation, InstallationPlan, until};

const PAGE: &str = "docs/sources/proxies.md";
const HOST: &str = "revoked.example.org";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

const SOURCE: &str = r#"
[[source]]
name = "siem"
kind = "webhook"
verify = "bearer"
secrets = [{ file = "{folder}/siem-secret" }]

[[source]]
name = "okta"
kind = "scim"
url = "https://revoked.example.org/signals/okta"
token = { file = "{folder}/siem-secret" }
"#;

/// The file that is shipped, which the page shows.
fn block(language: &str) -> String {
    let file = match language {
        "nginx" => "deploy/proxy/nginx.conf",
        _ => "deploy/proxy/Caddyfile",
    };
    let shipped = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    // The first line says where to read on.
    let (first, rest) = shipped.split_once('\n').unwrap();
    assert!(
        first.starts_with("# ") && first.ends_with("docs/sources/proxies.md."),
        "{first}"
    );
    let page = pages().into_iter().find(|page| page.path == PAGE).unwrap();
    let mut shown = blocks_of(&page)
        .into_iter()
        .filter(|block: &Block| block.language == language);
    let shown = shown.next().unwrap_or_else(|| panic!("{PAGE} shows no {language}")).text;
    assert_eq!(shown, rest, "{PAGE} shows another {language} than {file}");
    shown
}

/// The program of that name: an installed one, or the one that `tests/run` has unpacked.
fn program(name: &str) -> Option<PathBuf> {
    let unpacked = ["usr/sbin", "usr/bin"].map(|folder| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/proxies");
        root.join(folder)
    });
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&paths).chain([PathBuf::from("/usr/sbin")]);
    let found = installed
        .chain(unpacked)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        // Past the test harness, which shows nothing of a test that passes.
        let why = format!("SKIPPED: {name} is not here; tests/run gets it");
        drop(writeln!(std::io::stderr(), "{why}"));
    }
    found
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A daemon, and a proxy in front of it that is ended when dropped.
struct Behind {
    site: Installation,
    running: DaemonProcess,
    port: u16,
    _proxy: Child,
}

impl Behind {
    /// Starts both. `proxy` writes what the proxy needs into the folder, for its own port and the daemon's address, and says how to start it.
    async fn start(proxy: impl Fn(&Path, u16, &str) -> Command) -> Self {
        let site = Installation::new(InstallationPlan {
            more: SOURCE,
            listen: "proxies = [\"127.0.0.1\", \"::1\"]",
            ..InstallationPlan::default()
        })
        .await;
        site.secret("siem-secret", SECRET.as_bytes());
        let running = site.start().await;
        let port = free_port();
        let folder = site.path("proxy");
        fs::create_dir(&folder).unwrap();
        certify(&folder).await;
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut command = proxy(&folder, port, &running.address.to_string());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        command.env("HOME", &folder).kill_on_drop(true);
        let mut proxy = command.spawn().unwrap();
        let behind = until("the proxy", async || {
            if let Some(status) = proxy.try_wait().unwrap() {
                panic!("it ended with {status}: {}", fs::read_to_string(folder.join("log")).unwrap());
            }
            curl(&folder, port, &["-o", "/dev/null", "-w", "%{http_code}"], "/nowhere").await
        });
        assert_eq!(behind.await, "404");
        Self {
            site,
            running,
            port,
            _proxy: proxy,
        }
    }

    /// Asks by way of the proxy.
    async fn ask(&self, more: &[&str], path: &str) -> String {
        let folder = self.site.path("proxy");
        until("an answer", async || curl(&folder, self.port, more, path).await).await
    }

    /// The status of an answer by way of the proxy.
    async fn status(&self, more: &[&str], path: &str) -> String {
        let status = ["-o", "/dev/null", "-w", "%{http_code}"];
        self.ask(&[&status, more].concat(), path).await
    }

    /// What the pages promise of a proxy.
    async fn passes_on_what_it_should(&self) {
        let good = format!("Authorization: Bearer {SECRET}");
        let json = "Content-Type: application/json";
        let body = json!({
            "type": "revoked.request.v1",
            "data": {"subject": {"format": "email", "email": "user01@example.test"}, "reason": "compromised"},
        });
        let post = ["-X", "POST", "-H", json, "-d"];
        // Strangers, and one who belongs here.
        for n in 0..40 {
            let claims = format!("X-Forwarded-For: 198.51.100.{n}");
            let status = self
                .status(&[&post[..], &["{}", "-H", &claims]].concat(), "/signals/siem")
                .await;
            assert!(matches!(status.as_str(), "401" | "429"), "{status}");
        }
        let sent = self
            .status(&[&post[..], &[&body.to_string(), "-H", &good]].concat(), "/signals/siem")
            .await;
        assert_eq!(sent, "204");
        self.site
            .until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
            .await;
        // Paths below an endpoint arrive as they were written.
        let found = self
            .ask(&["-H", &good], "/signals/okta/Users?filter=userName%20eq%20%22a%2Fb%22")
            .await;
        assert!(found.contains("\"totalResults\":0"), "{found}");
        assert_eq!(self.status(&["-H", &good], "/signals/okta/Users/a%2Fb").await, "404");
        // A body that is too large gets the endpoint's own answer, with its reason.
        let large = self.site.path("proxy/large");
        fs::write(&large, vec![b' '; 2 << 20]).unwrap();
        let data = format!("@{}", large.display());
        let refused = self
            .ask(
                &["-X", "POST", "-H", json, "-H", &good, "--data-binary", &data],
                "/signals/siem",
            )
            .await;
        assert!(
            refused.contains("the body is larger than the 1048576 bytes taken here"),
            "{refused}"
        );
        // What is not for everybody is not passed on.
        for path in ["/livez", "/readyz", "/metrics", "/signals/../metrics"] {
            assert_eq!(self.status(&["--path-as-is"], path).await, "404", "{path}");
        }
        let here = self.running.http.get(self.running.url("/livez")).send().await.unwrap();
        assert_eq!(here.status(), 200);
        let said = self.site.says(&["check", "--offline"]).await;
        assert!(said.code == 0 && !said.out.contains("requests come by way of"), "{said:?}");
    }
}

/// Makes a certificate and its key.
async fn certify(folder: &Path) {
    let mut command = Command::new("openssl");
    command
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            &format!("/CN={HOST}"),
            "-addext",
            &format!("subjectAltName=DNS:{HOST}"),
        ])
        .args(["-keyout", "key.pem", "-out", "fullchain.pem"])
        .current_dir(folder);
    let made = command.output().await.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Asks over TLS for the host of the page, whose certificate must be right. `None` where nothing answers.
async fn curl(folder: &Path, port: u16, more: &[&str], path: &str) -> Option<String> {
    let resolve = format!("{HOST}:{port}:127.0.0.1");
    let mut command = Command::new("curl");
    command
        .args(["-sS", "--max-time", "30", "--noproxy", "*", "--resolve", &resolve, "--cacert"])
        .arg(folder.join("fullchain.pem"))
        .args(more)
        .arg(format!("https://{HOST}:{port}{path}"));
    let asked = command.output().await.unwrap();
    asked.status.success().then(|| String::from_utf8(asked.stdout).unwrap())
}

#[tokio::test]
async fn nginx_as_the_page_shows_it_passes_on_what_it_should() {
    let Some(nginx) = program("nginx") else { return };
    let shown = block("nginx");
    let behind = Behind::start(|folder, port, daemon| {
        let server = shown
            .replace("listen 443 ssl;", &format!("listen 127.0.0.1:{port} ssl;"))
            .replace("/etc/ssl/revoked/", &format!("{}/", folder.display()))
            .replace("127.0.0.1:8480", daemon);
        // What a distribution's own nginx.conf would say around it, in a folder of ours.
        let whole = format!(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n\
             client_body_temp_path body;\nproxy_temp_path proxied;\nfastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n\
             {server}}}\n"
        );
        fs::write(folder.join("nginx.conf"), whole).unwrap();
        let mut command = Command::new(&nginx);
        command.args(["-e", "stderr", "-p"]).arg(folder).args(["-c", "nginx.conf"]);
        command
    });
    behind.await.passes_on_what_it_should().await;
}

#[tokio::test]
async fn caddy_as_the_page_shows_it_passes_on_what_it_should() {
    let Some(caddy) = program("caddy") else { return };
    let shown = block("caddyfile");
    let behind = Behind::start(|folder, port, daemon| {
        // It would ask a public authority for a certificate of the page's host.
        let own =
            format!("{{\n\tadmin off\n\tauto_https off\n}}\n{HOST}:{port} {{\n\tbind 127.0.0.1\n\ttls fullchain.pem key.pem\n");
        let site = shown
            .replacen(&format!("{HOST} {{\n"), &own, 1)
            .replace("127.0.0.1:8480", daemon);
        assert!(site.starts_with("{\n\tadmin off"), "{site}");
        fs::write(folder.join("Caddyfile"), site).unwrap();
        let mut command = Command::new(&caddy);
        command
            .args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"])
            .current_dir(folder);
        command.env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
        command
    });
    behind.await.passes_on_what_it_should().await;
}

#[test]
fn every_door_that_is_pushed_to_shows_the_proxy_in_front() {
    let whole = page(PAGE);
    let shared = page("docs/sources/webhook.md");
    let section = |text: &str| {
        let (_, after) = text.split_once("## The proxy in front\n").unwrap_or_else(|| panic!("{text}"));
        after.split("\n## ").next().unwrap().to_owned()
    };
    let shared = section(&shared);
    for piece in [
        "proxies = [\"127.0.0.1\", \"::1\"]",
        "proxy_pass http://127.0.0.1:8480;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "127.0.0.1:8480",
    ] {
        assert!(shared.contains(piece) && whole.contains(piece), "{piece}");
    }
    let by_http = |kind: &&str| !["inbox", "hr-csv"].contains(kind);
    for kind in KINDS.iter().map(|kind| kind.name).filter(by_http) {
        let text = page(&format!("docs/sources/{kind}.md"));
        assert_eq!(section(&text), shared, "{kind}");
    }
    assert!(rows_under(&page("docs/security.md"), "The endpoints").len() > 5);
}

/// How long a proxy may hold a request that waits for an answer of ours must be longer than we take at most.
#[test]
fn the_proxy_waits_longer_than_the_daemon_takes() {
    let limits = revoked::api::Limits::default();
    let shown = block("nginx");
    let (_, after) = shown.split_once("proxy_read_timeout ").unwrap();
    let seconds: u64 = after.split('s').next().unwrap().parse().unwrap();
    assert!(Duration::from_secs(seconds) > limits.body + limits.answer);
}
