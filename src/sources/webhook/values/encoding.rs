//! How bytes are written as text: signatures, and secrets that are not text themselves.

use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{Engine as _, alphabet};
use serde::Deserialize;

/// The URL-safe alphabet; senders that use it are of two minds about the padding.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How bytes are written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::sources::webhook) enum Encoding {
    /// Base 16, in either case.
    Hex,
    /// Base 64 of RFC 4648 section 4, padded.
    Base64,
    /// Base 64 of RFC 4648 section 5, with its padding or without.
    Base64url,
}

impl Encoding {
    /// The bytes, where `text` is of this form.
    pub(in crate::sources::webhook) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Base64 => STANDARD.decode(text).ok(),
            Self::Base64url => URL_SAFE.decode(text).ok(),
            Self::Hex => {
                let digits: Option<Vec<u8>> = text
                    .chars()
                    .map(|c| c.to_digit(16).and_then(|n| u8::try_from(n).ok()))
                    .collect();
                let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
                Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_form_is_no_signature() {
        assert_eq!(Encoding::Hex.decode("00fFa0"), Some(vec![0, 255, 160]));
        for text in ["0", "0g", "+1", "ä0", " 00"] {
            assert_eq!(Encoding::Hex.decode(text), None, "{text}");
        }
        assert_eq!(Encoding::Base64.decode("AP+g"), Some(vec![0, 255, 160]));
        for text in ["AP-g", "AP+", "AP+g=", " AP+g"] {
            assert_eq!(Encoding::Base64.decode(text), None, "{text}");
        }
        for text in ["AP-g_w==", "AP-g_w"] {
            assert_eq!(Encoding::Base64url.decode(text), Some(vec![0, 255, 160, 255]), "{text}");
        }
        for text in ["AP+g/w==", "AP-g_x", "AP-g_w ", "AP-g\n_w"] {
            assert_eq!(Encoding::Base64url.decode(text), None, "{text}");
        }
    }
}
