//! What to type about an alert.

/// The command that shows what is behind an alert, or decides it. An alert of which nothing more is to be looked up is cleared. `suspends` is
/// whether there is a suspension by the case that a release would undo.
pub(super) fn next_command(id: i64, kind: &str, key: &str, (case, suspends): (Option<i64>, bool)) -> String {
    let about = |prefix: &str| key.strip_prefix(prefix);
    match (kind, case) {
        ("hold", _) => about("hold:").map_or("revoked hold list".to_owned(), |hold| format!("revoked hold show {hold}")),
        ("lane_paused" | "config_refused" | "certificate_refused" | "certificate_expires", _) => "revoked check".to_owned(),
        ("target_down", _) => "revoked target list".to_owned(),
        ("target_paused", _) => about("target:").map_or_else(
            || "revoked target list".to_owned(),
            |target| format!("revoked target resume {target}"),
        ),
        ("batch_paused", _) => about("batch:").map_or_else(
            || "revoked batch list".to_owned(),
            |batch| format!("revoked batch show {batch}"),
        ),
        ("canary_survived" | "canary_untried", _) => "revoked check --prove".to_owned(),
        ("group_list", _) => "revoked policy groups".to_owned(),
        ("unresolved" | "identity_conflict", _) => "revoked subject unresolved".to_owned(),
        ("rescinded_too_late", Some(case)) if suspends => format!("revoked release {case}"),
        ("departure_unclear" | "departed_late" | "rescinded_too_late", None) => about("departure:").map_or_else(
            || "revoked departures list".to_owned(),
            |departure| format!("revoked departures show {departure}"),
        ),
        ("departure_called_off", _) => about("departure:").map_or_else(
            || "revoked departures list --state cancelled".to_owned(),
            |departure| format!("revoked departures show {departure}"),
        ),
        ("receiver_refuses", _) => about("receiver:").map_or_else(
            || "revoked transmitter status".to_owned(),
            |receiver| format!("revoked transmitter retry {receiver}"),
        ),
        ("receiver_down", _) => "revoked transmitter status".to_owned(),
        (
            "source_unreadable" | "source_silent" | "door_closed" | "acks_refused" | "stream_silent" | "stream_stopped"
            | "opt_out_effective",
            _,
        ) => "revoked source list".to_owned(),
        ("trail_broken" | "anchor_lost" | "trail_key_lost" | "checkpoint_failed", _) => "revoked trail verify".to_owned(),
        ("disk_full" | "clock_differs", _) => "revoked status".to_owned(),
        ("quarantine", None) if key.contains(":file:") => aside(key),
        ("alert_untold", _) => "revoked alert test".to_owned(),
        ("notify_failing" | "notify_refused", _) => about("channel:").map_or_else(
            || "revoked notify list".to_owned(),
            |channel| format!("revoked notify test {channel}"),
        ),
        (_, Some(case)) => format!("revoked case show {case}"),
        (_, None) => about("case:").map_or_else(
            || format!("revoked alert clear {id}"),
            |case| format!("revoked case show {case}"),
        ),
    }
}

/// The command that shows why a file, or rows of it, were put aside: by the beginning of the hash that their names hold.
fn aside(key: &str) -> String {
    let hash = key.rsplit_once(":file:").map_or("", |(_, hash)| hash);
    let short = hash
        .get(..8)
        .filter(|short| short.bytes().all(|byte| byte.is_ascii_hexdigit()));
    short.map_or_else(
        || "revoked source hr aside".to_owned(),
        |short| format!("revoked source hr aside {short}"),
    )
}

#[cfg(test)]
mod tests {
    use super::next_command;

    #[test]
    fn each_alert_names_a_command_about_what_it_is_about() {
        let next = |kind, key, case| next_command(7, kind, key, (case, true));
        assert_eq!(next("hold", "hold:3", None), "revoked hold show 3");
        assert_eq!(next("could_not_revoke", "job:9", Some(4)), "revoked case show 4");
        assert_eq!(next("rescinded_too_late", "departure:2", Some(4)), "revoked release 4");
        assert_eq!(next("rescinded_too_late", "departure:2", None), "revoked departures show 2");
        assert_eq!(
            next_command(7, "rescinded_too_late", "departure:2", (Some(4), false)),
            "revoked case show 4"
        );
        assert_eq!(
            next("departure_called_off", "source:hr", None),
            "revoked departures list --state cancelled"
        );
        assert_eq!(
            next("departure_called_off", "departure:2", Some(4)),
            "revoked departures show 2"
        );
        assert_eq!(next("target_paused", "target:chat", None), "revoked target resume chat");
        assert_eq!(next("batch_paused", "batch:00ff-17", None), "revoked batch show 00ff-17");
        assert_eq!(next("quarantine", "source:hr", None), "revoked alert clear 7");
        assert_eq!(
            next("quarantine", "source:hr:file:3f2a91bc00112233", None),
            "revoked source hr aside 3f2a91bc"
        );
    }
}
