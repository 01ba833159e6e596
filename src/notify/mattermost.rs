//! Mattermost's incoming webhooks: Slack's form, Markdown, and mentions by `@`. What others wrote is neither of them.

use async_trait::async_trait;
use http::HeaderMap;
use reqwest::Url;
use serde_json::json;

use super::plain_text::{Writing, lines, short, subject};
use super::post::{address_of, post};
use super::slack::{DAY, WAITS};
use super::{Answer, Carrier, Parcel, Persistence};
use crate::telemetry::sanitized;

/// Longer texts are refused, or become several posts.
const LONGEST: usize = 16_000;

/// Seen by nobody, and the end of a mention for Mattermost.
const BREAK: char = '\u{200b}';

const WRITING: Writing = Writing {
    text: neutralised,
    command: |command| format!("`{}`", sanitized(command, 500).replace('`', "'")),
    link: |link| format!("<{link}>"),
};

/// An incoming webhook of Mattermost.
pub struct Mattermost {
    /// Its address, which is its secret.
    pub url: Url,
    /// The client.
    pub client: reqwest::Client,
}

#[async_trait]
impl Carrier for Mattermost {
    async fn carry(&self, parcel: &Parcel) -> Answer {
        let body = json!({ "text": text(parcel) }).to_string().into_bytes();
        let reply = match post(&self.client, &self.url, HeaderMap::new(), body, parcel.now).await {
            Ok(reply) => reply,
            Err(answer) => return answer,
        };
        match (reply.status.as_u16(), reply.text().as_str()) {
            (200, "ok") => Answer::Taken,
            (200, said) => Answer::Refused(format!("it answered 200 and not ok: {}", sanitized(said, 200))),
            (400, _) => Answer::Refused("it answered 400: it does not know this webhook, or does not take what we send".to_owned()),
            (501, _) => Answer::Refused("it answered 501: incoming webhooks are switched off there".to_owned()),
            _ => reply.failure(""),
        }
    }

    fn persistence(&self) -> Persistence {
        Persistence::For(WAITS, DAY)
    }

    fn place(&self) -> String {
        "to a webhook of Mattermost".to_owned()
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
    // Two blanks keep the end of a line in Markdown.
    short(&lines.join("  \n"), LONGEST)
}

/// A text that says what it said, and mentions, links, formats and draws nothing. A backslash keeps Markdown off, and not mentions: those are
/// broken by a character that nobody sees.
fn neutralised(text: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    for c in sanitized(text, 4000).chars() {
        // An address is a link, and a name between colons a picture.
        if matches!(before, '@' | ':' | '~' | '/') && !c.is_whitespace() || before == '<' && c == '!' || before == 'w' && c == '.' {
            out.push(BREAK);
        }
        if "\\`*_{}[]()#+-!|~<>&$^=".contains(c) {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_wrote_is_a_mention_a_link_or_a_picture() {
        for text in [
            "@all",
            "@here",
            "@channel",
            "@ann.lee",
            "<!channel>",
            ":fire:",
            "~town-square",
            "https://evil.example",
            "www.evil.example",
        ] {
            let out = neutralised(text);
            assert!(!out.contains(text), "{out}");
            let visible: String = out.chars().filter(|c| *c != BREAK && *c != '\\').collect();
            assert_eq!(visible, text);
        }
        assert_eq!(neutralised("**bold** [a](b)"), "\\*\\*bold\\*\\* \\[a\\]\\(b\\)");
    }
}
