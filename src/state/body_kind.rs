//! Guesses what a body is when it is not an event stream.

use alloc::vec::Vec;

use crate::wire::BOM;

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
    /// Keeps what is needed of the bytes that come next, at most so many altogether. Returns `true`
    /// if more is wanted.
    pub(crate) fn keep(&mut self, bytes: &[u8], most: u16) -> bool {
        // Nearly every stream is one, and its first chunk tells.
        if self.0.is_empty() && starts_as_event_stream(bytes) {
            return false;
        }
        let room = usize::from(most) - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if starts_as_event_stream(&self.0) {
            self.0 = Vec::new();
            return false;
        }
        self.0.len() < usize::from(most)
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
            _ => BodyKind::Other,
        }
    }
}

/// Returns `true` if the first line means something. A line that has just begun tells nothing yet.
fn starts_as_event_stream(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(&BOM).unwrap_or(bytes);
    let end = bytes.iter().position(|byte| matches!(byte, b':' | b'\n' | b'\r'));
    end.is_some_and(|end| matches!(&bytes[..end], b"" | b"data" | b"event" | b"id" | b"retry"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decoder;

    fn kind(stream: &[u8], size: usize) -> BodyKind {
        let mut decoder = Decoder::new();
        for chunk in stream.chunks(size) {
            let mut events = decoder.feed(chunk);
            while events.next_event().expect("within the limit").is_some() {}
        }
        let kind = decoder.body_kind();
        let _ = decoder.finish();
        assert_eq!(decoder.body_kind(), kind, "after the end");
        let first = decoder.first_bytes();
        assert!(stream.starts_with(first) && first.len() <= 1024);
        kind
    }

    #[test]
    fn bodies_are_told_apart() {
        let html = "<!DOCTYPE html>\n<html><body>502: Bad Gateway</body></html>\n".repeat(9);
        for size in [1, 3, 1000] {
            assert_eq!(kind(b"", size), BodyKind::Empty);
            for stream in [
                "data: x\n\n",
                "data",
                "data\n",
                ": ping\n\n",
                "\n",
                "\u{feff}id: 1\n",
                "retry: 5\n\n",
                "event: e\r\n\r\n",
                "unknown: x\ndata: x\n\n",
            ] {
                let stream = stream.as_bytes();
                // A line that has not ended is not known to be a field.
                let expected =
                    if stream == b"data" { BodyKind::Other } else { BodyKind::EventStream };
                assert_eq!(kind(stream, size), expected, "{:?}", stream.escape_ascii());
            }
            assert_eq!(kind(b"{\"error\":{\"message\":\"no: data\"}}", size), BodyKind::Json);
            assert_eq!(kind(b" \r\n [1,\n 2]", size), BodyKind::Json);
            assert_eq!(kind(b"  [1,\n 2]", size), BodyKind::Json);
            assert_eq!(kind(html.as_bytes(), size), BodyKind::Markup);
            assert_eq!(kind(b"error code: 502", size), BodyKind::Other);
            assert_eq!(kind(b"Internal Server Error", size), BodyKind::Other);
        }
    }

    #[test]
    fn a_reset_forgets_the_first_bytes() {
        let mut decoder = Decoder::new();
        assert_eq!(decoder.feed(b"{}").next_event(), Ok(None));
        decoder.reset_for_reconnect();
        assert_eq!((decoder.first_bytes(), decoder.body_kind()), (&b""[..], BodyKind::Empty));
    }

    #[test]
    fn the_first_bytes_are_those_of_the_stream_when_chunks_are_left_unread() {
        let mut decoder = Decoder::new();
        drop(decoder.feed(b"{\"a\":1"));
        drop(decoder.feed(b",\"b\":2"));
        drop(decoder.feed(b",\"c\":3}"));
        assert_eq!(decoder.first_bytes(), b"{\"a\":1,\"b\":2,\"c\":3}");
    }
}
