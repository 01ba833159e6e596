//! A mail server of somebody else's that takes mail over TLS from whoever logs in.

use std::fs;
use std::time::Duration;

use revoked::notify::{Answer, Carrier as _, Parcel, Security, Smtp, SmtpServer};

use super::Server;
use crate::notify::mail_to;

/// Of the login that the server knows.
const PASSWORD: &str = "mail-of-the-tests";

/// What the server keeps.
fn kept(server: &Server) -> Vec<String> {
    let mails = fs::read_dir(server.data("mail/new")).into_iter().flatten();
    mails.map(|mail| fs::read_to_string(mail.unwrap().path()).unwrap()).collect()
}

/// What comes of a mail.
async fn carried(server: &Server, place: usize, security: Security, password: &str, is_known: bool) -> Answer {
    let settings = SmtpServer {
        host: "localhost".to_owned(),
        port: server.port(place),
        security,
        login: Some(("revoked".to_owned(), password.into())),
        authority: is_known.then(|| fs::read(server.data("ca.pem")).unwrap()),
    };
    let mail: Parcel = mail_to("ops@example.org");
    Smtp::new(&settings, "revoked@example.org".parse().unwrap())
        .unwrap()
        .within(Duration::from_secs(30))
        .carry(&mail)
        .await
}

#[tokio::test]
async fn mail_is_taken_over_starttls_and_tls_from_whoever_logs_in_at_a_server_that_is_known() {
    let ready = async |server: &Server| server.accepts(0).await && server.accepts(1).await;
    let Some(server) = Server::start("aiosmtpd", 2, ready).await else {
        return;
    };
    for (place, security) in [(0, Security::Required), (1, Security::Implicit)] {
        assert_eq!(
            carried(&server, place, security, PASSWORD, true).await,
            Answer::Taken,
            "{security:?}"
        );
        let refused = carried(&server, place, security, "wrong", true).await;
        assert!(matches!(&refused, Answer::Refused(why) if why.contains("535")), "{refused:?}");
        let unknown = carried(&server, place, security, PASSWORD, false).await;
        assert!(
            !matches!(unknown, Answer::Taken),
            "an authority that nobody knows: {unknown:?}"
        );
    }
    let mails = kept(&server);
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|mail| mail.contains("To: ops@example.org")), "{mails:?}");
}
