#![no_std]
#![deny(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(sse_wire_docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

// # Map
//
// Imports run downward only. From the bottom:
//
// | module | what it has |
// |---|---|
// | `wire`     | the format without state: line ends, field names, UTF-8 |
// | `chunk`    | a chunk and what one look at it tells: line ends, text; all of `unsafe` |
// | `splitter` | chunks to lines and blocks: the only state machine |
// | `value`, `error`, `last_event_id`, `event`, `options` | values |
// | `stats`    | counters, as they are shown |
// | `fields`   | the standard's "process the field", for both views |
// | `texts`    | the values of a block as text, for both views |
// | `state`    | a stream between two chunks, and a chunk that is being read, for both views |
// | `accessors` | what both decoders tell of their stream, in the same words |
// | `decode`   | the event view |
// | `block`    | the block view |
// | `builder`  | options for both |
// | `encoder`  | events to bytes |
// | `encode`   | what else becomes events: text, frames, results |
// | `gateway`  | blocks changed, dropped, added |
// | `resume`   | reconnection: when, and when not; what a server keeps for it |
// | `adapters` | readers, streams, bodies, codecs, JSON: one file each |
//
// # Words
//
// The standard's: event stream, block (lines up to a blank line), line, field, comment, event type,
// data, last event ID, reconnection time, dispatch. Ours:
//
// - chunk: bytes as the caller feeds them, cut anywhere.
// - place: where a block or line lies, in the chunk or in the splitter's buffer.
// - held: kept in that buffer beyond the chunk; what is held counts towards the block limit.
// - pending: bytes of the block under way. Unread: bytes of a chunk that the caller did not take.
// - span: a value as offsets in its block.
// - plain: at the start of a block, with nothing to remember.
// - lane: 64 bytes that one mask of line ends is made of; window: up to eight lanes.
// - refused: a block that ends with an error.

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
