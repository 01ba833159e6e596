//! Descriptions that are compiled in: a file and a row here, and a row of [`KINDS`](crate::targets::KINDS), for each.

use super::build_shipped;
use crate::targets::{Kind, TargetRole};

/// Makes the row of a kind from its word, which is the name of its file too.
macro_rules! ship {
    ($($constant:ident = $name:literal, $role:ident, $tested:expr, $about:literal;)*) => {
        $(
            #[doc = concat!("The kind `", $name, "`.")]
            pub const $constant: Kind = Kind {
                name: $name,
                about: $about,
                role: TargetRole::$role,
                tested: &$tested,
                build: |settings, clock| build_shipped(include_str!(concat!($name, ".toml")), settings, clock),
            };
        )*

        /// Every description that is compiled in, by the word for its kind.
        pub const DESCRIPTIONS: &[(&str, &str)] = &[$(($name, include_str!(concat!($name, ".toml")))),*];
    };
}

ship! {
    SYNAPSE = "synapse", Application, ["1.163.2"], "a Matrix homeserver: Synapse, by its admin API";
    JUPYTERHUB = "jupyterhub", Application, ["6.1.1"], "JupyterHub, by its REST API";
    KEYSTONE = "keystone", IdentityProvider, ["30.0.0"], "OpenStack Identity (Keystone), API v3";
    SCIM = "scim", Application, ["scim2-server 0.8.3"], "any SCIM 2.0 service provider";
    RABBITMQ = "rabbitmq", Application, ["3.10.8"], "RabbitMQ, by its management API";
    ZABBIX = "zabbix", Application, ["6.0.14"], "Zabbix, by its JSON-RPC API";
    PRIVACYIDEA = "privacyidea", Application, ["3.14"], "privacyIDEA: second factors";
    DIRECTUS = "directus", Application, [], "Directus, by its REST API";
    OKTA = "okta", IdentityProvider, [], "Okta, by its management API";
    ENTRA = "entra", IdentityProvider, [], "Microsoft Entra ID, by Graph v1.0";
    GOOGLE_WORKSPACE = "google-workspace", IdentityProvider, [], "Google Workspace, by the Admin SDK directory API";
    KEYCLOAK = "keycloak", IdentityProvider, [], "a Keycloak realm, by the admin REST API";
    AUTH0 = "auth0", IdentityProvider, [], "an Auth0 tenant, by the Management API v2";
    GITHUB_ORG = "github-org", Application, [], "a GitHub organisation, by a GitHub App";
    GITLAB = "gitlab", Application, [], "GitLab self-managed, API v4, an administrator's token";
    SLACK = "slack", Application, [], "Slack Enterprise, by the admin and SCIM methods";
    GRAFANA = "grafana", Application, [], "Grafana, by the server administrator's basic authentication";
    ATLASSIAN = "atlassian", Application, [], "Atlassian Cloud, managed accounts of an organisation";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::DESCRIPTIONS;
    use crate::settings::ConfigReport;
    use crate::targets::KINDS;
    use crate::targets::described::Description;

    #[test]
    fn every_shipped_description_reads_and_says_what_its_row_says() {
        for (name, text) in DESCRIPTIONS {
            let description = Description::read(text).unwrap_or_else(|mistakes| {
                panic!("{}", ConfigReport::new(format!("{name}.toml"), text, mistakes));
            });
            let row = KINDS.iter().find(|kind| kind.name == *name);
            let row = row.unwrap_or_else(|| panic!("{name} has no row in KINDS"));
            assert_eq!(description.name, *name);
            assert_eq!(description.about, row.about, "{name}");
            assert_eq!(description.role, row.role, "{name}");
            assert_eq!(description.tested, row.tested, "{name}");
        }
        let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len(), "a kind has two rows");
    }
}
