//! Amazon SNS: the signature stands in the body, over some of its members, by a certificate that the body names (AWS, "Verifying the signatures
//! of Amazon SNS messages"). Any customer of AWS has messages signed so, which is why the topic is checked too.

mod address;
mod certificate_cache;
mod certificate_chain;
mod certificates;

use std::time::Duration;

use ::http::HeaderMap;
use serde_json::{Map, Value};

use super::fresh;
use crate::jose::read_object;
use crate::model::Timestamp;
use crate::sources::Rejection;
use crate::sources::webhook::answer::untrusted;
use crate::sources::webhook::values::encoding::Encoding;
use crate::sources::webhook::values::time_format::TimeFormat;

pub(in crate::sources::webhook) use address::shown;
pub(in crate::sources::webhook) use certificates::Certificates;

/// The members that are signed, in their order, where they are there.
const NOTIFICATION: &[&str] = &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
const CONFIRMATION: &[&str] = &[
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
];
/// The one that may be missing.
const OPTIONAL: &str = "Subject";
/// What a topic says when it is told to deliver bare messages, which are not signed.
const RAW: &str = "x-amz-sns-rawdelivery";

/// Messages of some topics.
pub(in crate::sources::webhook) struct Sns {
    /// The topics' ARNs, byte for byte.
    pub(in crate::sources::webhook) topics: Vec<String>,
    /// The certificates of those who sign.
    pub(in crate::sources::webhook) certificates: Certificates,
    /// How old a message may be, and how far in the future.
    pub(in crate::sources::webhook) tolerance: Duration,
}

impl Sns {
    /// Checks one message and gives its id.
    ///
    /// # Errors
    /// 401; 503 where the certificate cannot be had.
    pub(super) async fn check(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<String, Rejection> {
        if headers.contains_key(RAW) {
            return Err(untrusted(
                "raw messages are not signed; switch raw message delivery off at the subscription",
            ));
        }
        let message = read_object(body).map_err(|_| untrusted("the body is not a message of SNS"))?;
        let text = |name: &str| message.get(name).and_then(Value::as_str);
        match text("SignatureVersion") {
            Some("2") => {}
            Some("1") => {
                return Err(untrusted(
                    "signature version 1 is by SHA-1, which is not taken; set the topic's attribute SignatureVersion to 2",
                ));
            }
            _ => return Err(untrusted("the message names no signature version that is known here")),
        }
        let topic = text("TopicArn").unwrap_or_default();
        if !self.topics.iter().any(|ours| ours == topic) {
            return Err(untrusted("the message is of a topic that is not among those of this source"));
        }
        let at = text("Timestamp").and_then(|at| TimeFormat::Rfc3339.read_text(at));
        fresh(at.ok_or_else(|| untrusted("the message names no time"))?, now, self.tolerance)?;
        let signed = signed(&message).ok_or_else(|| untrusted("a member that is signed is missing or not a text"))?;
        let signature = text("Signature").and_then(|signature| Encoding::Base64.decode(signature));
        let signature = signature.ok_or_else(|| untrusted("the message holds no signature in base64"))?;
        // Lambda spells it in another way than HTTP; whoever forwards its events keeps the spelling.
        let address = text("SigningCertURL").or_else(|| text("SigningCertUrl")).unwrap_or_default();
        self.certificates.check(address, signed.as_bytes(), &signature, now).await?;
        Ok(text("MessageId").unwrap_or_default().to_owned())
    }
}

/// What is signed: the name and the value of each member, each with a line break behind it; values as they are once the JSON is read.
fn signed(message: &Map<String, Value>) -> Option<String> {
    let names = match message.get("Type")?.as_str()? {
        "Notification" => NOTIFICATION,
        "SubscriptionConfirmation" | "UnsubscribeConfirmation" => CONFIRMATION,
        _ => return None,
    };
    let mut signed = String::new();
    for name in names {
        match message.get(*name) {
            Some(Value::String(value)) => signed.extend([*name, "\n", value.as_str(), "\n"]),
            None | Some(Value::Null) if *name == OPTIONAL => {}
            _ => return None,
        }
    }
    Some(signed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_signed_by_name_in_their_order_and_a_subject_only_where_there_is_one() {
        let mut message = json!({
            "Type": "Notification", "MessageId": "m", "TopicArn": "arn:t", "Message": "zwei\nZeilen \u{e4}", "Timestamp": "T", "Subject": "s",
            "Signature": "no", "UnsubscribeURL": "no",
        });
        let signed_of = |message: &Value| signed(message.as_object().unwrap());
        let whole = "Message\nzwei\nZeilen \u{e4}\nMessageId\nm\nSubject\ns\nTimestamp\nT\nTopicArn\narn:t\nType\nNotification\n";
        assert_eq!(signed_of(&message).as_deref(), Some(whole));
        message["Subject"] = Value::Null;
        assert_eq!(signed_of(&message), Some(whole.replace("Subject\ns\n", "")));
        message["Message"] = json!(7);
        assert_eq!(signed_of(&message), None);
        message["Type"] = json!("SubscriptionConfirmation");
        for name in ["Message", "SubscribeURL", "Token"] {
            message[name] = json!(name.to_lowercase());
        }
        let confirmation = "Message\nmessage\nMessageId\nm\nSubscribeURL\nsubscribeurl\nTimestamp\nT\nToken\ntoken\nTopicArn\narn:t\nType\nSubscriptionConfirmation\n";
        assert_eq!(signed_of(&message).as_deref(), Some(confirmation));
        message["Type"] = json!("Other");
        assert_eq!(signed_of(&message), None);
    }
}
