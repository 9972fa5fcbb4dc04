//! Bridges to what users hold: readers, streams, bodies, codecs, JSON. Each is thin, in a file of
//! its own and behind its own feature; none names an HTTP client.

#[cfg(feature = "http-body")]
mod batch;
#[cfg(feature = "stream")]
mod blocks;
#[cfg(feature = "http-body")]
mod body_chunks;
#[cfg(feature = "json")]
mod by_type;
#[cfg(feature = "tokio-util")]
mod codec;
#[cfg(feature = "stream")]
mod connect;
mod decoding;
mod error;
#[cfg(feature = "http-body")]
mod event_body;
#[cfg(feature = "stream")]
mod filtered;
#[cfg(feature = "http-body")]
mod gateway_body;
#[cfg(feature = "http-body")]
mod headers;
#[cfg(feature = "stream")]
mod injected;
#[cfg(feature = "std")]
mod io;
mod iterator_ext;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "json")]
mod json_event;
#[cfg(feature = "stream")]
mod keep_alive;
#[cfg(any(feature = "std", feature = "stream"))]
mod open;
mod other_body;
#[cfg(feature = "stream")]
mod outgoing;
#[cfg(any(feature = "std", feature = "stream", feature = "tokio-util"))]
mod progress;
#[cfg(any(feature = "std", feature = "stream", feature = "tokio-util"))]
mod pump;
#[cfg(feature = "stream")]
mod pump_stream;
#[cfg(feature = "stream")]
mod reconnecting;
mod sentinel;
#[cfg(feature = "stream")]
mod stream;
#[cfg(feature = "stream")]
mod stream_ext;
#[cfg(feature = "stream")]
mod tap;
#[cfg(feature = "stream")]
mod timer;
#[cfg(feature = "tokio")]
mod tokio_timer;
#[cfg(feature = "stream")]
mod work;

#[cfg(feature = "stream")]
pub use blocks::BlockStream;
#[cfg(feature = "http-body")]
pub use body_chunks::BodyChunks;
#[cfg(feature = "tokio-util")]
pub use codec::SseCodec;
#[cfg(feature = "stream")]
pub use connect::{ConnectRequest, ConnectResponse};
pub use decoding::Decoding;
pub use error::{StreamError, TransportError};
#[cfg(feature = "http-body")]
pub use event_body::EventBody;
#[cfg(feature = "stream")]
pub use filtered::{FilterBlocks, WithLastWords};
#[cfg(feature = "http-body")]
pub use headers::{last_event_id, sse_headers};
#[cfg(feature = "stream")]
pub use injected::{Inject, NoFrames};
#[cfg(feature = "std")]
pub use io::EventReader;
pub use iterator_ext::EventIteratorExt;
#[cfg(feature = "json")]
pub use json::{JsonError, JsonEvents, JsonStreamError};
#[cfg(feature = "json")]
pub use json_event::JsonEvent;
#[cfg(feature = "stream")]
pub use open::OpenEvents;
pub use other_body::OtherBody;
#[cfg(feature = "stream")]
pub use reconnecting::{ReconnectError, ReconnectUpdate, ReconnectUpdates, Reconnecting};
pub use sentinel::{DONE, MustEndWith, UntilData};
#[cfg(feature = "stream")]
pub use stream::{EventStream, ItemBuf, ItemStream};
#[cfg(feature = "stream")]
pub use stream_ext::{ByteStreamExt, EventStreamExt};
#[cfg(feature = "stream")]
pub use tap::Tap;
#[cfg(feature = "stream")]
pub use timer::{NoTimer, Timer};
#[cfg(feature = "tokio")]
pub use tokio_timer::TokioTimer;
