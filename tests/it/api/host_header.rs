//! The `Host` header: two readers must not believe two hosts.

use revoked::api::Limits;

use super::{TestServer, body, status};

#[tokio::test]
async fn a_request_of_http_1_1_names_its_host_once() {
    let server = TestServer::start(Limits::default()).await;
    for (version, hosts, expected) in [
        ("1.1", "Host: x\r\n", 200),
        ("1.1", "Host: revoked.example.org:8480\r\n", 200),
        ("1.1", "Host: [::1]:8480\r\n", 200),
        ("1.1", "Host:\r\n", 200),
        ("1.1", "", 400),
        ("1.1", "Host: x\r\nHost: x\r\n", 400),
        ("1.1", "Host: x\r\nhost: y\r\n", 400),
        ("1.1", "Host: x y\r\n", 400),
        ("1.1", "Host: x/y\r\n", 400),
        ("1.1", "Host: me@x\r\n", 400),
        ("1.0", "", 200),
        ("1.0", "Host: x\r\n", 200),
        ("1.0", "Host: x\r\nHost: y\r\n", 400),
    ] {
        let request = format!("GET /livez HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
        let answer = server.ask(request).await;
        assert_eq!(status(&answer), expected, "{version} {hosts:?}: {answer}");
        if expected == 400 {
            let problem: serde_json::Value = serde_json::from_str(body(&answer)).unwrap();
            assert!(problem["detail"].as_str().unwrap().contains("Host"), "{problem}");
        }
    }
    assert_eq!(server.delivered(), 0);
}
