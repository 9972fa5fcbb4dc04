//! Small helpers that every client of such streams writes again.

use core::iter::FusedIterator;

use crate::event::EventBuf;

/// The data of the event that ends the streams of `OpenAI` and of many who follow them.
pub const DONE: &str = "[DONE]";

/// What can be done with an iterator of events.
pub trait EventIteratorExt<E>: Iterator<Item = Result<EventBuf, E>> + Sized {
    /// Ends before the event with this data, such as [`DONE`].
    ///
    /// The event itself is taken and not given; what follows is not read.
    ///
    /// ```
    /// use sse_wire::{DONE, DecodeError, Decoder, EventIteratorExt};
    ///
    /// let mut decoder = Decoder::new();
    /// let chunk = bytes::Bytes::from_static(b"data: a\n\ndata: [DONE]\n\ndata: b\n\n");
    /// let events: Vec<_> = decoder.feed_bytes(chunk).until_data(DONE).collect::<Result<_, _>>()?;
    /// assert_eq!(events.len(), 1);
    /// # Ok::<_, DecodeError>(())
    /// ```
    fn until_data(self, data: &str) -> UntilData<'_, Self> {
        UntilData { events: self, data, done: false }
    }
}

impl<E, I: Iterator<Item = Result<EventBuf, E>>> EventIteratorExt<E> for I {}

/// See [`EventIteratorExt::until_data`] and `EventStreamExt::until_data`.
#[derive(Clone, Debug)]
pub struct UntilData<'d, I> {
    pub(super) events: I,
    pub(super) data: &'d str,
    pub(super) done: bool,
}

impl<I> UntilData<'_, I> {
    fn unless_done<E>(&mut self, event: Result<EventBuf, E>) -> Option<Result<EventBuf, E>> {
        self.done = event.as_ref().is_ok_and(|event| event.data() == self.data);
        (!self.done).then_some(event)
    }

    /// Whether the event with that data came. If not, the stream was cut.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// What gives the events.
    #[must_use]
    pub fn get_ref(&self) -> &I {
        &self.events
    }

    /// What gives the events, to read on.
    #[must_use]
    pub fn into_inner(self) -> I {
        self.events
    }
}

impl<E, I: Iterator<Item = Result<EventBuf, E>>> Iterator for UntilData<'_, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        if self.done {
            return None;
        }
        let event = self.events.next()?;
        self.unless_done(event)
    }
}

impl<E, I: FusedIterator<Item = Result<EventBuf, E>>> FusedIterator for UntilData<'_, I> {}

#[cfg(feature = "stream")]
impl<E, S> futures_core::Stream for UntilData<'_, S>
where
    S: futures_core::Stream<Item = Result<EventBuf, E>> + Unpin,
{
    type Item = S::Item;

    fn poll_next(
        self: core::pin::Pin<&mut Self>,
        cx: &mut core::task::Context<'_>,
    ) -> core::task::Poll<Option<S::Item>> {
        let this = self.get_mut();
        if this.done {
            return core::task::Poll::Ready(None);
        }
        core::pin::Pin::new(&mut this.events).poll_next(cx).map(|event| {
            let event = event?;
            this.unless_done(event)
        })
    }
}
