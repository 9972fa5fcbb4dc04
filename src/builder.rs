//! The builder of both decoders.

use core::{fmt, marker::PhantomData};

use crate::{
    block::BlockDecoder,
    decode::Decoder,
    last_event_id::LastEventId,
    options::{AtEnd, InvalidUtf8, OnError, Options},
    value::EventId,
};

/// Builds a [`Decoder`] or a [`BlockDecoder`].
///
/// By default, both follow the standard exactly.
///
/// ```
/// use sse_wire::{Decoder, EventId, InvalidUtf8, OnError};
///
/// let decoder = Decoder::builder()
///     .max_block_size(64 * 1024)
///     .on_error(OnError::SkipBlock)
///     .invalid_utf8(InvalidUtf8::Reject)
///     .last_event_id(EventId::from_static("41"))
///     .build();
/// assert_eq!(decoder.last_event_id(), "41");
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct DecoderBuilder<D = Decoder> {
    options: Options,
    last_event_id: LastEventId,
    decoder: PhantomData<fn() -> D>,
}

impl<D> DecoderBuilder<D> {
    const fn new() -> Self {
        let (options, last_event_id) = (Options::STANDARD, LastEventId::NONE);
        Self { options, last_event_id, decoder: PhantomData }
    }

    /// Sets the maximum size of a block, in bytes. The default is 16 MiB, the maximum 2 GiB.
    ///
    /// The default fits every known stream (some send images of several megabytes in one line), and
    /// keeps one connection from using up the memory of the machine. A value above the maximum sets
    /// the maximum.
    ///
    /// The limit counts what the decoder has to hold of a block: its lines, and one byte for each
    /// line end. In a [`Decoder`], comments, `retry` fields and unknown fields stop counting when
    /// their line ends, so a stream of comments can continue forever. Until then they count, so an
    /// endless line is refused. A [`BlockDecoder`] holds all lines and counts them all.
    ///
    /// The limit also applies to text after invalid bytes were replaced with U+FFFD. Apart from the
    /// last event ID, the decoder holds at most twice the limit, or three times where it replaces
    /// bytes. It keeps up to 64 KiB of each buffer for the next block. A caller may leave as many
    /// bytes unread as the limit allows, and at least 64 KiB.
    pub const fn max_block_size(mut self, bytes: u64) -> Self {
        self.options.set_limit(bytes);
        self
    }

    /// Sets what the decoder does after an error. The default is [`OnError::Fail`].
    pub const fn on_error(mut self, on_error: OnError) -> Self {
        self.options.on_error = on_error;
        self
    }

    /// Sets what the decoder does with invalid UTF-8. The default is [`InvalidUtf8::Replace`].
    pub const fn invalid_utf8(mut self, policy: InvalidUtf8) -> Self {
        self.options.invalid_utf8 = policy;
        self
    }

    /// Sets what the decoder does with an unterminated block at the end of the stream. The default
    /// is [`AtEnd::Discard`].
    ///
    /// ```
    /// use sse_wire::{AtEnd, Decoder};
    ///
    /// let mut decoder = Decoder::builder().at_end(AtEnd::Dispatch).build();
    /// assert!(decoder.feed(b"data: no blank line").next_event()?.is_none());
    /// assert_eq!(decoder.finish()?.event().map(|event| event.data()), Some("no blank line"));
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    pub const fn at_end(mut self, policy: AtEnd) -> Self {
        self.options.at_end = policy;
        self
    }

    /// Sets how many bytes the decoder keeps from the start of a body that is not an event stream.
    /// The default is 1 KiB.
    ///
    /// Use them in an error message, or to parse the JSON error of a provider.
    ///
    /// ```
    /// use sse_wire::Decoder;
    ///
    /// let mut decoder = Decoder::builder().first_bytes(4).build();
    /// assert!(decoder.feed(b"{\"error\":1}").next_event()?.is_none());
    /// assert_eq!(decoder.first_bytes(), b"{\"er");
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    pub const fn first_bytes(mut self, most: u16) -> Self {
        self.options.first_bytes = most;
        self
    }

    /// Sets the last event ID to start with, from an earlier connection. By default it is empty.
    pub fn last_event_id(mut self, id: EventId<'_>) -> Self {
        self.last_event_id = LastEventId::new(id.as_str());
        self
    }
}

impl DecoderBuilder<Decoder> {
    /// Makes [`Events::next_item`](crate::Events::next_item) return blocks without data that set
    /// the last event ID or the reconnection time. The default is `false`.
    ///
    /// The standard dispatches no event for such a block, so ordinary receivers never see it.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_wire::{Decoder, Item};
    ///
    /// let mut decoder = Decoder::builder().updates(true).build();
    /// let mut events = decoder.feed(b"id: 7\nretry: 0\n\n");
    /// let update = Item::Update { id: Some("7"), reconnection_time: Some(Duration::ZERO) };
    /// assert_eq!(events.next_item()?, Some(update));
    /// # Ok::<_, sse_wire::DecodeError>(())
    /// ```
    pub const fn updates(mut self, wanted: bool) -> Self {
        self.options.updates = wanted;
        self
    }

    /// Makes [`Events::next_item`](crate::Events::next_item) return comments. The default is
    /// `false`.
    ///
    /// The decoder then holds a comment that straddles two chunks, within the block limit, until it
    /// returns it. A [`BlockDecoder`] always shows comments.
    pub const fn comments(mut self, wanted: bool) -> Self {
        self.options.comments = wanted;
        self
    }

    /// Creates the decoder.
    #[must_use]
    pub fn build(self) -> Decoder {
        Decoder::with_options(self.options, self.last_event_id)
    }
}

impl DecoderBuilder<BlockDecoder> {
    /// Creates the decoder.
    #[must_use]
    pub fn build(self) -> BlockDecoder {
        BlockDecoder::with_options(self.options, self.last_event_id)
    }
}

impl Decoder {
    /// Returns a builder for a decoder with other options.
    ///
    /// An example: [`DecoderBuilder`].
    pub const fn builder() -> DecoderBuilder {
        DecoderBuilder::new()
    }
}

impl BlockDecoder {
    /// Returns a builder for a decoder with other options.
    ///
    /// An example: [`DecoderBuilder`].
    pub const fn builder() -> DecoderBuilder<Self> {
        DecoderBuilder::new()
    }
}

impl<D> Clone for DecoderBuilder<D> {
    fn clone(&self) -> Self {
        let Self { options, last_event_id, decoder } = self;
        Self { options: *options, last_event_id: last_event_id.clone(), decoder: *decoder }
    }
}

impl<D> fmt::Debug for DecoderBuilder<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecoderBuilder")
            .field("options", &self.options)
            .field("last_event_id", &self.last_event_id)
            .finish()
    }
}
