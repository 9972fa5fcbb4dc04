//! Encodes and decodes Server-Sent Events: the wire format `text/event-stream`.
//!
//! Feed it chunks of bytes, cut anywhere, and it gives you events; give it events, and it gives you
//! bytes. The core does no I/O and needs no clock, no runtime and no `std`. Adapters, each behind a
//! feature of its own, connect it to readers, streams, HTTP bodies, codecs and JSON.
//!
//! # Decode
//!
//! ```
//! use sse_wire::{DecodeError, Decoder};
//!
//! fn main() -> Result<(), DecodeError> {
//!     // The network cuts where it likes: here in the middle of a character and of a line end.
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
//!     assert!(decoder.finish()?.is_clean(), "the stream was cut in the middle of a block");
//!     Ok(())
//! }
//! ```
//!
//! With an HTTP client you rarely need the [`Decoder`] itself: `response.bytes_stream().events()` is
//! a stream of events, and [`EventReader`] is an iterator over those of a blocking response.
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
//! | the same, and the JSON error that may come instead | [`ByteStreamExt::open_events`] | `stream` |
//! | a body of hyper, axum or tower | [`EventStream::from_body`] | `http-body` |
//! | an [`io::Read`](std::io::Read): ureq, a file, a pipe | [`EventReader`] | `std` |
//! | a framed transport of `tokio_util` | [`SseCodec`] | `tokio-util` |
//! | data as a value | [`EventStreamExt::json`], [`EventIteratorExt::json`] | `json` |
//! | a value whose type depends on the event type | [`Event::json_by_type`] | `json` |
//! | an error if `[DONE]` never comes | [`EventStreamExt::must_end_with`] and [`DONE`] | `stream` |
//! | comments, and blocks that only set an ID | [`ByteStreamExt::items`] | `stream` |
//! | a stream that reconnects | [`Reconnecting`] | `stream` |
//! | just bytes to events, without allocating | [`Decoder::feed`] | |
//! | events that outlive the call | [`Decoder::feed_bytes`] | |
//! | comments as well, from a decoder | [`Events::next_item`] | |
//!
//! To send them:
//!
//! | I want | use | feature |
//! |---|---|---|
//! | to answer a request with a stream | [`EventBody`] | `http-body` |
//! | keep-alives on tokio, or on another runtime | [`TokioTimer`], [`Timer`] | `tokio`, `stream` |
//! | a value as data | [`JsonEvent`] | `json` |
//! | bytes that I write myself | [`Encoder`], [`Frame`] | |
//! | clients to resume where they were cut off | [`ReplayLog`] | |
//! | the `Last-Event-ID` of their requests | [`last_event_id()`] | `http-body` |
//!
//! To stand between a server and its clients, over bytes or, with feature `stream`, over a stream of
//! chunks:
//!
//! | I want | over bytes | over a stream |
//! |---|---|---|
//! | to change or drop some blocks, and keep every other byte | [`BlockFilter`] | [`ByteStreamExt::filter_blocks`] |
//! | to change one field of a block | [`Block::rewrite`] | |
//! | to put my own frames between its blocks | [`Injector`] | [`ByteStreamExt::inject`] |
//! | to put keep-alives between its blocks | | [`ByteStreamExt::keep_alive`] |
//! | to see the events of a stream that I pass on unchanged | | [`ByteStreamExt::tap_events`] |
//! | the blocks with their raw bytes | [`BlockDecoder`] | [`ByteStreamExt::blocks`] |
//!
//! # Questions
//!
//! **How do I stop?** Drop the stream, the reader or the body, and with it the connection. You need
//! not call anything first. If you keep a [`Decoder`] and drop
//! its [`Events`] early, the events that you did not take come first at the next call. To stop at a
//! certain event, use [`EventStreamExt::must_end_with`] or [`EventStreamExt::until_data`]: neither
//! reads beyond it.
//!
//! **How do I know that the stream is complete?** [`Decoder::finish`], or `end()` of an adapter,
//! returns how it ended: between two blocks, or within one. A stream that was cut between two events
//! looks clean, so if the protocol has a last event, ask for it with
//! [`EventStreamExt::must_end_with`].
//!
//! **How do I reconnect?** [`Reconnecting`] does it for requests that may be repeated: it waits as
//! long as the policy [`Reconnect`] says and sends the last event ID. To do it yourself, send
//! [`Decoder::last_event_id`] in the header `Last-Event-ID`, wait for
//! [`Decoder::reconnection_time`], and call [`Decoder::reset_for_reconnect`] before you feed the new
//! response.
//!
//! **What is kept between two calls?** The last event ID, the reconnection time, the part of the
//! current block that has arrived, and what you left unread of a chunk. A decoder that stands
//! between two blocks holds no part of a chunk. Of each buffer, at most 64 KiB stay allocated for
//! the next block.
//!
//! **What does the limit count?** The bytes of one block that the decoder must hold: its lines, with
//! one byte for each line end. Comments and unknown fields stop counting when their line ends. See
//! [`DecoderBuilder::max_block_size`].
//!
//! **What does an error leave behind?** You get all events before it, and none of the block that
//! caused it. After a [`DecodeError`] the decoder ignores the rest of the stream, or continues with
//! the next block if you chose [`OnError::SkipBlock`]. The last event ID is that of the last block
//! that was accepted. After an error of the transport, a stream of events is over, and the block that
//! was cut off is never dispatched. A [`JsonError`] ends nothing: the next event follows.
//!
//! # Limits
//!
//! | what | default | set by |
//! |---|---|---|
//! | a block | 16 MiB, at most 2 GiB | [`DecoderBuilder::max_block_size`] |
//! | what a caller leaves unread of chunks | as a block, but always 64 KiB | [`DecoderBuilder::max_block_size`] |
//! | what is kept of a body that is no event stream | 1 KiB | [`DecoderBuilder::first_bytes`] |
//! | the memory of a decoder, beside the last event ID | twice the block limit; three times if invalid UTF-8 is replaced | |
//!
//! By default, a decoder does exactly what the standard says. Every deviation is an option of the
//! [`DecoderBuilder`], never a feature: see [`OnError`], [`InvalidUtf8`] and [`AtEnd`].
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `std` | yes | [`EventReader`]; looks up the CPU at run time to search and check text faster. Without it the crate is `no_std` and needs `alloc`. |
//! | `stream` | | [`EventStream`] and all other adapters over `futures_core::Stream` |
//! | `http-body` | | [`EventBody`], bodies as streams of events, headers; enables `stream` |
//! | `tokio` | | [`TokioTimer`], tokio's clock for keep-alives and reconnection; enables `stream` |
//! | `tokio-util` | | [`SseCodec`]; enables `std` |
//! | `json` | | [`JsonEvent`], and data as values through `serde_json`; enables `std` |
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

// ARCHITECTURE.md has the map of the modules, the glossary and the laws. Imports run downward only.

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
    BlockStream, ConnectRequest, ConnectResponse, NoTimer, OpenEvents, ReconnectError,
    ReconnectUpdate, ReconnectUpdates, Reconnecting, Timer,
};
#[cfg(feature = "http-body")]
pub use adapters::{BodyChunks, EventBody, last_event_id, sse_headers};
#[cfg(feature = "stream")]
pub use adapters::{ByteStreamExt, EventStream, EventStreamExt, ItemBuf, ItemStream, Tap};
pub use adapters::{
    DONE, Decoding, EventIteratorExt, MustEndWith, OtherBody, StreamError, TransportError,
    UntilData,
};
#[cfg(feature = "stream")]
pub use adapters::{FilterBlocks, Inject, NoFrames, WithLastWords};
#[cfg(feature = "json")]
pub use adapters::{JsonError, JsonEvent, JsonEvents, JsonStreamError};
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
    ConnectionEnd, GapReason, GaveUp, Reconnect, ReplayCursor, ReplayGap, ReplayId, ReplayLog,
};
pub use state::BodyKind;
pub use stats::Stats;
pub use value::{EventId, EventIdBuf, EventType};
pub use wire::{content_type::is_event_stream, field::Field};

/// The programs in the README, as tests.
#[cfg(all(doctest, feature = "http-body", feature = "tokio", feature = "json"))]
#[doc = include_str!("../README.md")]
struct ReadmePrograms;
