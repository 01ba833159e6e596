//! Microsoft Graph's change notifications: the endpoint repeats a token of the query as plain text within ten seconds (Microsoft, "Receive change
//! notifications through webhooks").

use ::http::{Method, Request, Response};
use bytes::Bytes;

use crate::sources::Rejection;
use crate::sources::shared::urlencoded_form::pairs;
use crate::sources::webhook::answer::{malformed, text};

/// The longest token that is repeated, in bytes. Graph's are sentences of some hundred.
const LONGEST: usize = 2048;

/// The answer to Graph's question, where `request` is it. Markup in the token stays text: the type says so, and that no reader may guess.
///
/// # Errors
/// 400 where it is the question without a token that can be repeated.
pub(super) fn answer(request: &Request<Bytes>) -> Result<Option<Response<Bytes>>, Rejection> {
    let query = request.uri().query().unwrap_or_default();
    if request.method() != Method::POST || !query.contains("validationToken=") {
        return Ok(None);
    }
    let pairs = pairs(query.as_bytes()).map_err(|_| malformed("the query cannot be read"))?;
    let mut tokens = pairs.iter().filter(|(name, _)| name == "validationToken");
    let (Some((_, token)), None) = (tokens.next(), tokens.next()) else {
        return Ok(None);
    };
    let unfit = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
    if token.is_empty() || token.len() > LONGEST || token.contains(unfit) {
        return Err(malformed("the validationToken is empty, too long or not plain text"));
    }
    Ok(Some(text(token)))
}
