//! `Inject`: a stream of chunks, with frames between its blocks.

use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{
    keep_alive::KeepAlive,
    outgoing::Outgoing,
    timer::{NoTimer, Timer},
    work::Work,
};
use crate::{encoder::Frame, gateway::Injector};

pin_project! {
    /// Passes chunks on unchanged and at once, and puts frames between their blocks.
    ///
    /// The frames come from a stream. With a [timer](Self::with_timer), keep-alives come too when
    /// nothing else was sent. A frame waits until the chunks are between two blocks. While one
    /// waits, the stream takes no further one.
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use sse_wire::{ByteStreamExt, Event, Frame};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let chunks = stream::iter([Ok::<_, &str>("data: a\n\nda"), Ok("ta: b\n\ndata: c\n\n")]);
    /// let notices = stream::iter(["x", "y"].map(|text| Frame::from(Event::new(text))));
    /// let passed: Vec<_> = chunks.inject(notices).map(Result::unwrap).collect().await;
    /// assert_eq!(
    ///     passed.concat(),
    ///     b"data: x\n\ndata: a\n\ndata: b\n\ndata: y\n\ndata: c\n\n",
    /// );
    /// # }).unwrap();
    /// ```
    ///
    /// # The end
    ///
    /// The stream is over when the chunks are, or after their first error. A frame that still waits
    /// leaves if the last block is complete. If the last block was cut off, the frame is discarded.
    /// To send it, the stream would have to end the block, and the receiver would take that for a
    /// whole one. Where frames must not be lost, [filter](crate::ByteStreamExt::filter_blocks) the
    /// chunks first, so that only whole blocks come here.
    ///
    /// It is a stream of chunks and, with the feature `http-body`, a body.
    #[must_use = "streams do nothing until they are polled"]
    pub struct Inject<S, I, K = NoTimer> {
        #[pin]
        chunks: S,
        #[pin]
        frames: I,
        has_more_frames: bool,
        injector: Injector,
        passed: Outgoing,
        #[pin]
        keep_alive: KeepAlive<K>,
        is_over: bool,
    }
}

impl<S, I> Inject<S, I> {
    pub(super) fn new(chunks: S, frames: I) -> Self {
        Self {
            chunks,
            frames,
            has_more_frames: true,
            injector: Injector::new(),
            passed: Outgoing::default(),
            keep_alive: KeepAlive::new(),
            is_over: false,
        }
    }
}

impl<S, I, K> Inject<S, I, K> {
    /// Sends keep-alives, by this timer. See
    /// [`ByteStreamExt::keep_alive`](crate::ByteStreamExt::keep_alive).
    pub fn with_timer<L: Timer>(self, timer: L) -> Inject<S, I, L> {
        let Self { chunks, frames, has_more_frames, injector, passed, keep_alive, is_over } = self;
        let keep_alive = keep_alive.with_timer(timer);
        Inject { chunks, frames, has_more_frames, injector, passed, keep_alive, is_over }
    }

    /// Sets how long the stream may be silent before it sends a keep-alive.
    ///
    /// The default is 15 seconds, as the standard advises. Proxies and load balancers close
    /// connections that are silent for 30 to 60 seconds.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures_util::stream;
    /// use sse_wire::{ByteStreamExt, Event, Frame, NoFrames, TokioTimer};
    ///
    /// let chunks = stream::iter([Ok::<_, std::io::Error>("data: a\n\n")]);
    /// let passed = chunks
    ///     .inject(NoFrames)
    ///     .with_timer(TokioTimer::new())
    ///     .with_interval(Duration::from_secs(5))
    ///     .with_keep_alive(Frame::from(Event::new("ping")));
    /// # let _ = passed;
    /// ```
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { keep_alive: self.keep_alive.with_interval(interval), ..self }
    }

    /// Sets the keep-alive; a comment without text by default.
    pub fn with_keep_alive(self, keep_alive: Frame) -> Self {
        Self { keep_alive: self.keep_alive.with_frame(keep_alive), ..self }
    }
}

impl<S, I: Stream<Item = Frame>, K> Inject<S, I, K> {
    /// Takes a frame, unless one waits. Skips frames without bytes.
    fn poll_frames(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let mut this = self.project();
        let mut work = Work::default();
        while *this.has_more_frames && !this.injector.is_waiting() && !work.gives_way(cx) {
            work.add_chunk(0);
            match this.frames.as_mut().poll_next(cx) {
                Poll::Ready(Some(frame)) => this.injector.inject(&frame),
                Poll::Ready(None) => *this.has_more_frames = false,
                Poll::Pending => return,
            }
        }
    }
}

impl<S, B, E, I, K> Stream for Inject<S, I, K>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    I: Stream<Item = Frame>,
    K: Timer,
{
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut work = Work::default();
        loop {
            let this = self.as_mut().project();
            if let Some(part) = this.passed.next() {
                this.keep_alive.interrupt();
                return Poll::Ready(Some(Ok(part)));
            }
            if *this.is_over {
                return Poll::Ready(None);
            }
            if work.gives_way(cx) {
                // The chunks are always ready and empty. That is silence, too.
                return self.poll_silence(cx);
            }
            match this.chunks.poll_next(cx) {
                Poll::Ready(Some(Ok(chunk))) => {
                    self.as_mut().poll_frames(cx);
                    let this = self.as_mut().project();
                    let chunk = chunk.into();
                    work.add_chunk(chunk.len());
                    this.injector.pass(chunk, this.passed.parts());
                }
                Poll::Ready(Some(Err(error))) => {
                    *this.is_over = true;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => {
                    *this.is_over = true;
                    this.passed.parts().extend(this.injector.take_ready());
                }
                Poll::Pending => return self.poll_silence(cx),
            }
        }
    }
}

impl<S, B, E, I, K> Inject<S, I, K>
where
    S: Stream<Item = Result<B, E>>,
    I: Stream<Item = Frame>,
    K: Timer,
{
    /// Sends a frame or a keep-alive while the chunks are silent.
    fn poll_silence(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, E>>> {
        self.as_mut().poll_frames(cx);
        let mut this = self.project();
        if !this.injector.is_waiting() {
            let keep_alive = ready!(this.keep_alive.as_mut().poll_due(cx));
            this.injector.inject(&keep_alive);
        }
        // A frame that may not leave waits for the end of the block, which comes with a chunk.
        let Some(frames) = this.injector.take_ready() else { return Poll::Pending };
        this.keep_alive.interrupt();
        Poll::Ready(Some(Ok(frames)))
    }
}

impl<S, I, K> fmt::Debug for Inject<S, I, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inject")
            .field("injector", &self.injector)
            .field("interval", &self.keep_alive.interval())
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

/// A stream of no frames, for [`Inject`] with keep-alives alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFrames;

impl Stream for NoFrames {
    type Item = Frame;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Frame>> {
        Poll::Ready(None)
    }
}
