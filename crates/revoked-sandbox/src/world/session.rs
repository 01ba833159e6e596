//! Sessions: what a login, a personal access token or an OAuth app leaves behind.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::{Person, World};
use crate::Id;

/// One session row.
#[derive(Debug, Clone)]
pub struct Session {
    /// The row's id, which the API lists.
    pub id: Id,
    /// The secret that a client sends; for a session made from a personal access token, that token's secret.
    pub token: Id,
    /// Whose session it is.
    pub person: Id,
    /// What made it.
    pub kind: SessionKind,
    /// Protects cookie logins; `None` for sessions made from a personal access token.
    pub csrf: Option<Id>,
    /// Milliseconds since the epoch.
    pub create_at: i64,
    /// Milliseconds since the epoch. An expired row is refused, but listed until the daily cleaning.
    pub expires_at: i64,
    /// Milliseconds since the epoch; the list is ordered by it, newest first.
    pub last_activity_at: i64,
    /// The push id of a mobile device, else empty.
    pub device_id: Cow<'static, str>,
}

/// What made a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionKind {
    /// A login by password or single sign-on.
    Login(Browser),
    /// The use of a personal access token.
    AccessToken {
        /// The token's id.
        token: Id,
    },
    /// An OAuth app.
    OAuth {
        /// The app's id.
        app: Id,
    },
}

/// What the server made of a client's `User-Agent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// For example `Chrome/119.0`.
    pub browser: Cow<'static, str>,
    /// For example `Windows 10`.
    pub os: &'static str,
    /// For example `Windows`.
    pub platform: &'static str,
}

impl Browser {
    /// A browser on Linux.
    #[must_use]
    pub fn web() -> Self {
        Self {
            browser: "Chrome/119.0".into(),
            os: "Linux",
            platform: "Linux",
        }
    }

    /// The desktop app.
    #[must_use]
    pub fn desktop() -> Self {
        Self {
            browser: "Desktop App/5.2.0".into(),
            os: "Windows 10",
            platform: "Windows",
        }
    }

    /// The mobile app on Android.
    #[must_use]
    pub fn mobile() -> Self {
        Self {
            browser: "Unknown/0.0".into(),
            os: "Android",
            platform: "Linux",
        }
    }

    /// Reads a `User-Agent` as far as the sandbox needs it.
    #[must_use]
    pub fn of(user_agent: &str) -> Self {
        let product = |name: &str| {
            let version = user_agent.split_once(name)?.1.strip_prefix('/')?;
            Some(version.split([' ', ')']).next().unwrap_or_default().to_owned())
        };
        if let Some(version) = product("Mattermost") {
            return Self {
                browser: format!("Desktop App/{version}").into(),
                ..Self::desktop()
            };
        }
        if user_agent.contains("Android") {
            return Self::mobile();
        }
        match product("Chrome") {
            Some(version) => Self {
                browser: format!("Chrome/{version}").into(),
                ..Self::web()
            },
            None => Self {
                browser: "Unknown/0.0".into(),
                os: "",
                platform: "Windows",
            },
        }
    }
}

/// A session as the API shows it: without its secret, but with its CSRF value.
#[derive(Debug, Serialize)]
pub struct SessionView<'a> {
    id: Id,
    token: &'static str,
    create_at: i64,
    expires_at: i64,
    last_activity_at: i64,
    user_id: Id,
    device_id: &'a str,
    roles: &'a str,
    is_oauth: bool,
    expired_notify: bool,
    props: BTreeMap<&'static str, Cow<'a, str>>,
    team_members: Vec<TeamMember>,
    local: bool,
}

#[derive(Debug, Serialize)]
struct TeamMember {
    team_id: Id,
    user_id: Id,
    roles: &'static str,
    delete_at: i64,
    scheme_guest: bool,
    scheme_user: bool,
    scheme_admin: bool,
    explicit_roles: &'static str,
}

const fn flag(yes: bool) -> Cow<'static, str> {
    Cow::Borrowed(if yes { "true" } else { "false" })
}

impl Session {
    /// Whether an OAuth app holds it.
    #[must_use]
    pub fn is_oauth(&self) -> bool {
        matches!(self.kind, SessionKind::OAuth { .. })
    }

    /// The session as the API shows it.
    #[must_use]
    pub fn view<'a>(&'a self, world: &'a World, person: &'a Person) -> SessionView<'a> {
        let mut props = BTreeMap::new();
        match &self.kind {
            SessionKind::Login(browser) => {
                props.insert("browser", Cow::Borrowed(&*browser.browser));
                props.insert("os", browser.os.into());
                props.insert("platform", browser.platform.into());
                props.insert("isMobile", flag(false));
                props.insert(
                    "isOAuthUser",
                    flag(matches!(&*person.auth_service, "gitlab" | "google" | "office365" | "openid")),
                );
                props.insert("isSaml", flag(person.auth_service == "saml"));
                props.insert("is_guest", flag(person.is_guest()));
            }
            SessionKind::AccessToken { token } => {
                props.insert("type", "UserAccessToken".into());
                props.insert("user_access_token_id", token.to_string().into());
                props.insert("is_guest", flag(person.is_guest()));
                if person.is_bot() {
                    props.insert("is_bot", flag(true));
                }
            }
            SessionKind::OAuth { app } => {
                let name = world.apps.get(*app).map_or("", |app| app.name.as_str());
                props.insert("browser", "OAuth2".into());
                props.insert("os", "OAuth2".into());
                props.insert("platform", name.into());
                props.insert("oauth_app_id", app.to_string().into());
                props.insert("mattermost_app_id", "".into());
            }
        }
        if let Some(csrf) = self.csrf {
            props.insert("csrf", csrf.to_string().into());
        }
        SessionView {
            id: self.id,
            token: "",
            create_at: self.create_at,
            expires_at: self.expires_at,
            last_activity_at: self.last_activity_at,
            user_id: self.person,
            device_id: &self.device_id,
            roles: &person.roles,
            is_oauth: self.is_oauth(),
            expired_notify: false,
            props,
            team_members: person
                .teams
                .iter()
                .map(|(team, admin)| TeamMember::of(*team, person.id, *admin))
                .collect(),
            local: false,
        }
    }
}

impl TeamMember {
    fn of(team: Id, person: Id, admin: bool) -> Self {
        Self {
            team_id: team,
            user_id: person,
            roles: if admin { "team_user team_admin" } else { "team_user" },
            delete_at: 0,
            scheme_guest: false,
            scheme_user: true,
            scheme_admin: admin,
            explicit_roles: "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_names_the_client() {
        assert_eq!(
            Browser::of("curl/8"),
            Browser {
                browser: "Unknown/0.0".into(),
                os: "",
                platform: "Windows"
            }
        );
        assert_eq!(
            Browser::of("Mozilla/5.0 (X11; Linux x86_64) Chrome/119.0 Safari/537.36").browser,
            "Chrome/119.0"
        );
        assert_eq!(
            Browser::of("Mozilla/5.0 Chrome/1 Electron/2 Mattermost/5.2.0").browser,
            "Desktop App/5.2.0"
        );
    }
}
