//! What both decoders tell of their stream, in the same words.

/// The methods of a decoder that has a `state`.
macro_rules! accessors {
    () => {
        /// Returns to the start of a stream: that of the next connection.
        ///
        /// Forgets the block under way, what was left unread, the byte order mark, an error, and the
        /// statistics. Keeps what a reconnection needs: the last event ID and the reconnection time.
        ///
        /// By the letter of the standard a new stream starts with an empty last event ID buffer, so its
        /// first event without an `id` would reset what the reconnection was made with. Browsers keep
        /// it, and a client that resumes depends on that.
        pub fn reset_for_reconnect(&mut self) {
            self.state.reset();
        }

        /// Returns the last event ID: the value for the header `Last-Event-ID` of a reconnection;
        /// empty if there is none.
        ///
        /// As the standard says, an `id` field counts from the end of its block on, also if the
        /// block has no data.
        #[must_use]
        pub fn last_event_id(&self) -> &str {
            self.state.last_event_id.as_str()
        }

        /// Returns the reconnection time, if the stream has set one. It counts from the end of its
        /// line on.
        #[must_use]
        pub fn reconnection_time(&self) -> Option<core::time::Duration> {
            self.state.reconnection_time()
        }

        /// Returns `true` between two blocks: all bytes that came belong to blocks that have ended.
        #[must_use]
        pub fn at_boundary(&self) -> bool {
            self.pending_bytes() == 0
        }

        /// Returns the length of the block under way so far, in bytes, with what was left unread.
        #[must_use]
        pub fn pending_bytes(&self) -> u64 {
            self.state.pending_bytes()
        }

        /// Returns `true` after a fatal error. All bytes are ignored until
        /// [`reset_for_reconnect`](Self::reset_for_reconnect).
        #[must_use]
        pub fn has_failed(&self) -> bool {
            self.state.failed
        }

        /// Returns what was seen of this stream so far.
        ///
        /// ```
        /// use std::time::Duration;
        ///
        /// use sse_wire::Decoder;
        ///
        /// let mut decoder = Decoder::new();
        /// let mut events = decoder.feed(b"id: 7\nretry: 500\ndata: a\n\ndata: cut");
        /// while let Some(_event) = events.next_event()? {}
        /// drop(events);
        ///
        /// assert_eq!((decoder.stats().bytes, decoder.stats().events), (35, 1));
        /// assert_eq!((decoder.at_boundary(), decoder.pending_bytes()), (false, 9));
        /// assert!(!decoder.has_failed());
        ///
        /// // The connection is lost. What the next one needs stays.
        /// decoder.reset_for_reconnect();
        /// assert_eq!((decoder.stats().bytes, decoder.at_boundary()), (0, true));
        /// assert_eq!(decoder.last_event_id(), "7");
        /// assert_eq!(decoder.reconnection_time(), Some(Duration::from_millis(500)));
        /// # Ok::<_, sse_wire::DecodeError>(())
        /// ```
        #[must_use]
        pub fn stats(&self) -> crate::Stats {
            self.state.stats()
        }

        /// Returns the first bytes of the stream, if it does not start as an event stream does; else
        /// nothing. At most 1 KiB, or [as many as you want](crate::DecoderBuilder::first_bytes).
        ///
        /// They tell what came instead. They are remote bytes: bounded, not clean.
        #[must_use]
        pub fn first_bytes(&self) -> &[u8] {
            self.state.first_bytes()
        }

        /// Guesses what the body is, so far or, after its end, altogether.
        ///
        /// Servers answer with status 200 and a JSON error, proxies with an HTML page. Both are event
        /// streams without events by the letter of the standard, so no error tells.
        ///
        /// ```
        /// use sse_wire::{BodyKind, Decoder};
        ///
        /// let mut decoder = Decoder::new();
        /// let body = br#"{"error":{"message":"Rate limit reached"}}"#;
        /// assert!(decoder.feed(body).next_event()?.is_none());
        /// assert_eq!(decoder.body_kind(), BodyKind::Json);
        /// assert_eq!(decoder.first_bytes(), body);
        /// # Ok::<_, sse_wire::DecodeError>(())
        /// ```
        #[must_use]
        pub fn body_kind(&self) -> crate::BodyKind {
            self.state.body_kind()
        }
    };
}

/// The traits of a decoder that both implement alike.
macro_rules! common_traits {
    ($decoder:ident) => {
        impl Default for $decoder {
            fn default() -> Self {
                Self::new()
            }
        }

        impl core::fmt::Debug for $decoder {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.state.fmt_as(stringify!($decoder), f)
            }
        }
    };
}

pub(crate) use {accessors, common_traits};
