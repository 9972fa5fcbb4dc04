//! `EventBody`, with a clock of the test's own.

use std::{
    cell::Cell,
    convert::Infallible,
    pin::{Pin, pin},
    rc::Rc,
    sync::mpsc::{self, Sender},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, Stream, stream};
use http_body::Body;
use http_body_util::BodyExt;
use sse_wire::{
    Encode, Event, EventBody, EventStream, EventType, Frame, ItemStream, Timer, is_event_stream,
    sse_headers,
};

/// Elapses when the test says so, and counts how often it was set.
#[derive(Clone, Default)]
struct Clock(Rc<Cell<(u32, bool, Duration)>>);

impl Timer for Clock {
    fn reset(self: Pin<&mut Self>, time: Duration) {
        self.0.set((self.0.get().0 + 1, false, time));
    }

    fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.get().1 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Clock {
    fn elapse(&self) {
        let (sets, _, time) = self.0.get();
        self.0.set((sets, true, time));
    }
}

fn channel<T>() -> (Sender<T>, impl Stream<Item = T>) {
    let (sender, receiver) = mpsc::channel();
    let stream = stream::poll_fn(move |_| match receiver.try_recv() {
        Ok(item) => Poll::Ready(Some(item)),
        Err(mpsc::TryRecvError::Empty) => Poll::Pending,
        Err(mpsc::TryRecvError::Disconnected) => Poll::Ready(None),
    });
    (sender, stream)
}

/// What the next poll gives: `None` while it waits, `Some(None)` at the end.
#[expect(clippy::option_option, reason = "three cases, as it says")]
fn poll<B: Body<Data = Bytes>>(body: Pin<&mut B>) -> Option<Option<Result<Bytes, B::Error>>> {
    match body.poll_frame(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => None,
        Poll::Ready(frame) => {
            Some(frame.map(|frame| frame.map(|frame| frame.into_data().ok().unwrap())))
        }
    }
}

#[test]
fn what_is_ready_together_is_sent_together() {
    let (sender, events) = channel();
    let mut body = pin!(EventBody::infallible(events));
    assert_eq!(poll(body.as_mut()), None);
    for data in ["a", "b", "c"] {
        sender.send(Event::new(data)).unwrap();
    }
    assert_eq!(poll(body.as_mut()), Some(Some(Ok("data: a\n\ndata: b\n\ndata: c\n\n".into()))));
    sender.send(Event::new("d").with_event_type(EventType::from_static("t"))).unwrap();
    assert_eq!(poll(body.as_mut()), Some(Some(Ok("event: t\ndata: d\n\n".into()))));
    assert!(!body.is_end_stream());
    drop(sender);
    assert_eq!(poll(body.as_mut()), Some(None));
    assert!(body.is_end_stream());
    assert_eq!(poll(body.as_mut()), Some(None));
}

#[test]
fn a_batch_is_bounded() {
    let data = "x".repeat(1000);
    let frames = stream::repeat_with(|| Event::new(&data).into_frame());
    let mut body = pin!(EventBody::infallible(frames));
    for _ in 0..3 {
        let len = poll(body.as_mut()).unwrap().unwrap().unwrap().len();
        assert!((16 << 10..18 << 10).contains(&len), "{len}");
    }
}

#[test]
fn a_single_frame_is_not_copied() {
    let frame = Frame::from(Event::new("to all"));
    let mut body = pin!(EventBody::infallible(stream::iter([frame.clone()])));
    let sent = poll(body.as_mut()).unwrap().unwrap().unwrap();
    assert_eq!(sent.as_ptr(), frame.as_bytes().as_ptr());
}

#[test]
fn an_error_comes_after_the_events_before_it_and_ends_the_body() {
    let events = [Ok(Event::new("a")), Ok(Event::new("b")), Err("gone"), Ok(Event::new("c"))];
    let mut body = pin!(EventBody::new(stream::iter(events)));
    assert_eq!(poll(body.as_mut()), Some(Some(Ok("data: a\n\ndata: b\n\n".into()))));
    assert!(!body.is_end_stream());
    assert_eq!(poll(body.as_mut()), Some(Some(Err("gone"))));
    assert_eq!(poll(body.as_mut()), Some(None));
}

#[test]
fn keep_alives_come_only_in_silence() {
    let (sender, events) = channel();
    let clock = Clock::default();
    let mut body = pin!(EventBody::infallible(events).with_timer(clock.clone()));
    assert_eq!(poll(body.as_mut()), None);
    assert_eq!(clock.0.get(), (1, false, Duration::from_secs(15)));
    assert_eq!(poll(body.as_mut()), None);
    assert_eq!(clock.0.get().0, 1, "polling alone is no reason to wait longer");

    // An event that is ready comes first, and silence starts anew.
    clock.elapse();
    sender.send(Event::new("a")).unwrap();
    assert_eq!(poll(body.as_mut()), Some(Some(Ok("data: a\n\n".into()))));
    assert_eq!(poll(body.as_mut()), None);
    assert_eq!(clock.0.get().0, 2);

    for times in 3..6 {
        clock.elapse();
        assert_eq!(poll(body.as_mut()), Some(Some(Ok(":\n\n".into()))));
        assert_eq!(poll(body.as_mut()), None);
        assert_eq!(clock.0.get().0, times);
    }
    drop(sender);
    clock.elapse();
    assert_eq!(poll(body.as_mut()), Some(None));
}

#[test]
fn keep_alives_can_be_chosen() {
    let clock = Clock::default();
    let keep_alive = Frame::from(Event::new("").with_event_type(EventType::from_static("ping")));
    let mut body = pin!(
        EventBody::infallible(stream::pending::<Frame>())
            .with_interval(Duration::from_secs(3))
            .with_keep_alive(keep_alive)
            .with_timer(clock.clone())
    );
    assert_eq!(poll(body.as_mut()), None);
    assert_eq!(clock.0.get().2, Duration::from_secs(3));
    clock.elapse();
    assert_eq!(poll(body.as_mut()), Some(Some(Ok("event: ping\ndata: \n\n".into()))));
}

#[test]
fn what_is_sent_can_be_read() {
    let events: Vec<_> = ["你\n好", "", " x", "\r"].map(|data| Event::new(data).to_buf()).into();
    let sent = EventBody::infallible(stream::iter(events.clone()));
    let read = EventStream::from_body(sent);
    let read: Vec<_> =
        futures_util::StreamExt::collect(read).now_or_never().expect("nothing to wait for");
    let read: Vec<_> =
        read.into_iter().map(Result::<_, sse_wire::StreamError<Infallible>>::unwrap).collect();
    assert_eq!(read[..3], events[..3]);
    assert_eq!(read[3].data(), "\n", "line ends in data become LF");
}

#[test]
fn items_of_a_body() {
    let body = http_body_util::Full::new(Bytes::from(": a\n\n"));
    let items = ItemStream::from_body(body);
    assert_eq!(futures_util::StreamExt::count(items).now_or_never(), Some(1));
}

#[test]
fn headers_say_what_it_is() {
    let headers = sse_headers();
    assert!(is_event_stream(headers["content-type"].to_str().unwrap()));
    assert_eq!(headers["cache-control"], "no-cache, no-transform");
    assert_eq!(headers["x-accel-buffering"], "no");
    for other in [
        "",
        "text/event-stream-x",
        "text/event",
        "application/x-ndjson",
        "text/html; a=text/event-stream",
    ] {
        assert!(!is_event_stream(other), "{other}");
    }
    for same in ["text/event-stream", " TEXT/EVENT-STREAM\t;charset=utf-8", "text/event-stream;"] {
        assert!(is_event_stream(same), "{same}");
    }
}

#[test]
fn trailers_are_left_out() {
    let data = http_body::Frame::data(Bytes::from("data: a\n\n"));
    let trailers = http_body::Frame::trailers(http::HeaderMap::new());
    let frames = stream::iter([Ok::<_, ()>(data), Ok(trailers)]);
    let body = http_body_util::StreamBody::new(frames).boxed_unsync();
    let events = EventStream::from_body(body);
    assert_eq!(futures_util::StreamExt::count(events).now_or_never(), Some(1));
}
