//! Slack's incoming webhooks. The address is the secret; what others wrote becomes no mention and no link.

use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use reqwest::Url;
use serde_json::json;

use super::plain_text::{Writing, lines, short, subject};
use super::post::{address_of, post};
use super::{Answer, Carrier, Parcel, Persistence};
use crate::telemetry::sanitized;

/// Longer texts are cut by Slack, or split.
const LONGEST: usize = 4000;

pub(super) const WAITS: &[Duration] = &[
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
];
pub(super) const DAY: Duration = Duration::from_hours(24);

const WRITING: Writing = Writing {
    text: escaped,
    command: |command| format!("`{}`", escaped(&command.replace('`', "'"))),
    link: |link| format!("<{link}>"),
};

/// An incoming webhook of Slack.
pub struct Slack {
    /// Its address, which is its secret.
    pub url: Url,
    /// The client.
    pub client: reqwest::Client,
}

#[async_trait]
impl Carrier for Slack {
    async fn carry(&self, parcel: &Parcel) -> Answer {
        // Without its markup, but for what is written between angle brackets: no name is a mention, a link or a list.
        let body = json!({ "text": text(parcel), "mrkdwn": false, "unfurl_links": false, "unfurl_media": false });
        let reply = match post(
            &self.client,
            &self.url,
            HeaderMap::new(),
            body.to_string().into_bytes(),
            parcel.now,
        )
        .await
        {
            Ok(reply) => reply,
            Err(answer) => return answer,
        };
        match (reply.status.as_u16(), reply.text().as_str()) {
            (200, "ok") => Answer::Taken,
            (200, said) => Answer::Refused(format!("it answered 200 and not ok: {}", sanitized(said, 200))),
            (_, said) => reply.failure(said),
        }
    }

    fn persistence(&self) -> Persistence {
        Persistence::For(WAITS, DAY)
    }

    fn place(&self) -> String {
        "to a webhook of Slack".to_owned()
    }

    fn address(&self) -> Option<(String, u16)> {
        address_of(&self.url)
    }
}

fn text(parcel: &Parcel) -> String {
    let mut lines = lines(&parcel.told, &WRITING);
    if parcel.told.only().is_none() {
        lines.insert(0, subject(&parcel.told, &WRITING));
    }
    // Cut between lines, so that no escape is cut in two.
    let mut text = String::new();
    for line in lines {
        if text.len() + line.len() + 2 > LONGEST {
            text.push('…');
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&line);
    }
    short(&text, LONGEST)
}

/// `&`, `<` and `>` are all that Slack gives a meaning to.
fn escaped(text: &str) -> String {
    sanitized(text, 2000)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_wrote_is_a_mention_or_a_link() {
        assert_eq!(
            escaped("<!channel> <@U1> <https://evil.example|click> & \u{202e}x"),
            "&lt;!channel&gt; &lt;@U1&gt; &lt;https://evil.example|click&gt; &amp; \\u{202e}x"
        );
    }
}
