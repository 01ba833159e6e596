//! What this target can do, and what it cannot reach.

use super::Mattermost;
use super::apply::end_sessions::after_sessions;
use crate::model::{Capabilities, GrantKind, Sentence};

/// The kinds of grant that there are at a Mattermost server.
pub const GRANTS: [GrantKind; 10] = [
    GrantKind::Session,
    GrantKind::AccessToken,
    GrantKind::OauthGrant,
    GrantKind::OauthAuthorization,
    GrantKind::OauthApp,
    GrantKind::Bot,
    GrantKind::BotToken,
    GrantKind::IncomingWebhook,
    GrantKind::OutgoingWebhook,
    GrantKind::SlashCommand,
];

/// What can be done at the server as far as it is known.
pub(super) fn capabilities(target: &Mattermost) -> Capabilities {
    Capabilities {
        ends: GRANTS.into(),
        lists: GRANTS.into(),
        disables: [GrantKind::AccessToken].into(),
        suspends: true,
        resets_password: true,
        ends_all_sessions: true,
        after_sessions: after_sessions(target),
        set_size: 1,
        not_covered: not_covered(target),
        ..Capabilities::default()
    }
}

/// What lives on and cannot be ended or seen through the API.
fn not_covered(target: &Mattermost) -> Vec<Sentence> {
    let version = target.api.version();
    let mut lines: Vec<&'static str> = Vec::new();
    if !version.is_some_and(super::api::version::Version::refuses_stale_refresh) {
        lines.push(
            "an OAuth refresh token whose session row was cleaned away is in no list and survives (fixed upstream by MM-68983, June 2026): \
             a watch sweep ends what it makes; a new secret of the app or deleting the app ends it",
        );
    }
    lines.extend([
        "an incoming webhook that the person made in another's name: the server shows only as whom it posts, and not who made it",
        "invite links of teams that the person knows, and mailed invitations (48 hours): regenerate the team's invite id, and delete the \
         pending invitations",
        "public links to files: only a new PublicLinkSalt ends them, for everybody",
        "links that plugins hold (Jira, GitHub and the like): end them in each plugin",
        "the address to which a slash command answers (30 minutes after its last use)",
    ]);
    match version {
        None => {
            lines.push("connections that are open: the server did not name its version; before 9.10 they go on delivering posts");
        }
        Some(_) if target.api.nodes.is_empty() => {
            lines.push(
                "a cluster node that missed a message keeps ended sessions in its cache for as long as they are used: list `nodes`",
            );
        }
        Some(_) => {}
    }
    lines.into_iter().map(Sentence::from).collect()
}
