//! Amazon SNS begins, or ends, a subscription: somebody confirms it by opening an address (AWS, "HTTP/HTTPS subscription confirmation JSON
//! format"). We never open it: whoever could make us would make us ask anything of SNS.

use serde_json::Value;

use crate::digest::{hex, sha256};
use crate::model::{Alarm, AlarmKind};
use crate::sources::webhook::proof::shown;

/// The longest name of a topic that is shown, in characters (an ARN has 256 + 5 parts).
const LONGEST: usize = 300;

/// What a person is told, where `body` speaks of a subscription.
pub(super) fn notice(body: &Value, source: &str) -> Option<Alarm> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let begins = match text("Type")? {
        "SubscriptionConfirmation" => true,
        "UnsubscribeConfirmation" => false,
        _ => return None,
    };
    let (topic, address) = (text("TopicArn")?, text("SubscribeURL")?);
    // One topic's alert is not the next one's, and the end of a subscription leaves an open confirmation as it is.
    let about = format!(
        "{}:{}",
        if begins { "subscription" } else { "unsubscribed" },
        &hex(&sha256(topic.as_bytes()))[..16]
    );
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.');
    let topic: String = topic.chars().filter(plain).take(LONGEST).collect();
    let way = match (shown(address), begins) {
        (Some(address), true) => format!("confirm it by opening {address}"),
        (Some(address), false) => format!("nothing will come any more; if that is wrong, subscribe again by opening {address}"),
        (None, _) => "it names an address that is not one of SNS and is not shown: confirm it in the AWS console".to_owned(),
    };
    let what = if begins {
        "a subscription to"
    } else {
        "the end of the subscription to"
    };
    Some(Alarm {
        kind: AlarmKind::SenderNotice,
        about: Some(about),
        summary: Some(format!("source {source}: SNS says that {what} {topic} was asked for; {way}")),
    })
}
