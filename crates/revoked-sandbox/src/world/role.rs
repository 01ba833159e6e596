//! Roles and the permissions that they give, as far as the routes ask for them.

use std::collections::{BTreeMap, BTreeSet};

/// The roles of a server by name.
#[derive(Debug, Clone)]
pub struct Roles(BTreeMap<String, BTreeSet<String>>);

/// Roles that can only be given with a licence.
const LICENSED: [&str; 4] = [
    "system_user_manager",
    "system_manager",
    "system_read_only_admin",
    "system_custom_group_admin",
];

const USER: [&str; 4] = ["create_team", "list_public_teams", "join_public_teams", "view_members"];

/// What the recorded server gave to the role as shipped: enough to look around in the console, and nothing that ends access.
const USER_MANAGER: [&str; 9] = [
    "view_team",
    "manage_team",
    "manage_team_roles",
    "add_user_to_team",
    "remove_user_from_team",
    "list_public_teams",
    "list_private_teams",
    "sysconsole_write_user_management_groups",
    "sysconsole_write_user_management_teams",
];

const TEAM_ADMIN: [&str; 7] = [
    "manage_team",
    "manage_incoming_webhooks",
    "manage_others_incoming_webhooks",
    "manage_outgoing_webhooks",
    "manage_others_outgoing_webhooks",
    "manage_slash_commands",
    "manage_others_slash_commands",
];

const TOKEN_HOLDER: [&str; 3] = [
    "create_user_access_token",
    "read_user_access_token",
    "revoke_user_access_token",
];

impl Default for Roles {
    fn default() -> Self {
        let mut roles = BTreeMap::new();
        let mut put = |name: &str, permissions: &[&str]| {
            roles.insert(
                name.to_owned(),
                permissions.iter().map(|&permission| permission.to_owned()).collect(),
            );
        };
        put("system_user", &USER);
        put("system_guest", &[]);
        put("system_admin", &["manage_system"]);
        put("system_user_access_token", &TOKEN_HOLDER);
        put("system_post_all", &[]);
        put("system_user_manager", &USER_MANAGER);
        put(
            "system_manager",
            &["sysconsole_read_user_management_users", "invalidate_caches"],
        );
        put("system_read_only_admin", &["sysconsole_read_user_management_users"]);
        put("system_custom_group_admin", &[]);
        put("team_user", &[]);
        put("team_admin", &TEAM_ADMIN);
        Self(roles)
    }
}

impl Roles {
    /// Whether one of `names` (space-separated) gives the permission. The system administrator has every one.
    #[must_use]
    pub fn allows(&self, names: &str, permission: &str) -> bool {
        names
            .split(' ')
            .any(|name| name == "system_admin" || self.0.get(name).is_some_and(|given| given.contains(permission)))
    }

    /// Whether there is such a role.
    #[must_use]
    pub fn exists(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether giving the role takes a licence.
    #[must_use]
    pub fn needs_licence(name: &str) -> bool {
        LICENSED.contains(&name)
    }

    /// Adds permissions to a role, and the role where it is new.
    pub fn permit(&mut self, name: &str, permissions: &[&str]) {
        let given = self.0.entry(name.to_owned()).or_default();
        given.extend(permissions.iter().map(|&permission| permission.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_administrator_may_everything_and_a_person_nothing_that_ends_access() {
        let mut roles = Roles::default();
        assert!(roles.allows("system_user system_admin", "anything at all"));
        assert!(!roles.allows("system_user", "edit_other_users"));
        assert!(!roles.allows("system_user system_user_manager", "edit_other_users"));
        roles.permit("system_user_manager", &["edit_other_users"]);
        assert!(roles.allows("system_user system_user_manager", "edit_other_users"));
    }
}
