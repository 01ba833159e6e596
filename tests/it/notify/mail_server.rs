//! A mail server that takes mail, or misbehaves in one of the ways that mail servers have.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// It takes everything.
    Takes,
    /// It takes connections and says nothing.
    NeverGreets,
    /// It takes the mail and never says so.
    HangsAfterData,
    /// It answers every recipient so.
    AnswersRecipients(&'static str),
}

/// A mail server, ended when dropped.
pub(super) struct MailServer {
    pub(super) port: u16,
    mails: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl MailServer {
    pub(super) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        let serving = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let kept = Arc::clone(&kept);
                tokio::spawn(async move { drop(serve(stream, manner, &kept).await) });
            }
        });
        Self { port, mails, serving }
    }

    /// Each mail that was handed over, as it came.
    pub(super) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(stream: TcpStream, manner: Manner, kept: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    if manner == Manner::NeverGreets {
        // Until the other side has had enough.
        while lines.next_line().await?.is_some() {}
        return Ok(());
    }
    write.write_all(b"220 mail.example.test ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let answer = match line.split_whitespace().next().unwrap_or_default() {
            "EHLO" => "250-mail.example.test\r\n250 8BITMIME",
            "RCPT" => match manner {
                Manner::AnswersRecipients(answer) => answer,
                _ => "250 ok",
            },
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    mail.push_str(&line);
                    mail.push('\n');
                }
                kept.lock().unwrap().push(mail);
                if manner == Manner::HangsAfterData {
                    while lines.next_line().await?.is_some() {}
                    return Ok(());
                }
                "250 taken"
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 ok",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}
