//! Guesses what a body is when it is not an event stream.

use alloc::vec::Vec;

use crate::wire::{self, BOM};

/// What a body looks like by its first bytes. See [`Decoder::body_kind`](crate::Decoder::body_kind).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyKind {
    /// Nothing has come.
    Empty,
    /// An event stream: it starts like one, or had an event or a comment.
    EventStream,
    /// A JSON object or array, such as an error message. (Lines of JSON look like that, too.)
    Json,
    /// HTML or XML, such as the error page of a proxy.
    Markup,
    /// Something else.
    Other,
}

/// The first bytes of a body that does not start as an event stream does.
#[derive(Clone, Debug, Default)]
pub(crate) struct FirstBytes(Vec<u8>);

impl FirstBytes {
    /// Enough to tell what a body is: a byte order mark, the longest field name and its colon, and
    /// some blank lines before them.
    const FEWEST: u16 = 16;

    /// Returns how many bytes are kept, if the user wants so many.
    pub(crate) fn room(wanted: u16) -> usize {
        usize::from(wanted.max(Self::FEWEST))
    }

    /// Keeps what is needed of the bytes that come next. Returns `true` if more is wanted.
    pub(crate) fn keep(&mut self, bytes: &[u8], wanted: u16) -> bool {
        // Nearly every stream is one, and its first chunk tells.
        if self.0.is_empty() && starts_as_event_stream(bytes) {
            return false;
        }
        let room = Self::room(wanted) - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if starts_as_event_stream(&self.0) {
            self.0 = Vec::new();
            return false;
        }
        self.0.len() < Self::room(wanted)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns what a body is of which these are the first bytes.
    pub(crate) fn kind(&self) -> BodyKind {
        let bytes = &self.0;
        if bytes.is_empty() {
            return BodyKind::EventStream;
        }
        let text = bytes.strip_prefix(&BOM).unwrap_or(bytes).trim_ascii_start();
        match text.first() {
            Some(b'{' | b'[') => BodyKind::Json,
            Some(b'<') => BodyKind::Markup,
            // Blank lines, which tell nothing.
            None => BodyKind::EventStream,
            Some(_) => BodyKind::Other,
        }
    }
}

/// Returns `true` if the first line that is not blank means something. A line that has just begun
/// tells nothing yet.
fn starts_as_event_stream(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(&BOM).unwrap_or(bytes);
    let blank = bytes.iter().take_while(|&&byte| wire::is_line_end(byte)).count();
    let bytes = &bytes[blank..];
    let end = bytes.iter().position(|byte| matches!(byte, b':' | b'\n' | b'\r'));
    end.is_some_and(|end| matches!(&bytes[..end], b"" | b"data" | b"event" | b"id" | b"retry"))
}
