//! Addresses that a message of SNS names: only those of SNS itself are looked at, and only in the one form that SNS writes. A looser reading
//! would take storage buckets that anybody may name `sns…`.

use reqwest::Url;

/// The longest address that is shown, in bytes.
const LONGEST: usize = 1024;

/// The address of a signing certificate: `https://sns.<region>.amazonaws.com/SimpleNotificationService-<hex>.pem`, with `.cn` in China.
/// `None` for any other, however alike.
pub(super) fn certificate(address: &str) -> Option<(Url, &str)> {
    let (host, path) = split(address)?;
    let hex = path.strip_prefix("SimpleNotificationService-")?.strip_suffix(".pem")?;
    let is_hex = !hex.is_empty() && hex.len() <= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| Url::parse(address).ok().map(|url| (url, host))).flatten()
}

/// An address of SNS that a person may be shown, such as the one that confirms a subscription.
pub(in crate::sources::webhook) fn shown(address: &str) -> Option<&str> {
    let (_, path) = split(address)?;
    (address.len() <= LONGEST && path.bytes().all(|byte| byte.is_ascii_graphic())).then_some(address)
}

/// The host and what follows its slash, where the host is one of SNS. Read byte for byte: what another reader would tidy up is refused.
fn split(address: &str) -> Option<(&str, &str)> {
    let (host, path) = address.strip_prefix("https://")?.split_once('/')?;
    let labels = host.strip_prefix("sns.")?;
    let region = labels
        .strip_suffix(".amazonaws.com")
        .or_else(|| labels.strip_suffix(".amazonaws.com.cn"))?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_region = (3..=32).contains(&region.len()) && region.bytes().all(plain) && !region.starts_with('-');
    is_region.then_some((host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_taken_from_the_hosts_of_sns_alone_and_in_one_form() {
        for good in [
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b2c3d.pem",
            "https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-00000000000000000000000000000000.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0A1B.pem",
        ] {
            assert_eq!(certificate(good).unwrap().0.as_str(), good);
        }
        for bad in [
            "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0a1b.pem",
            "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "https://sns.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "https://sns.s3.amazonaws.com/SimpleNotificationService-0a1b.pem.x",
            "https://sns.s3.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "https://sns-eu-west-1.s3.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "https://s3.amazonaws.com/sns/SimpleNotificationService-0a1b.pem",
            "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com:444/SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com:443/SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com/bucket/SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com//SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com\\@evil.example/SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem?x",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem#x",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-.pem",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-%61.pem",
            "https://sns.EU-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "https://SNS.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "https://sns.eu-west-1.amazonaws.com/x.pem",
            " https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "",
        ] {
            assert!(certificate(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_shown_only_where_it_leads_to_sns() {
        let confirm = "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-west-2:123456789012:MyTopic&Token=2336412f37";
        assert_eq!(shown(confirm), Some(confirm));
        let long = format!("{confirm}{}", "0".repeat(LONGEST));
        let broken = format!("{confirm}\u{1b}[2J");
        for bad in [
            "https://sns.example/",
            "https://sns.us-west-2.amazonaws.com",
            &long,
            &broken,
            "javascript:x",
        ] {
            assert_eq!(shown(bad), None, "{bad}");
        }
    }
}
