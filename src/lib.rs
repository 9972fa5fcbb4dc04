#![no_std]
#![deny(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(sse_wire_docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod adapters;
mod block;
mod chunk;
mod config;
mod decoder;
mod encoder;
mod error;
mod event;
mod feed;
mod field;
mod head;
mod injector;
mod interpret;
mod line;
#[cfg(test)]
mod linear;
mod machine;
mod parts;
mod rewrite;
mod scan;
mod stats;
mod text;
mod value;

pub use adapters::*;
pub use block::{Block, BlockBuf, BlockBufs, BlockDecoder, BlockEnd, BlockFilter, Blocks, Verdict};
pub use config::{AtEnd, DecoderBuilder, InvalidUtf8, OnError};
pub use decoder::{Decoder, End, EventBufs, Events, Item, StreamEnd};
pub use encoder::{Encoder, Frame};
pub use error::{DecodeError, DecodeErrorKind, InvalidValue};
pub use event::{Event, EventBuf};
pub use field::Field;
pub use head::Look;
pub use injector::Injector;
pub use line::{Line, Lines};
pub use rewrite::Rewrite;
pub use stats::Stats;
pub use value::{EventId, EventType};
