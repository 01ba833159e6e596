//! TLS of the console's own: what speaks it is served, what does not is cut, and a renewed certificate is shown without a restart.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use http::Method;
use revoked::model::Role;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Site;
use crate::harness::{BOUND, CommandOutput, Installation, InstallationPlan};
use crate::ports::Port;

const HOST: &str = "console.example.test";
/// The times of a certificate as `openssl ca` writes them.
const LONG_AGO: &str = "20200101000000Z";
const FAR_AHEAD: &str = "20990101000000Z";

const AUTHORITY: &str = "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = .\ndefault_md = sha256\n\
                         policy = any\ncopy_extensions = copy\nunique_subject = no\n[any]\ncommonName = supplied\n";

async fn openssl(folder: &Path, args: &str) {
    let mut command = Command::new("openssl");
    let made = command.args(args.split(' ')).current_dir(folder).output().await.unwrap();
    assert!(made.status.success(), "{args}: {}", String::from_utf8_lossy(&made.stderr));
}

/// An authority of the test's, in the folder `authority`.
async fn authority(site: &Installation) {
    let folder = site.path("authority");
    fs::create_dir(&folder).unwrap();
    for (name, text) in [("ca.cnf", AUTHORITY), ("index.txt", ""), ("serial", "1000")] {
        fs::write(folder.join(name), text).unwrap();
    }
    let new =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem";
    openssl(&folder, new).await;
}

/// A certificate for `host` with its key, as `name.pem` and `name.key`.
async fn issue(site: &Installation, name: &str, host: &str, (from, until): (&str, &str)) {
    let folder = site.path("authority");
    let key = format!(
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={host} -addext subjectAltName=DNS:{host} -keyout {name}.key \
         -out {name}.csr"
    );
    openssl(&folder, &key).await;
    let sign = format!(
        "ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key -startdate {from} -enddate {until} -in {name}.csr -out {name}.pem"
    );
    openssl(&folder, &sign).await;
}

/// Puts a certificate and a key of the authority's where the console reads them.
fn install(site: &Installation, certificate: &str, key: &str) {
    let read = |name: String| fs::read(site.path("authority").join(name)).unwrap();
    fs::write(site.path("console.pem"), read(format!("{certificate}.pem"))).unwrap();
    site.secret("console.key", &read(format!("{key}.key")));
}

/// An installation whose console speaks TLS, with a good certificate. No daemon runs.
async fn installed() -> (Installation, Port) {
    let port = Port::default();
    let console = format!(
        "[console]\nsockets = \"{{folder}}/sockets\"\nlisten = \"{0}\"\norigin = \"https://{HOST}:{1}\"\n\
         [console.tls]\ncertificate = \"{{folder}}/console.pem\"\nkey = {{ file = \"{{folder}}/console.key\" }}\n",
        port.address(),
        port.address().port()
    );
    let plan = InstallationPlan {
        more: console.leak(),
        ..InstallationPlan::default()
    };
    let site = Installation::new(plan).await;
    fs::create_dir(site.path("sockets")).unwrap();
    authority(&site).await;
    issue(&site, "first", HOST, (LONG_AGO, FAR_AHEAD)).await;
    install(&site, "first", "first");
    (site, port)
}

impl Site {
    /// What curl says of a page of the console.
    async fn curl(&self, more: &[&str], path: &str) -> CommandOutput {
        let port = self.port.address().port();
        let mut command = Command::new("curl");
        command
            .args(["-sS", "--max-time", "60", "--noproxy", "*"])
            .args(["--resolve", &format!("{HOST}:{port}:127.0.0.1")])
            .arg("--cacert")
            .arg(self.installation.path("authority/ca.pem"))
            .args(more)
            .arg(format!("https://{HOST}:{port}{path}"));
        CommandOutput::of(command.output().await.unwrap())
    }

    /// What OpenSSL's client says of a handshake.
    async fn handshake(&self, more: &str) -> String {
        let mut command = Command::new("openssl");
        let to = self.port.address().to_string();
        command.args(["s_client", "-connect", &to, "-servername", HOST]);
        let said = command
            .args(more.split(' '))
            .stdin(std::process::Stdio::null())
            .output()
            .await
            .unwrap();
        [said.stdout, said.stderr]
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .concat()
    }

    /// A connection of a client that trusts the authority.
    async fn connect(&self) -> Talk {
        let mut roots = rustls::RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(self.installation.path("authority/ca.pem")).unwrap();
        roots.add(ca).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.port.address()).await.unwrap();
        let name = ServerName::try_from(HOST).unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        Talk(BufReader::new(stream))
    }

    fn file(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.installation.path("authority").join(name)).unwrap()
    }

    async fn reload(&self) -> CommandOutput {
        let store = self.installation.store();
        self.installation.says(&["reload", "--store", store.to_str().unwrap()]).await
    }
}

/// A connection that goes on.
struct Talk(BufReader<TlsStream<TcpStream>>);

impl Talk {
    /// The certificate that it was shown.
    fn shown(&self) -> CertificateDer<'static> {
        let (_, session) = self.0.get_ref().get_ref();
        session.peer_certificates().unwrap()[0].clone().into_owned()
    }

    /// The first line of the answer to a request.
    async fn ask(&mut self, port: u16) -> String {
        let request = format!("GET /api/v1/openapi.json HTTP/1.1\r\nHost: {HOST}:{port}\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.unwrap();
        let (mut status, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            if let Some(bytes) = line.to_lowercase().strip_prefix("content-length:") {
                length = bytes.trim().parse().unwrap();
            }
            if status.is_empty() {
                status.clone_from(&line);
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        status.trim().to_owned()
    }
}

#[tokio::test]
async fn the_console_speaks_tls_and_shows_a_renewed_certificate_without_a_restart() {
    let (installation, port) = installed().await;
    let running = installation.start().await;
    let site = Site {
        installation,
        port,
        running,
    };
    what_speaks_it_is_served_and_nothing_else(&site).await;
    a_page_is_signed_in_to(&site).await;
    a_renewed_certificate_is_shown(&site).await;
    site.running.stop().await;
}

async fn what_speaks_it_is_served_and_nothing_else(site: &Site) {
    let bearer = format!("Authorization: Bearer {}", site.token(Role::Viewer).await);
    for version in ["1.2", "1.3"] {
        let only = ["-H", &bearer, "-w", "%{http_code} %{http_version}", "-o", "/dev/null"];
        let said = site
            .curl(&[&only[..], &["--tls-max", version]].concat(), "/api/v1/cases")
            .await;
        assert_eq!((said.code, said.out.as_str()), (0, "200 1.1"), "{said:?}");
    }
    // A client that would speak an older one, or HTTP/2 alone.
    let old = site.handshake("-tls1_1 -cipher DEFAULT@SECLEVEL=0").await;
    assert!(old.contains("SSL alert number") && old.contains("Cipher is (NONE)"), "{old}");
    let h2 = site.handshake("-alpn h2").await;
    assert!(h2.contains("alert no application protocol"), "{h2}");
    let both = site.handshake("-alpn h2,http/1.1 -brief").await;
    assert!(both.contains("TLSv1.3"), "{both}");
    // What is no TLS is cut, and told nothing of what stands there.
    let mut plain = TcpStream::connect(site.port.address()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: revoked\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let cut = tokio::time::timeout(BOUND, plain.read_to_end(&mut answer));
    drop(cut.await.expect("it is not cut"));
    assert!(answer.len() <= 7 && !answer.starts_with(b"HTTP"), "{answer:?}");
    // Those who say nothing keep nobody out.
    let mut silent = Vec::new();
    for _ in 0..80 {
        silent.push(TcpStream::connect(site.port.address()).await.unwrap());
    }
    assert_eq!(site.connect().await.ask(site.port.address().port()).await, "HTTP/1.1 200 OK");
    // Whose host is another's is sent away over TLS too.
    let other = ["-H", "Host: other.example.test", "-w", "%{http_code}", "-o", "/dev/null"];
    assert_eq!(site.curl(&other, "/api/v1/cases").await.out, "421");
}

async fn a_page_is_signed_in_to(site: &Site) {
    let made = site
        .by_socket(Role::Approver, Method::POST, "/api/v1/sign-in-links", None)
        .await;
    let link = made.json();
    let origin = format!("https://{HOST}:{}", site.port.address().port());
    assert!(
        link["url"].as_str().unwrap().starts_with(&format!("{origin}/sign-in#")),
        "{link}"
    );
    let jar = site.installation.path("jar");
    let (jar, code) = (jar.to_str().unwrap(), format!("code={}", link["code"].as_str().unwrap()));
    let sent = ["-c", jar, "-D", "-", "-H", &format!("Origin: {origin}"), "--data", &code];
    let said = site.curl(&sent, "/sign-in").await;
    assert!(said.out.starts_with("HTTP/1.1 303 "), "{said:?}");
    let cookie = said
        .out
        .lines()
        .find(|line| line.to_lowercase().starts_with("set-cookie:"))
        .unwrap();
    assert!(cookie.contains("__Host-revoked=") && cookie.contains("; Secure;"), "{cookie}");
    assert!(!said.out.to_lowercase().contains("strict-transport-security"), "{said:?}");
    let page = site.curl(&["-b", jar], "/").await;
    assert!(page.out.contains("To decide"), "{page:?}");
}

async fn a_renewed_certificate_is_shown(site: &Site) {
    let port = site.port.address().port();
    issue(&site.installation, "second", HOST, (LONG_AGO, FAR_AHEAD)).await;
    let mut before = site.connect().await;
    assert_eq!(before.shown(), site.file("first.pem"));
    let enough = tokio_util::sync::CancellationToken::new();
    let until = enough.clone();
    let before = tokio::spawn(async move {
        while !until.is_cancelled() {
            assert_eq!(before.ask(port).await, "HTTP/1.1 200 OK", "an open connection goes on");
        }
        before
    });
    install(&site.installation, "second", "second");
    let said = site.reload().await;
    assert_eq!(said.code, 0, "{said:?}");
    let mut after = site.connect().await;
    assert_eq!(after.shown(), site.file("second.pem"));
    assert_eq!(after.ask(port).await, "HTTP/1.1 200 OK");
    enough.cancel();
    let mut before = before.await.unwrap();
    assert_eq!(before.ask(port).await, "HTTP/1.1 200 OK", "the one before is still served");
    let metrics = site.running.metrics().await;
    let left = metrics
        .lines()
        .find_map(|line| line.strip_prefix("revoked_console_certificate_left_seconds "));
    assert!(left.unwrap().parse::<f64>().unwrap() > 1e9, "{left:?}");
    assert!(site.installation.alerts().await.is_empty());

    // A key that is not the certificate's: the config is refused with it, and the one before goes on being shown.
    install(&site.installation, "second", "first");
    let said = site.reload().await;
    assert!(said.code != 0, "{said:?}");
    assert_eq!(site.connect().await.shown(), site.file("second.pem"));
    let mut alerts = site.installation.alerts().await;
    alerts.sort();
    assert_eq!(alerts, ["certificate_refused", "config_refused"]);
    // One that has expired takes no good one's place.
    issue(&site.installation, "old", HOST, (LONG_AGO, "20210101000000Z")).await;
    install(&site.installation, "old", "old");
    site.reload().await;
    assert_eq!(site.connect().await.shown(), site.file("second.pem"));
    assert_eq!(site.installation.alerts().await, ["certificate_refused"]);
    install(&site.installation, "second", "second");
    site.reload().await;
    assert!(site.installation.alerts().await.is_empty());
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_is_refused_at_the_start_and_what_browsers_refuse_is_told() {
    let (site, _port) = installed().await;
    issue(&site, "other", HOST, (LONG_AGO, FAR_AHEAD)).await;
    let refused = async |what: &str| {
        let said = site.says(&["run"]).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(what), "{what}: {said:?}");
        assert!(!said.err.contains("PRIVATE KEY"), "{said:?}");
    };
    install(&site, "first", "other");
    refused("is not that of the certificate").await;
    fs::write(site.path("console.pem"), "nothing").unwrap();
    refused("there is no certificate in PEM in").await;
    install(&site, "first", "first");
    site.secret("console.key", b"nothing");
    refused("holds no private key in PEM").await;
    install(&site, "first", "first");
    let loose = |name: &str, mode| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(site.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    loose("console.key", 0o644);
    refused("chmod 600").await;
    loose("console.key", 0o600);
    loose("console.pem", 0o666);
    refused("may be written by others").await;
    loose("console.pem", 0o644);

    // What is told of one that is there and not good, or not for long.
    let findings = async || -> Vec<(String, String)> {
        let said = site.says(&["check", "--offline", "--json"]).await;
        let found = said.json()["host"].clone();
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        let all = found.as_array().unwrap().iter();
        all.map(|finding| (text(finding, "level"), text(finding, "what"))).collect()
    };
    assert_eq!(findings().await, []);
    let soon = revoked::clock::Clock::system()
        .now()
        .plus(std::time::Duration::from_hours(60))
        .to_string();
    let soon = format!("{}000000Z", soon[..10].replace('-', ""));
    for (name, host, until, level, what) in [
        (
            "old",
            HOST,
            "20210101000000Z",
            "error",
            "is not good: it has expired on 2021-01-01T00:00:00.000Z",
        ),
        (
            "strange",
            "other.example.test",
            FAR_AHEAD,
            "error",
            "is not good: it is not for console.example.test:",
        ),
        ("soon", HOST, soon.as_str(), "warning", "expires in "),
    ] {
        issue(&site, name, host, (LONG_AGO, until)).await;
        install(&site, name, name);
        let found = findings().await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].0 == level && found[0].1.contains(what), "{found:?}");
    }
    // Ending access does not wait for a page: it starts all the same, and alerts.
    install(&site, "old", "old");
    let running = site.start().await;
    crate::harness::until("the alert", async || {
        (site.alerts().await == ["certificate_expires"]).then_some(())
    })
    .await;
    running.stop().await;
}
