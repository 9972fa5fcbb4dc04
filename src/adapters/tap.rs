//! `Tap`: shows the events of a stream that passes by.

use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{
    decoding::decoding,
    progress::{EventProgress, Progress},
};
use crate::{decode::Decoder, error::DecodeError, event::Event};

pin_project! {
    /// Passes chunks on unchanged and at once, and shows their events to an observer.
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{ByteStreamExt, Event};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let chunks = stream::iter([Ok::<_, &str>("data: a\n\nda"), Ok("ta: b\n\n")]);
    /// let mut seen = Vec::new();
    /// let passed: Vec<_> = chunks
    ///     .tap_events(|event| seen.push(event.map(|event| event.data().to_owned())))
    ///     .collect()
    ///     .await;
    /// assert_eq!(passed, [Ok("data: a\n\nda".into()), Ok("ta: b\n\n".into())]);
    /// assert_eq!(seen, [Ok("a".to_owned()), Ok("b".to_owned())]);
    /// # }).unwrap();
    /// ```
    ///
    /// The observer sees the events of a chunk when the next chunk is asked for, so the chunk is
    /// already on its way. If the stream is dropped, it may not have seen those of the last one.
    ///
    /// The observer cannot change or end the stream. After a fatal error of the decoder or an error
    /// of the stream, chunks still pass, but it sees no more events. It runs on the task that
    /// polls, so it should be quick. For slow work, let it send an [`EventBuf`](crate::EventBuf)
    /// elsewhere.
    #[must_use = "streams do nothing until they are polled"]
    pub struct Tap<S, F> {
        #[pin]
        chunks: S,
        progress: EventProgress,
        observe: F,
        passed: Option<Bytes>,
    }
}

impl<S, F: FnMut(Result<Event<'_>, DecodeError>)> Tap<S, F> {
    pub(super) fn new(chunks: S, observe: F) -> Self {
        Self { chunks, progress: EventProgress::new(Decoder::new()), observe, passed: None }
    }

    /// Sets the decoder, for its options.
    ///
    /// ```
    /// use futures_util::stream;
    /// use sse_wire::{ByteStreamExt, Decoder, EventId};
    ///
    /// let chunks = stream::iter([Ok::<_, std::io::Error>("data: a\n\n")]);
    /// let decoder = Decoder::builder().last_event_id(EventId::from_static("7")).build();
    /// let tapped = chunks.tap_events(|_| ()).with_decoder(decoder);
    /// assert_eq!(tapped.last_event_id(), "7");
    /// ```
    pub fn with_decoder(self, decoder: Decoder) -> Self {
        Self { progress: EventProgress::new(decoder), ..self }
    }
}

decoding!(impl[S, F] Tap<S, F>, progress);

impl<S, B, E, F> Stream for Tap<S, F>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    F: FnMut(Result<Event<'_>, DecodeError>),
{
    type Item = Result<Bytes, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if let Some(passed) = this.passed.take() {
            look(this.progress.decoder_mut(), &passed, this.observe);
        }
        let chunk = ready!(this.chunks.poll_next(cx)).map(|chunk| chunk.map(Into::into));
        if !this.progress.is_over() {
            match &chunk {
                Some(Ok(chunk)) => *this.passed = Some(Bytes::clone(chunk)),
                Some(Err(_)) => this.progress.fail(),
                None => {
                    if let Some(event) = this.progress.finish() {
                        (this.observe)(event);
                    }
                }
            }
        }
        Poll::Ready(chunk)
    }
}

fn look(
    decoder: &mut Decoder,
    chunk: &[u8],
    observe: &mut impl FnMut(Result<Event<'_>, DecodeError>),
) {
    let mut events = decoder.feed(chunk);
    loop {
        match events.next_event() {
            Ok(Some(event)) => observe(Ok(event)),
            Ok(None) => return,
            Err(error) => observe(Err(error)),
        }
    }
}

impl<S, F> fmt::Debug for Tap<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").field("decoder", self.decoder()).finish_non_exhaustive()
    }
}
