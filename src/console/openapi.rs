//! The API, described: `OpenAPI` 3.1, generated from the routes.

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, LicenseBuilder, OpenApi, PathItem, Ref, RefOr, ResponseBuilder, SecurityRequirement,
};
use utoipa::{PartialSchema as _, ToSchema};

/// Why a request was not answered as it was asked (RFC 9457).
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is wanted: api::Problem writes it")]
struct Problem {
    /// `about:blank`: the status says it all.
    r#type: String,
    /// The status in words.
    title: String,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What it is, for a person.
    detail: String,
    /// What the answer's header `X-Request-Id` and the log have too.
    request_id: String,
}

/// Adds what no route says by itself.
pub(super) fn finished(mut document: OpenApi) -> OpenApi {
    "revoked".clone_into(&mut document.info.title);
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    document.info.description = Some(env!("CARGO_PKG_DESCRIPTION").to_owned());
    let license = LicenseBuilder::new()
        .name(env!("CARGO_PKG_LICENSE"))
        .identifier(Some(env!("CARGO_PKG_LICENSE")));
    document.info.license = Some(license.build());
    let mut components = document.components.take().unwrap_or_else(|| ComponentsBuilder::new().build());
    components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    document.components = Some(components);
    document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let problem = ResponseBuilder::new()
        .description("Why it was not answered as it was asked")
        .content("application/problem+json", content)
        .build();
    for path in document.paths.paths.values_mut() {
        let PathItem { get, post, delete, .. } = path;
        for operation in [get, post, delete].into_iter().flatten() {
            let answers = &mut operation.responses.responses;
            for (status, answer) in answers.iter_mut() {
                if let RefOr::T(answer) = answer {
                    said(status).clone_into(&mut answer.description);
                }
            }
            answers.insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
    document
}

/// What an answer of that status is.
fn said(status: &str) -> &'static str {
    match status {
        "201" => "It was made",
        "202" => "It was taken, and may not be done yet",
        "204" => "It is done",
        _ => "What was asked for",
    }
}
