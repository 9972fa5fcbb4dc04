//! Encodes and decodes Server-Sent Events: the wire format `text/event-stream`.
//!
//! A [`Decoder`] turns chunks of bytes, split anywhere, into events. An [`Encoder`] turns events
//! into bytes. The core does no I/O and needs no clock, no runtime and no `std`. Adapters, each
//! behind its own feature, connect it to readers, streams, HTTP bodies, codecs and JSON.
//!
//! # Decode
//!
//! ```
//! use sse_wire::{DecodeError, Decoder};
//!
//! fn main() -> Result<(), DecodeError> {
//!     // Chunks may be split anywhere: here within a character and within a line end.
//!     let chunks: [&[u8]; 3] =
//!         [b"id: 7\r\ndata: \xe4\xbd", b"\xa0\xe5\xa5\xbd\r\n\r", b"\ndata: bye\n\n"];
//!
//!     let mut decoder = Decoder::new();
//!     let mut texts = Vec::new();
//!     for chunk in chunks {
//!         let mut events = decoder.feed(chunk);
//!         while let Some(event) = events.next_event()? {
//!             texts.push(event.data().to_owned());
//!         }
//!     }
//!     assert_eq!(texts, ["你好", "bye"]);
//!     assert_eq!(decoder.last_event_id(), "7");
//!     assert!(decoder.finish()?.is_clean(), "the stream ended in the middle of a block");
//!     Ok(())
//! }
//! ```
//!
//! With an HTTP client you rarely need the [`Decoder`] itself. `response.bytes_stream().events()`
//! is a stream of events, and [`EventReader`] is an iterator over the events of a blocking
//! response.
//!
//! # Encode
//!
//! ```
//! use sse_wire::{Encoder, Event, EventId, EventType, InvalidValue};
//!
//! const TOKEN: EventType<'_> = EventType::from_static("token");
//!
//! fn main() -> Result<(), InvalidValue> {
//!     let mut encoder = Encoder::new();
//!     encoder.event(Event::new("two\nlines").with_event_type(TOKEN).with_id(EventId::new("8")?));
//!     encoder.keep_alive();
//!     let frame = encoder.take(); // cheap to clone: encode once, send to many
//!     assert_eq!(frame.as_bytes(), b"event: token\nid: 8\ndata: two\ndata: lines\n\n:\n\n");
//!     Ok(())
//! }
//! ```
//!
//! In a server, [`EventBody`] turns a stream of events, text or JSON into a response for axum, hyper
//! or tower, with keep-alives.
//!
//! # Which interface do I want?
//!
//! To receive events:
//!
//! | I have, or want | use | feature |
//! |---|---|---|
//! | a stream of chunks, such as reqwest's `bytes_stream()` | [`ByteStreamExt::events`] | `stream` |
//! | the same, and the JSON error that may arrive instead | [`ByteStreamExt::open_events`] | `stream` |
//! | the response of reqwest, hyper, axum or tower | [`open()`], [`open_response`] | `http-body` |
//! | a body from hyper, axum or tower | [`EventStream::from_body`] | `http-body` |
//! | an [`io::Read`](std::io::Read): ureq, a file, a pipe | [`EventReader`] | `std` |
//! | a `tokio_util` framed transport | [`SseCodec`] | `tokio-util` |
//! | JSON data, deserialized | [`EventStreamExt::json`], [`EventIteratorExt::json`] | `json` |
//! | JSON data whose Rust type depends on the event type | [`Event::json_by_type`] | `json` |
//! | an error if `[DONE]` never arrives | [`EventStreamExt::must_end_with`] and [`DONE`] | `stream` |
//! | comments, and blocks that only set an ID | [`ByteStreamExt::items`] | `stream` |
//! | a stream that reconnects | [`Reconnecting`] | `stream` |
//! | to decide when it reconnects, and for how long it waits | [`Reconnect`], [`ReconnectPolicy`] | |
//! | only bytes to events, without allocating | [`Decoder::feed`] | |
//! | events that outlive the chunk | [`Decoder::feed_bytes`] | |
//! | comments as well, from a decoder | [`Events::next_item`] | |
//!
//! To send them:
//!
//! | I want | use | feature |
//! |---|---|---|
//! | to answer a request with a stream | [`EventBody`] | `http-body` |
//! | keep-alives on tokio, or on another runtime | [`TokioTimer`], [`Timer`] | `tokio`, `stream` |
//! | JSON as data | [`JsonEvent`] | `json` |
//! | only the bytes | [`Encoder`], [`Frame`] | |
//! | clients to resume after a disconnect | [`ReplayLog`] | |
//! | the `Last-Event-ID` of their requests | [`last_event_id()`] | `http-body` |
//!
//! In a gateway, between a server and its clients. Each works on bytes or, with feature `stream`,
//! on a stream of chunks:
//!
//! | I want | on bytes | on a stream |
//! |---|---|---|
//! | to change or drop some blocks, and keep every other byte | [`BlockFilter`] | [`ByteStreamExt::filter_blocks`] |
//! | an error if the body is JSON or HTML | | [`ByteStreamExt::open`] |
//! | to end at `[DONE]` | [`BlockFilter::with_last`] | [`FilterBlocks::must_end_with`] |
//! | to change one field of a block | [`Block::rewrite`] | |
//! | to insert my own frames between blocks | [`Injector`] | [`ByteStreamExt::inject`] |
//! | to insert keep-alives between blocks | | [`ByteStreamExt::keep_alive`] |
//! | to watch the events of a stream that I forward unchanged | | [`ByteStreamExt::tap_events`] |
//! | the blocks with their raw bytes | [`BlockDecoder`] | [`ByteStreamExt::blocks`] |
//!
//! # Questions
//!
//! **How do I stop?** Drop the stream, the reader or the body, and the connection with it. No other
//! call is needed. If you keep a [`Decoder`] and drop its [`Events`] early, the next call starts
//! with the events that you did not take. To stop at a certain event, use
//! [`EventStreamExt::must_end_with`] or [`EventStreamExt::until_data`]. Neither reads past it.
//!
//! **How do I know that the stream is complete?** [`Decoder::finish`], or the `end()` of an
//! adapter, reports how it ended: between two blocks, or within one. A stream that broke off
//! between two events looks clean. So if the protocol has a last event, require it with
//! [`EventStreamExt::must_end_with`].
//!
//! **How do I reconnect?** [`Reconnecting`] does it for requests that are safe to repeat: it waits
//! as long as its [`Reconnect`] policy says, and sends the last event ID. It works with each client
//! that has an `http::Response`, and with all others. To do it yourself, send
//! [`Decoder::last_event_id`] in the `Last-Event-ID` header, wait for
//! [`Decoder::reconnection_time`], and call [`Decoder::reset_for_reconnect`] before you feed the
//! new response.
//!
//! **What does a decoder keep between two calls?** The last event ID, the reconnection time, the
//! part of the current block that has arrived, and whatever you left unread of a chunk. Between two
//! blocks it holds no part of a chunk. Each buffer keeps at most 64 KiB allocated for the next
//! block.
//!
//! **What does the limit count?** The bytes of one block that the decoder has to hold: its lines,
//! and one byte for each line end. Comments and unknown fields stop counting when their line ends.
//! See [`DecoderBuilder::max_block_size`].
//!
//! **What happens after an error?** You get every event before the error, and nothing of the block
//! that caused it. After a [`DecodeError`] the decoder ignores the rest of the stream or, with
//! [`OnError::SkipBlock`], continues with the next block. The last event ID is that of the last
//! accepted block. After a transport error, a stream of events is over, and the truncated block is
//! never dispatched. A [`JsonError`] does not end the stream; the next event follows.
//!
//! # Limits
//!
//! | what | default | set by |
//! |---|---|---|
//! | the size of a block | 16 MiB, at most 2 GiB | [`DecoderBuilder::max_block_size`] |
//! | chunks that the caller leaves unread | the same, but at least 64 KiB | [`DecoderBuilder::max_block_size`] |
//! | the first bytes of a body that is not an event stream | 64 KiB | [`DecoderBuilder::first_bytes`] |
//! | the memory of a decoder, apart from the last event ID | twice the block limit; three times where it replaces invalid UTF-8 | |
//!
//! By default, a decoder does exactly what the standard says. Every deviation is an option of
//! [`DecoderBuilder`], never a cargo feature: see [`OnError`], [`InvalidUtf8`] and [`AtEnd`].
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `std` | yes | [`EventReader`]; detects the CPU at run time to search and validate text faster. Without it the crate is `no_std` and needs `alloc`. |
//! | `stream` | | [`EventStream`] and all other adapters over `futures_core::Stream` |
//! | `http-body` | | [`EventBody`], bodies as streams of events, headers; enables `stream` |
//! | `tokio` | | [`TokioTimer`], tokio's clock for keep-alives and reconnection; enables `stream` |
//! | `tokio-util` | | [`SseCodec`]; enables `std` |
//! | `json` | | [`JsonEvent`], and JSON data through `serde_json`; enables `std` |
//!
//! The minimum supported Rust version is 1.85. It may rise in a minor version, never in a patch.

#![no_std]
#![deny(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(sse_wire_docsrs, feature(doc_cfg))]
// The front page links to items of every feature.
#![cfg_attr(
    not(all(
        feature = "std",
        feature = "stream",
        feature = "http-body",
        feature = "tokio",
        feature = "tokio-util",
        feature = "json"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

// ARCHITECTURE.md has the map of the modules, the glossary and the laws. A module imports only from those above it there.

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod accessors;
mod adapters;
mod block;
mod builder;
mod chunk;
mod decode;
mod encode;
mod encoder;
mod error;
mod event;
mod fields;
mod gateway;
mod last_event_id;
#[cfg(test)]
mod linear;
mod options;
mod resume;
mod splitter;
mod state;
mod stats;
mod texts;
mod value;
mod wire;

#[cfg(feature = "std")]
pub use adapters::EventReader;
#[cfg(feature = "tokio-util")]
pub use adapters::SseCodec;
#[cfg(feature = "tokio")]
pub use adapters::TokioTimer;
#[cfg(feature = "stream")]
pub use adapters::{
    BlockStream, BoxChunks, BoxReconnecting, ConnectRequest, ConnectResponse, EventChunks,
    IntoConnectResponse, NoTimer, OpenChunks, OpenEvents, OpenedChunks, ReconnectError,
    ReconnectUpdate, ReconnectUpdates, Reconnecting, Timer,
};
#[cfg(feature = "http-body")]
pub use adapters::{BodyChunks, EventBody, last_event_id, retry_after, sse_headers};
#[cfg(feature = "stream")]
pub use adapters::{ByteStreamExt, EventStream, EventStreamExt, ItemBuf, ItemStream, Tap};
pub use adapters::{
    DONE, Decoding, EventIteratorExt, MustEndWith, RefusedBody, StreamError, TransportError,
    UntilData,
};
#[cfg(feature = "stream")]
pub use adapters::{FilterBlocks, Inject, NoFrames, WithLastWords};
#[cfg(feature = "json")]
pub use adapters::{JsonError, JsonEvent, JsonEvents, JsonStreamError};
#[cfg(feature = "http-body")]
pub use adapters::{Open, Refused, open, open_response};
pub use block::{Block, BlockBuf, BlockBufs, BlockDecoder, BlockEnd, Blocks, Line, Lines};
pub use builder::DecoderBuilder;
pub use decode::{Decoder, End, EventBufs, Events, Item, StreamEnd};
pub use encode::Encode;
pub use encoder::{Encoder, Frame};
pub use error::{DecodeError, DecodeErrorKind, InvalidValue};
pub use event::{Event, EventBuf};
pub use gateway::{BlockFilter, Injector, PartError, Rewrite, Verdict};
pub use options::{AtEnd, InvalidUtf8, OnError};
pub use resume::{
    Attempt, ConnectionEnd, GapReason, GaveUp, Reconnect, ReconnectPolicy, ReplayCursor, ReplayGap,
    ReplayId, ReplayLog,
};
pub use state::BodyKind;
pub use stats::Stats;
pub use value::{EventId, EventIdBuf, EventType};
pub use wire::{content_type::is_event_stream, field::Field};

/// Compiles the programs in the README as tests.
#[cfg(all(doctest, feature = "http-body", feature = "tokio", feature = "json"))]
#[doc = include_str!("../README.md")]
struct ReadmePrograms;
