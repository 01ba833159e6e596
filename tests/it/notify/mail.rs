//! Mail: what is in it, and what becomes of it at servers that misbehave.

use std::time::Duration;

use revoked::notify::{Answer, Carrier as _, Parcel, Security, Smtp, SmtpServer};
use revoked::store::What;

use super::mail_server::{MailServer, Manner};
use super::{alert, parcel};

fn smtp(port: u16, security: Security) -> Smtp {
    let server = SmtpServer {
        host: "127.0.0.1".to_owned(),
        port,
        security,
        login: None,
        authority: None,
    };
    Smtp::new(&server, "revoked <revoked@example.org>".parse().unwrap())
        .unwrap()
        .within(Duration::from_secs(2))
}

fn mail(what: What, uid: &str) -> Parcel {
    Parcel {
        uid: uid.to_owned(),
        recipient: "ops@example.org".to_owned(),
        ..parcel(&[(what, alert("came_back", "job:9"))], true)
    }
}

fn header<'m>(mail: &'m str, name: &str) -> &'m str {
    let line = mail.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("no {name} in {mail}"))[name.len() + 1..].trim()
}

#[tokio::test]
async fn mails_about_one_thing_hang_together_and_the_same_one_has_the_same_name() {
    let server = MailServer::start(Manner::Takes).await;
    let smtp = smtp(server.port, Security::Loopback);
    for (what, uid) in [(What::Raised, "msg_1"), (What::Raised, "msg_1"), (What::Over, "msg_2")] {
        assert_eq!(smtp.carry(&mail(what, uid)).await, Answer::Taken);
    }
    let mails = server.mails();
    let ids: Vec<&str> = mails.iter().map(|mail| header(mail, "message-id")).collect();
    assert!(
        ids[0] == ids[1] && ids[0] != ids[2] && ids[0].ends_with("@example.org>"),
        "{ids:?}"
    );
    assert_eq!(header(&mails[0], "references"), header(&mails[2], "references"));
    assert_eq!(header(&mails[0], "auto-submitted"), "auto-generated");
    assert_eq!(header(&mails[0], "to"), "ops@example.org");
    assert!(header(&mails[0], "content-type").starts_with("text/plain"));
    assert!(mails[0].contains("revoked case show 4"), "{}", mails[0]);
    assert!(header(&mails[2], "subject").contains("over"), "{}", mails[2]);
}

#[tokio::test]
async fn a_server_that_greets_nobody_or_never_says_that_it_took_it_holds_nobody_up() {
    for manner in [Manner::NeverGreets, Manner::HangsAfterData] {
        let server = MailServer::start(manner).await;
        let began = tokio::time::Instant::now();
        let answer = smtp(server.port, Security::Loopback)
            .carry(&mail(What::Raised, "msg_1"))
            .await;
        assert_eq!(
            answer,
            Answer::Later("it did not answer within 2 s".to_owned(), None),
            "{manner:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(30), "{manner:?}");
    }
}

#[tokio::test]
async fn without_starttls_nothing_is_sent_and_it_is_not_tried_again() {
    let server = MailServer::start(Manner::Takes).await;
    let answer = smtp(server.port, Security::Required)
        .carry(&mail(What::Raised, "msg_1"))
        .await;
    assert!(
        matches!(&answer, Answer::Refused(why) if why.contains("STARTTLS")),
        "{answer:?}"
    );
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn what_a_server_does_not_take_now_is_tried_again_and_what_it_refuses_is_not() {
    for (said, again) in [("451 greylisted", true), ("550 no such mailbox", false)] {
        let server = MailServer::start(Manner::AnswersRecipients(said)).await;
        let answer = smtp(server.port, Security::Loopback)
            .carry(&mail(What::Raised, "msg_1"))
            .await;
        match answer {
            Answer::Later(why, _) => assert!(again && why.contains("451"), "{why}"),
            Answer::Refused(why) => assert!(!again && why.contains("550"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    let nobody = smtp(9, Security::Loopback).carry(&mail(What::Raised, "msg_1")).await;
    assert!(matches!(nobody, Answer::Later(..)), "{nobody:?}");
}
