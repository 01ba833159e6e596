//! Adds the objects that a recording shows to a world, and what the script adds to it.

use revoked_sandbox::world::{
    AccessToken, App, Audit, Bot, Browser, Code, Command, IncomingHook, NewPerson, OAuthGrant, OutgoingHook, Session, SessionKind,
    Team,
};
use revoked_sandbox::{Id, World};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::objects::{CHANNEL, Kind, OPERATOR, authorise, id, number};
use super::scripts::{Script, Seed};

fn read<T: DeserializeOwned>(object: &Value) -> T {
    serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}: {object}"))
}

fn text(object: &Value, name: &str) -> String {
    object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn add(world: &mut World, kind: Kind, object: &Value, script: &Script) {
    match kind {
        Kind::Team => {
            let team: Team = read(object);
            world.teams.insert(team.id, team);
        }
        Kind::Person => add_person(world, object),
        Kind::Bot => {
            let bot: Bot = read(object);
            world.put_bot(bot);
        }
        Kind::Token => {
            let named = id(&text(object, "id"));
            let secret = script.secret_of(&text(object, "id")).map(id);
            let secret = secret.unwrap_or_else(|| world.ids.id());
            let (person, description) = (id(&text(object, "user_id")), text(object, "description"));
            let is_active = object["is_active"] == true;
            world.put_token(AccessToken {
                id: named,
                secret,
                person,
                description,
                is_active,
            });
        }
        Kind::App => {
            let app: App = read(object);
            world.apps.insert(app.id, app);
        }
        Kind::Session => add_session(world, object, script),
        Kind::Incoming => {
            let hook: IncomingHook = read(object);
            world.incoming_hooks.insert(hook.id, hook);
        }
        Kind::Outgoing => {
            let hook: OutgoingHook = read(object);
            world.outgoing_hooks.insert(hook.id, hook);
        }
        Kind::Command => {
            let command: Command = read(object);
            world.commands.insert(command.id, command);
        }
        Kind::Audit => {
            let audit: Audit = read(object);
            world.put_audit(audit);
        }
    }
}

fn add_person(world: &mut World, object: &Value) {
    let named = id(&text(object, "id"));
    let new = NewPerson {
        username: text(object, "username"),
        email: text(object, "email"),
        first_name: text(object, "first_name").into(),
        last_name: text(object, "last_name").into(),
        roles: text(object, "roles").into(),
        auth_service: text(object, "auth_service").into(),
        ..NewPerson::default()
    };
    world.add_person_as(named, new, number(object, "create_at"));
    world.join_team(named, id(CHANNEL.1), false);
    if let Some(person) = world.person_mut(named) {
        person.delete_at = number(object, "delete_at");
        person.update_at = number(object, "update_at");
        if object["is_bot"] == true {
            person.bot = Some(text(object, "bot_description"));
        }
    }
}

fn add_session(world: &mut World, object: &Value, script: &Script) {
    let (named, person, props) = (text(object, "id"), id(&text(object, "user_id")), &object["props"]);
    let created = number(object, "create_at");
    let kind = if object["is_oauth"] == true {
        SessionKind::OAuth {
            app: id(&text(props, "oauth_app_id")),
        }
    } else if props["type"] == "UserAccessToken" {
        SessionKind::AccessToken {
            token: id(&text(props, "user_access_token_id")),
        }
    } else {
        let fixed = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        let (os, platform) = (fixed(text(props, "os")), fixed(text(props, "platform")));
        SessionKind::Login(Browser {
            browser: text(props, "browser").into(),
            os,
            platform,
        })
    };
    let token = match &kind {
        // The session of a personal access token has the token's secret.
        SessionKind::AccessToken { token } => secret_of_token(world, *token, person, script),
        _ => script.secret_of(&named).map_or_else(|| world.ids.id(), id),
    };
    world.put_session(Session {
        id: id(&named),
        token,
        person,
        kind,
        csrf: Id::parse(&text(props, "csrf")),
        create_at: created,
        expires_at: number(object, "expires_at"),
        last_activity_at: number(object, "last_activity_at"),
        device_id: text(object, "device_id").into(),
    });
}

/// The secret of a personal access token; one that no list shows is made here.
fn secret_of_token(world: &mut World, token: Id, person: Id, script: &Script) -> Id {
    if let Some(token) = world.tokens.get(token) {
        return token.secret;
    }
    let secret = script.secret_of(token.as_str()).map_or_else(|| world.ids.id(), id);
    let description = String::new();
    world.put_token(AccessToken {
        id: token,
        secret,
        person,
        description,
        is_active: true,
    });
    secret
}

/// Adds what no answer shows: the operator's token, and the script's seeds.
pub(super) fn apply_script(world: &mut World, script: &Script, now: i64) {
    if world.person(OPERATOR.2).is_some() && world.token_by_secret(id(OPERATOR.0)).is_none() {
        hold_token(world, OPERATOR.0, OPERATOR.2, OPERATOR.1);
    }
    for seed in &script.seeds {
        match *seed {
            Seed::Login { secret, person, session } => {
                let person = holder(world, person);
                let drawn = world.open_session(person, SessionKind::Login(Browser::web()), now - 1000);
                world.remove_session(drawn.id);
                world.put_session(Session {
                    token: id(secret),
                    id: Id::parse(session).unwrap_or(drawn.id),
                    ..drawn
                });
            }
            Seed::Token { secret, person, token } => {
                if world.token_by_secret(id(secret)).is_none() {
                    hold_token(world, secret, person, token);
                }
            }
            Seed::Secret { .. } => {}
            Seed::Grant {
                person,
                app,
                access,
                refresh,
            } => {
                let (person, app) = (holder(world, person), id(app));
                if world.session_by_token(id(access)).is_none() {
                    let session = world.open_session(person, SessionKind::OAuth { app }, now - 1000);
                    world.remove_session(session.id);
                    world.put_session(Session {
                        token: id(access),
                        ..session
                    });
                }
                let refresh = Id::parse(refresh);
                world.put_grant(OAuthGrant {
                    app,
                    person,
                    access: id(access),
                    refresh,
                    expires_at: now + 1_000_000_000,
                });
                authorise(world, person, app);
            }
            Seed::Code { person, app, code } => {
                let (person, app) = (holder(world, person), id(app));
                let redirect_uri = "http://127.0.0.1/cb".to_owned();
                world.codes.insert(
                    code.to_owned(),
                    Code {
                        app,
                        person,
                        expires_at: now + 600_000,
                        redirect_uri,
                    },
                );
                authorise(world, person, app);
            }
        }
    }
    (script.world)(world);
}

fn holder(world: &mut World, username: &str) -> Id {
    match world.person(username) {
        Some(person) => person.id,
        None => world.add_person(NewPerson::named(username), 1),
    }
}

fn hold_token(world: &mut World, secret: &str, person: &str, token: &str) {
    let person = holder(world, person);
    let named = Id::parse(token).unwrap_or_else(|| world.ids.id());
    let description = world
        .tokens
        .get(named)
        .map_or_else(String::new, |token| token.description.clone());
    world.put_token(AccessToken {
        id: named,
        secret: id(secret),
        person,
        description,
        is_active: true,
    });
}
