//! Streams and iterators that end with a certain event.

use core::iter::FusedIterator;
#[cfg(feature = "stream")]
use core::{
    pin::Pin,
    task::{Context, Poll, ready},
};

#[cfg(feature = "stream")]
use futures_core::Stream;

use super::{
    decoding::{Decoding, decoding},
    error::StreamError,
};
use crate::event::EventBuf;

/// The data of the last event in the streams of `OpenAI` and of many other providers.
///
/// An example: [`EventIteratorExt::until_data`](crate::EventIteratorExt::until_data).
pub const DONE: &str = "[DONE]";

/// Ends before an event with certain data. See
/// [`EventIteratorExt::until_data`](crate::EventIteratorExt::until_data) and
/// `EventStreamExt::until_data`.
#[derive(Clone, Debug)]
#[must_use = "iterators and streams do nothing until they are asked"]
pub struct UntilData<'d, I> {
    events: I,
    last: Sentinel<'d>,
    done: bool,
}

/// The mark of the last event.
#[derive(Clone, Copy, Debug)]
enum Sentinel<'d> {
    /// This data. The event says nothing else, so it is not given.
    Data(&'d str),
    /// This type. The event may have data, so it is given.
    Type(&'d str),
}

impl<'d, I> UntilData<'d, I> {
    pub(super) fn new(events: I, data: &'d str) -> Self {
        Self { events, last: Sentinel::Data(data), done: false }
    }

    fn unless_done<E>(&mut self, event: Result<EventBuf, E>) -> Option<Result<EventBuf, E>> {
        let Ok(found) = &event else { return Some(event) };
        match self.last {
            Sentinel::Data(data) => {
                self.done = found.data() == data;
                (!self.done).then_some(event)
            }
            Sentinel::Type(event_type) => {
                self.done = found.event_type() == event_type;
                Some(event)
            }
        }
    }

    /// Returns `true` if the event with that data came. If not, the stream was cut.
    ///
    /// ```
    /// use sse_wire::{DONE, EventIteratorExt, EventReader};
    ///
    /// let body = &b"data: a\n\ndata: [DONE]\n\ndata: b\n\n"[..];
    /// let mut events = EventReader::new(body).until_data(DONE);
    /// assert_eq!((events.by_ref().count(), events.is_done()), (1, true));
    /// assert_eq!(events.get_ref().decoder().stats().events, 2);
    /// let mut rest = events.into_inner();
    /// assert_eq!(rest.next().unwrap()?.data(), "b");
    /// # Ok::<_, sse_wire::StreamError<std::io::Error>>(())
    /// ```
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Returns the stream or iterator of the events.
    pub fn get_ref(&self) -> &I {
        &self.events
    }

    /// Returns the stream or iterator of the events, to read on.
    pub fn into_inner(self) -> I {
        self.events
    }
}

decoding!(impl[I: Decoding] UntilData<'_, I>, events);

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
impl<E, S> Stream for UntilData<'_, S>
where
    S: Stream<Item = Result<EventBuf, E>> + Unpin,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.get_mut();
        if this.done {
            return Poll::Ready(None);
        }
        Pin::new(&mut this.events).poll_next(cx).map(|event| {
            let event = event?;
            this.unless_done(event)
        })
    }
}

/// Ends with a certain event, which must come. See
/// [`EventIteratorExt::must_end_with`](crate::EventIteratorExt::must_end_with),
/// [`must_end_with_type`](crate::EventIteratorExt::must_end_with_type), and the methods of these
/// names of `EventStreamExt`.
#[derive(Clone, Debug)]
#[must_use = "iterators and streams do nothing until they are asked"]
pub struct MustEndWith<'d, I> {
    events: UntilData<'d, I>,
    /// The error for an end without that event was given.
    is_told: bool,
}

impl<'d, I: Decoding> MustEndWith<'d, I> {
    pub(super) fn new(events: I, data: &'d str) -> Self {
        Self { events: UntilData::new(events, data), is_told: false }
    }

    pub(super) fn with_type(events: I, event_type: &'d str) -> Self {
        let events = UntilData { events, last: Sentinel::Type(event_type), done: false };
        Self { events, is_told: false }
    }

    /// Returns the error for an end without the event, once.
    #[cold]
    fn end_without_event<E>(&mut self) -> Option<StreamError<E>> {
        let UntilData { events, last, done } = &mut self.events;
        // If there is none, the stream gave another error.
        let end = events.end().filter(|_| !*done && !self.is_told)?;
        if let Sentinel::Data(data) = last {
            *done = end.had_data() && events.decoder().cut_off_data_is(data);
        }
        self.is_told = !*done;
        self.is_told.then_some(StreamError::Incomplete(end))
    }
}

impl<I> MustEndWith<'_, I> {
    /// Returns `true` if that event came.
    ///
    /// ```
    /// use sse_wire::{DONE, EventIteratorExt, EventReader};
    ///
    /// let body = &b"data: a\n\ndata: [DONE]\n\ndata: b\n\n"[..];
    /// let mut events = EventReader::new(body).must_end_with(DONE);
    /// assert_eq!((events.by_ref().count(), events.is_done()), (1, true));
    /// assert_eq!(events.get_ref().decoder().stats().events, 2);
    /// let mut rest = events.into_inner();
    /// assert_eq!(rest.next().unwrap()?.data(), "b");
    /// # Ok::<_, sse_wire::StreamError<std::io::Error>>(())
    /// ```
    pub fn is_done(&self) -> bool {
        self.events.is_done()
    }

    /// Returns the stream or iterator of the events.
    pub fn get_ref(&self) -> &I {
        self.events.get_ref()
    }

    /// Returns the stream or iterator of the events, to read on.
    pub fn into_inner(self) -> I {
        self.events.into_inner()
    }
}

decoding!(impl[I: Decoding] MustEndWith<'_, I>, events);

impl<E, I> Iterator for MustEndWith<'_, I>
where
    I: Iterator<Item = Result<EventBuf, StreamError<E>>> + Decoding,
{
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.events.next().or_else(|| self.end_without_event().map(Err))
    }
}

impl<E, I> FusedIterator for MustEndWith<'_, I> where
    I: FusedIterator<Item = Result<EventBuf, StreamError<E>>> + Decoding
{
}

#[cfg(feature = "stream")]
impl<E, S> Stream for MustEndWith<'_, S>
where
    S: Stream<Item = Result<EventBuf, StreamError<E>>> + Decoding + Unpin,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.get_mut();
        let event = ready!(Pin::new(&mut this.events).poll_next(cx));
        Poll::Ready(event.or_else(|| this.end_without_event().map(Err)))
    }
}
