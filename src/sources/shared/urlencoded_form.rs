//! Bodies of the media type `application/x-www-form-urlencoded`, as the URL Standard reads them.

use reqwest::Url;

/// The media type.
pub(in crate::sources) const MEDIA: &str = "application/x-www-form-urlencoded";

/// The names and values of a form, in the order of the body.
///
/// # Errors
/// Why the body is no form. Nothing of it is quoted.
pub(in crate::sources) fn pairs(body: &[u8]) -> Result<Vec<(String, String)>, &'static str> {
    const NONE: &str = "the body is not a form";
    // The URL parser would drop a line break, and what was dropped was never seen by the sender's signature.
    if !body.iter().all(u8::is_ascii_graphic) {
        return Err("the body is not a form: it holds bytes that must be percent-encoded");
    }
    let text = str::from_utf8(body).map_err(|_| NONE)?;
    // A form is written like a query, and the URL crate has the reader of the standard.
    let mut form = Url::parse("form:").map_err(|_| NONE)?;
    form.set_query(Some(text));
    Ok(form
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect())
}
