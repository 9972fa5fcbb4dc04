//! The errors of all adapters that decode.

use alloc::boxed::Box;
use core::{error::Error, fmt};

use super::other_body::OtherBody;
use crate::{decode::StreamEnd, error::DecodeError};

/// The error of every adapter that decodes an event stream.
///
/// `E` is the error of the transport, of any type: that of the stream of chunks, or
/// [`io::Error`](std::io::Error) for a reader and a codec.
///
/// [`source`](Error::source) returns the error of the transport, so the chain reaches the first
/// cause. The message does not repeat it.
///
/// # Boxed transport errors
///
/// `Box<dyn Error + Send + Sync>` does not implement [`Error`], and neither does a `StreamError`
/// that holds one. [`boxed`](Self::boxed), or `?` in a function that returns the default
/// `StreamError`, converts every transport error that can be boxed to an error that does:
///
/// ```
/// use std::error::Error;
///
/// use sse_wire::StreamError;
///
/// type BoxError = Box<dyn Error + Send + Sync>;
///
/// // What an `EventStream` of chunks with boxed errors gives.
/// fn next() -> Result<String, StreamError<BoxError>> {
///     Err(StreamError::Transport("reset".into()))
/// }
///
/// fn first_word() -> Result<String, StreamError> {
///     let data = next()?;
///     Ok(data.split(' ').next().unwrap_or_default().to_owned())
/// }
///
/// fn caller() -> Result<String, BoxError> {
///     Ok(first_word()?)
/// }
/// assert_eq!(caller().unwrap_err().source().unwrap().to_string(), "reset");
/// ```
///
/// To convert all errors of a stream, box them at the source:
/// `chunks.map_err(TransportError::new).events()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamError<E = TransportError> {
    /// The transport failed. The stream is over, and what was pending is not dispatched.
    Transport(E),
    /// A block was refused. [`OnError`](crate::OnError) chooses if the stream goes on.
    Decode(DecodeError),
    /// The stream ended, but not with the event that it [must end
    /// with](crate::EventIteratorExt::must_end_with). Only that adapter gives this.
    Incomplete(StreamEnd),
    /// The body was not an event stream. Only `open_events` and
    /// [`EventReader::open`](crate::EventReader::open) give this.
    NotEventStream(OtherBody),
}

impl<E> StreamError<E> {
    /// Converts the error of the transport.
    ///
    /// ```
    /// use sse_wire::StreamError;
    ///
    /// let error: StreamError<Box<dyn std::error::Error + Send + Sync>> =
    ///     StreamError::Transport("reset".into());
    /// let error = error.map_transport(|error| std::io::Error::other(error));
    /// assert!(matches!(error, StreamError::Transport(error) if error.to_string() == "reset"));
    /// ```
    pub fn map_transport<F>(self, map: impl FnOnce(E) -> F) -> StreamError<F> {
        match self {
            Self::Transport(error) => StreamError::Transport(map(error)),
            Self::Decode(error) => StreamError::Decode(error),
            Self::Incomplete(end) => StreamError::Incomplete(end),
            Self::NotEventStream(body) => StreamError::NotEventStream(body),
        }
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> StreamError<E> {
    /// Boxes the error of the transport.
    ///
    /// The result implements [`Error`] even if the transport's error is
    /// `Box<dyn Error + Send + Sync>`, and has the same type whatever the transport is.
    ///
    /// ```
    /// use sse_wire::StreamError;
    ///
    /// fn fails() -> Result<(), StreamError<Box<dyn std::error::Error + Send + Sync>>> {
    ///     Err(StreamError::Transport("reset".into()))
    /// }
    ///
    /// fn caller() -> Result<(), Box<dyn std::error::Error>> {
    ///     Ok(fails().map_err(StreamError::boxed)?)
    /// }
    /// assert_eq!(caller().unwrap_err().source().unwrap().to_string(), "reset");
    /// ```
    pub fn boxed(self) -> StreamError {
        self.map_transport(TransportError::new)
    }
}

impl<E> fmt::Display for StreamError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(_) => f.write_str("the transport of the event stream failed"),
            Self::Decode(error) => error.fmt(f),
            Self::Incomplete(end) => {
                f.write_str("the event stream ended before its last event")?;
                match end.pending_bytes() {
                    0 => Ok(()),
                    pending => write!(f, ", {pending} bytes into a block"),
                }
            }
            Self::NotEventStream(body) => body.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for StreamError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Transport(error) => Some(error),
            // The message is that of the decode error, which must not come twice in the chain.
            Self::Decode(error) => error.source(),
            Self::Incomplete(_) | Self::NotEventStream(_) => None,
        }
    }
}

// `TransportError` does not implement `Error`, so this does not overlap with the implementation
// above.
impl Error for StreamError<TransportError> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Transport(error) => Some(&*error.0),
            Self::Decode(error) => error.source(),
            Self::Incomplete(_) | Self::NotEventStream(_) => None,
        }
    }
}

impl<E> From<DecodeError> for StreamError<E> {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

/// The traits of `tokio_util::codec` require it.
#[cfg(feature = "std")]
impl From<std::io::Error> for StreamError<std::io::Error> {
    fn from(error: std::io::Error) -> Self {
        Self::Transport(error)
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<StreamError<E>> for StreamError {
    fn from(error: StreamError<E>) -> Self {
        error.boxed()
    }
}

/// The error of a transport of any type, in a [`StreamError`].
///
/// Holds everything that can be boxed: errors, `Box<dyn Error + Send + Sync>`, `anyhow::Error`,
/// strings. Like `anyhow::Error`, it does not implement [`Error`]. The `StreamError` around it
/// does, and its [`source`](Error::source) is the error in here.
pub struct TransportError(Box<dyn Error + Send + Sync>);

impl TransportError {
    /// Boxes an error, unless it is boxed already.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// Returns the error, to be shown or downcast.
    ///
    /// ```
    /// use std::io;
    ///
    /// use sse_wire::TransportError;
    ///
    /// let error = TransportError::new(io::Error::from(io::ErrorKind::TimedOut));
    /// let io = error.get_ref().downcast_ref::<io::Error>().expect("an I/O error");
    /// assert_eq!(io.kind(), io::ErrorKind::TimedOut);
    /// ```
    #[must_use]
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }

    /// Returns the boxed error.
    ///
    /// ```
    /// use sse_wire::TransportError;
    ///
    /// let error = TransportError::new("the connection is gone");
    /// assert_eq!(error.into_inner().to_string(), "the connection is gone");
    /// ```
    #[must_use]
    pub fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.0
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
