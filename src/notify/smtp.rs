//! Mail: plain text, one message for each recipient, over TLS. What a server took is handed over, not delivered.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use super::plain_text::{Writing, lines, short, subject};
use super::{Answer, Carrier, Parcel, Persistence};
use crate::digest::{hex, sha256};
use crate::telemetry::sanitized;

/// For a message as a whole: the library bounds no more than the connection, and a server that greets nobody would hold us for ever.
const TOTAL: Duration = Duration::from_mins(1);
const CONNECT: Duration = Duration::from_secs(10);
const WAITS: &[Duration] = &[
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_mins(30),
    Duration::from_hours(1),
];
const DAY: Duration = Duration::from_hours(24);

const PLAIN: Writing = Writing {
    text: |text| sanitized(text, 2000),
    command: |command| format!("    {}", sanitized(command, 500)),
    link: |link| format!("    {link}"),
};

/// How the connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte, as at port 465.
    Implicit,
    /// STARTTLS, without which nothing is sent.
    Required,
    /// None: a server of this host.
    Loopback,
}

/// The server that takes our mail.
pub struct SmtpServer {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// Who we are to it.
    pub login: Option<(String, SecretString)>,
    /// An authority besides the system's, in PEM.
    pub authority: Option<Vec<u8>>,
}

/// A channel of mail.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    server: (String, u16),
    from: Mailbox,
    total: Duration,
}

impl Smtp {
    /// Makes ready to send by a server, in the name of `from`.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn new(server: &SmtpServer, from: Mailbox) -> Result<Self, lettre::transport::smtp::Error> {
        let tls = || {
            let mut parameters = TlsParameters::builder(server.host.clone());
            if let Some(pem) = &server.authority {
                parameters = parameters.add_root_certificate(Certificate::from_pem(pem)?);
            }
            parameters.build_rustls()
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .timeout(Some(CONNECT))
            .tls(match server.security {
                Security::Implicit => Tls::Wrapper(tls()?),
                Security::Required => Tls::Required(tls()?),
                Security::Loopback => Tls::None,
            });
        if let Some((name, password)) = &server.login {
            builder = builder.credentials(Credentials::new(name.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self {
            transport: builder.build(),
            server: (server.host.clone(), server.port),
            from,
            total: TOTAL,
        })
    }

    /// The same, with less time for a message.
    #[must_use]
    pub fn within(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    fn message(&self, parcel: &Parcel) -> Result<Message, String> {
        let to: Mailbox = parcel
            .recipient
            .parse()
            .map_err(|_| "the recipient is no address".to_owned())?;
        let host = self.from.email.domain();
        let told = &parcel.told;
        // By the thread, so that mail programs put together what is about one thing; the message itself by its delivery, so that the same one
        // sent twice is known for one.
        let thread = told
            .only()
            .map_or_else(|| format!("summary/{}", parcel.uid), |only| only.dedup_key.clone());
        let root = format!("<{}@{host}>", &hex(&sha256(thread.as_bytes()))[..32]);
        let id = format!("<{}.{}@{host}>", &hex(&sha256(thread.as_bytes()))[..32], parcel.uid);
        let mut text = lines(told, &PLAIN).join("\r\n");
        text.push_str("\r\n\r\n-- \r\nrevoked: this mail was written by a program; nobody reads answers.\r\n");
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(short(&format!("[revoked] {}", subject(told, &PLAIN)), 200))
            .message_id(Some(id))
            .references(root.clone())
            .in_reply_to(root)
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .date(std::time::SystemTime::UNIX_EPOCH + Duration::from_millis(parcel.now.ms().unsigned_abs()))
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|error| format!("the mail cannot be written: {error}"))
    }
}

#[async_trait]
impl Carrier for Smtp {
    async fn carry(&self, parcel: &Parcel) -> Answer {
        let message = match self.message(parcel) {
            Ok(message) => message,
            Err(why) => return Answer::Refused(why),
        };
        match timeout(self.total, self.transport.send(message)).await {
            // Whether it was taken is not known: it is sent again under the same Message-ID.
            Err(_) => Answer::Later(format!("it did not answer within {} s", self.total.as_secs()), None),
            Ok(Ok(_)) => Answer::Taken,
            Ok(Err(error)) => {
                let code = error.status().map_or(String::new(), |code| format!(" {code}"));
                if error.is_permanent() {
                    Answer::Refused(format!("the server refused it{code}"))
                } else if error.is_transient() {
                    Answer::Later(format!("the server does not take it now{code}"), None)
                } else if error.is_client() || error.is_tls() {
                    // Such as a server that offers no STARTTLS: no wait changes it.
                    Answer::Refused(format!(
                        "the connection is not as it must be: {}",
                        sanitized(&chain(&error), 200)
                    ))
                } else {
                    Answer::Later(format!("it cannot be reached: {}", sanitized(&chain(&error), 200)), None)
                }
            }
        }
    }

    fn persistence(&self) -> Persistence {
        Persistence::For(WAITS, DAY)
    }

    fn place(&self) -> String {
        format!("by {}:{}", self.server.0, self.server.1)
    }

    fn address(&self) -> Option<(String, u16)> {
        Some(self.server.clone())
    }
}

/// An error with its causes, on one line.
fn chain(error: &lettre::transport::smtp::Error) -> String {
    crate::model::error_chain(error).to_string()
}
