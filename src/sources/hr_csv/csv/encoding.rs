//! The bytes of a file as UTF-8, whatever they were written in. A byte order mark says what that is; without one it is UTF-8, or what the
//! config says, and nothing is guessed.

use std::io::{self, Cursor, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How much is decoded at once, in bytes.
const PORTION: usize = 16 * 1024;

/// A file from its first byte of text on.
pub(in crate::sources::hr_csv) struct DecodedFile<'r> {
    /// Its text as UTF-8, from the header on.
    pub text: Box<dyn Read + 'r>,
    /// Why it is no text, by its first bytes.
    pub refused: Option<String>,
    /// Whether it is anything but UTF-8 without a mark.
    pub marked: bool,
    /// The separator that a first line `sep=;` states, as spreadsheets understand it.
    pub stated: Option<u8>,
    /// How many lines that took.
    pub lines: u64,
}

impl<'r> DecodedFile<'r> {
    /// Opens `input`, which is written in `said` where no mark says otherwise.
    pub(in crate::sources::hr_csv) fn of(mut input: impl Read + 'r, said: &'static Encoding) -> io::Result<Self> {
        let mut start = Vec::with_capacity(512);
        input.by_ref().take(512).read_to_end(&mut start)?;
        let (encoding, mark) = Encoding::for_bom(&start).unwrap_or((said, 0));
        let wide = encoding == UTF_16LE || encoding == UTF_16BE;
        let refused = match start.as_slice() {
            [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] => {
                Some("it is compressed, or a spreadsheet: export the file as CSV, uncompressed".to_owned())
            }
            start if !wide && start.contains(&0) => Some(
                "it holds zero bytes (UTF-16 without a mark, or no text at all): export the file as UTF-8, or write encoding = \"utf-16le\" \
                 in the config if that is what it is"
                    .to_owned(),
            ),
            _ => None,
        };
        let mut cursor = Cursor::new(start);
        cursor.set_position(mark as u64);
        let mut text = decoded(cursor.chain(input), encoding);
        let mut top = Vec::with_capacity(32);
        text.by_ref().take(32).read_to_end(&mut top)?;
        let (stated, length) = stated(&top).map_or((None, 0), |(byte, length)| (Some(byte), length));
        let mut top = Cursor::new(top);
        top.set_position(length as u64);
        Ok(Self {
            text: Box::new(top.chain(text)),
            refused,
            marked: mark > 0 || encoding != UTF_8,
            stated,
            lines: u64::from(stated.is_some()),
        })
    }
}

/// The separator that a first line `sep=;` states, and the length of that line. Whatever stands there that is a sign may be meant.
fn stated(top: &[u8]) -> Option<(u8, usize)> {
    let line = top.split(|byte| *byte == b'\n').next()?;
    let text = line.strip_suffix(b"\r").unwrap_or(line);
    let text = match text {
        [b'"', inner @ .., b'"'] => inner,
        text => text,
    };
    let (name, rest) = text.split_at_checked(4)?;
    match rest {
        [byte] if name.eq_ignore_ascii_case(b"sep=") => Some((*byte, (line.len() + 1).min(top.len()))),
        _ => None,
    }
}

/// Reads `input`, whose mark has been taken off, as UTF-8.
fn decoded<'r>(input: impl Read + 'r, encoding: &'static Encoding) -> Box<dyn Read + 'r> {
    if encoding == UTF_8 {
        return Box::new(input);
    }
    Box::new(Decoding {
        input,
        decoder: encoding.new_decoder_without_bom_handling(),
        bytes: vec![0; PORTION],
        // Of one byte may come three, and a decoder wants room for what it has kept back.
        text: vec![0; PORTION * 3 + 16],
        ready: 0..0,
        ended: false,
    })
}

struct Decoding<R> {
    input: R,
    decoder: Decoder,
    bytes: Vec<u8>,
    text: Vec<u8>,
    /// What of `text` was not handed out yet.
    ready: std::ops::Range<usize>,
    ended: bool,
}

impl<R: Read> Decoding<R> {
    fn fill(&mut self) -> io::Result<()> {
        let count = self.input.read(&mut self.bytes)?;
        self.ended = count == 0;
        let (mut from, mut to) = (0, 0);
        loop {
            let (result, read, written) =
                self.decoder
                    .decode_to_utf8_without_replacement(&self.bytes[from..count], &mut self.text[to..], self.ended);
            from += read;
            to += written;
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                // What is no text stays none: a byte that UTF-8 never has, so that its line is found.
                DecoderResult::Malformed(..) => {
                    if to == self.text.len() {
                        self.text.push(0);
                    }
                    self.text[to] = 0xff;
                    to += 1;
                }
            }
        }
        self.ready = 0..to;
        Ok(())
    }
}

impl<R: Read> Read for Decoding<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() && !self.ended {
            self.fill()?;
        }
        let count = into.len().min(self.ready.len());
        into[..count].copy_from_slice(&self.text[self.ready.start..self.ready.start + count]);
        self.ready.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;

    use super::*;

    fn read(bytes: &[u8], encoding: &'static Encoding) -> Vec<u8> {
        let mut text = Vec::new();
        decoded(bytes, encoding).read_to_end(&mut text).unwrap();
        text
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_comes_out_as_utf_8_also_across_portions() {
        let long = "Müller;𝄞;€\r\n".repeat(10_000);
        assert_eq!(read(&utf16(&long, u16::to_le_bytes), UTF_16LE), long.as_bytes());
        assert_eq!(read(&utf16(&long, u16::to_be_bytes), UTF_16BE), long.as_bytes());
        assert_eq!(read(b"M\xfcller \x80", WINDOWS_1252), "Müller €".as_bytes());
        assert_eq!(read(long.as_bytes(), UTF_8), long.as_bytes());
    }

    #[test]
    fn a_line_that_states_the_separator_is_taken_as_spreadsheets_take_it() {
        for (text, separator, rest) in [
            ("sep=;\r\na;b\n", Some(b';'), "a;b\n"),
            ("SEP=,\na,b\n", Some(b','), "a,b\n"),
            ("\"sep=\t\"\r\na\tb\n", Some(b'\t'), "a\tb\n"),
            ("sep=\t\na\n", Some(b'\t'), "a\n"),
            ("sep=;", Some(b';'), ""),
            ("sep=;;\na;b\n", None, "sep=;;\na;b\n"),
            ("separator\n", None, "separator\n"),
            ("", None, ""),
        ] {
            let mut opened = DecodedFile::of(text.as_bytes(), UTF_8).unwrap();
            let mut left = String::new();
            opened.text.read_to_string(&mut left).unwrap();
            assert_eq!((opened.stated, left.as_str()), (separator, rest), "{text:?}");
        }
    }

    #[test]
    fn a_mark_goes_before_what_is_said() {
        let mut opened = DecodedFile::of(&b"\xef\xbb\xbfM\xc3\xbcller"[..], WINDOWS_1252).unwrap();
        let mut text = String::new();
        opened.text.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), opened.marked), ("Müller", true));
    }

    #[test]
    fn what_is_no_text_stays_none() {
        let mut bytes = utf16("a", u16::to_le_bytes);
        bytes.extend([0x00, 0xdc]);
        bytes.extend(utf16("b", u16::to_le_bytes));
        assert_eq!(read(&bytes, UTF_16LE), b"a\xffb");
        bytes.pop();
        assert_eq!(read(&bytes, UTF_16LE), b"a\xff\xff", "half a character at the end");
    }
}
