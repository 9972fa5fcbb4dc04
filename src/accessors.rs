//! What both decoders tell of their stream, in the same words.

/// The methods of a decoder that read its state: `splitter`, `fields`, `last_event_id`, `failed` and
/// `unread()`.
macro_rules! accessors {
    () => {
        /// Returns the last event ID: the value for the header `Last-Event-ID` of a reconnection;
        /// empty if there is none.
        ///
        /// As the standard says, an `id` field counts from the end of its block on, also if the
        /// block has no data.
        #[must_use]
        pub fn last_event_id(&self) -> &str {
            self.last_event_id.as_str()
        }

        /// Returns the reconnection time, if the stream has set one. It counts from the end of its
        /// line on.
        #[must_use]
        pub fn reconnection_time(&self) -> Option<core::time::Duration> {
            self.fields.reconnection_time.map(core::time::Duration::from_millis)
        }

        /// Returns `true` between two blocks: all bytes that came belong to blocks that have ended.
        #[must_use]
        pub fn at_boundary(&self) -> bool {
            self.pending_bytes() == 0
        }

        /// Returns the length of the block under way so far, in bytes, with what was left unread.
        #[must_use]
        pub fn pending_bytes(&self) -> u64 {
            self.splitter.pending() + self.unread().len()
        }

        /// Returns `true` after a fatal error. All bytes are ignored until
        /// [`reset_for_reconnect`](Self::reset_for_reconnect).
        #[must_use]
        pub fn has_failed(&self) -> bool {
            self.failed
        }

        /// Returns what was seen of this stream so far.
        #[must_use]
        pub fn stats(&self) -> crate::Stats {
            crate::stats::Stats::new(self.fields.counters, self.splitter.offset())
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
                f.debug_struct(stringify!($decoder))
                    .field("stats", &self.stats())
                    .field("last_event_id", &crate::wire::Shortened(self.last_event_id()))
                    .field("reconnection_time", &self.reconnection_time())
                    .field("pending_bytes", &self.pending_bytes())
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use {accessors, common_traits};
