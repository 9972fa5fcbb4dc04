//! What a body was that turned out to be no event stream.

use alloc::vec::Vec;

use crate::field::BOM;

/// What a stream looks like by its first bytes. See [`Decoder::look`](crate::Decoder::look).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Look {
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

/// The first bytes of a stream that does not start as an event stream does.
///
#[derive(Clone, Debug, Default)]
pub(crate) struct Head(Vec<u8>);

impl Head {
    /// Offset in the stream of the first byte that is not kept.
    pub(crate) const LEN: u64 = 64;

    /// Whether bytes are worth keeping that come at this offset of the stream, which is below
    /// [`LEN`](Self::LEN), after so many that were kept.
    pub(crate) fn wants(kept: usize, offset: u64, bytes: &[u8]) -> bool {
        // What was left unread and comes again is already here.
        let is_next = kept as u64 == offset;
        is_next && !bytes.is_empty() && (offset > 0 || !starts_as_event_stream(bytes))
    }

    pub(crate) fn keep(&mut self, bytes: &[u8]) {
        let room = usize::try_from(Self::LEN).unwrap_or_default() - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a stream looks like that starts with these bytes, if they were kept.
pub(crate) fn look(head: &[u8]) -> Look {
    if head.is_empty() || starts_as_event_stream(head) {
        return Look::EventStream;
    }
    let text = head.strip_prefix(&BOM).unwrap_or(head).trim_ascii_start();
    match text.first() {
        Some(b'{' | b'[') => Look::Json,
        Some(b'<') => Look::Markup,
        _ => Look::Other,
    }
}

/// Whether the first line is one that means something. Of a line that has just begun, nothing is
/// known yet.
fn starts_as_event_stream(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(&BOM).unwrap_or(bytes);
    let end = bytes.iter().position(|byte| matches!(byte, b':' | b'\n' | b'\r'));
    end.is_some_and(|end| matches!(&bytes[..end], b"" | b"data" | b"event" | b"id" | b"retry"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decoder;

    fn look(stream: &[u8], size: usize) -> Look {
        let mut decoder = Decoder::new();
        for chunk in stream.chunks(size) {
            let mut events = decoder.feed(chunk);
            while events.next_event().expect("within the limit").is_some() {}
        }
        let look = decoder.look();
        let _ = decoder.finish();
        assert_eq!(decoder.look(), look, "after the end");
        let head = decoder.first_bytes();
        assert!(stream.starts_with(head) && head.len() <= 64);
        look
    }

    #[test]
    fn bodies_are_told_apart() {
        let html = "<!DOCTYPE html>\n<html><body>502: Bad Gateway</body></html>\n".repeat(9);
        for size in [1, 3, 1000] {
            assert_eq!(look(b"", size), Look::Empty);
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
                let expected = if stream == b"data" { Look::Other } else { Look::EventStream };
                assert_eq!(look(stream, size), expected, "{:?}", stream.escape_ascii());
            }
            assert_eq!(look(b"{\"error\":{\"message\":\"no: data\"}}", size), Look::Json);
            assert_eq!(look(b" \r\n [1,\n 2]", size), Look::Json);
            assert_eq!(look(b"  [1,\n 2]", size), Look::Json);
            assert_eq!(look(html.as_bytes(), size), Look::Markup);
            assert_eq!(look(b"error code: 502", size), Look::Other);
            assert_eq!(look(b"Internal Server Error", size), Look::Other);
        }
    }

    #[test]
    fn a_reset_forgets_the_first_bytes() {
        let mut decoder = Decoder::new();
        assert_eq!(decoder.feed(b"{}").next_event(), Ok(None));
        decoder.reset_for_reconnect();
        assert_eq!((decoder.first_bytes(), decoder.look()), (&b""[..], Look::Empty));
    }
}
