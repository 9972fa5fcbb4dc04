//! Tests `EventBody`, with a clock that the test controls.

use std::{
    cell::Cell,
    collections::BTreeMap,
    convert::Infallible,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    rc::Rc,
    sync::mpsc::{self, Sender},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use http_body::Body;
use http_body_util::BodyExt;
use proptest::prelude::*;
use sse_wire::{
    BodyChunks, Encode, Encoder, Event, EventBody, EventStream, EventType, Frame, ItemStream,
    JsonEvent, Timer, sse_headers,
};

use crate::polling::{Impatient, count_wakes, ready};

/// Elapses when the test says so, and counts how often it was set.
#[derive(Clone, Default)]
struct Clock(Rc<Cell<(u32, bool, Duration)>>);

impl Timer for Clock {
    fn reset(self: Pin<&mut Self>, time: Duration) {
        self.0.set((self.0.get().0 + 1, false, time));
    }

    fn since_reset(&self) -> Duration {
        Duration::ZERO
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
    let mut body = pin!(EventBody::new(events));
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
    let frames = stream::repeat_with(|| Frame::from(Event::new(&data)));
    let mut body = pin!(EventBody::new(frames));
    for _ in 0..3 {
        let len = poll(body.as_mut()).unwrap().unwrap().unwrap().len();
        assert!((16 << 10..18 << 10).contains(&len), "{len}");
    }
}

#[test]
fn a_single_frame_is_not_copied() {
    let frame = Frame::from(Event::new("to all"));
    let mut body = pin!(EventBody::new(stream::iter([frame.clone()])));
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
    let mut body = pin!(EventBody::new(events).with_timer(clock.clone()));
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
        EventBody::new(stream::pending::<Frame>())
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
fn a_timer_that_never_waits_keeps_no_event_away() {
    let (sender, events) = channel();
    let mut body = pin!(EventBody::new(events).with_timer(Impatient));
    for _ in 0..3 {
        assert_eq!(poll(body.as_mut()), Some(Some(Ok(":\n\n".into()))));
        sender.send(Event::new("a")).unwrap();
        assert_eq!(poll(body.as_mut()), Some(Some(Ok("data: a\n\n".into()))));
    }
    drop(sender);
    for _ in 0..3 {
        assert_eq!(poll(body.as_mut()), Some(None));
    }
}

#[test]
fn what_is_sent_can_be_read() {
    let events: Vec<_> = ["你\n好", "", " x", "\r"].map(|data| Event::new(data).to_buf()).into();
    let sent = EventBody::new(stream::iter(events.clone()));
    let read = EventStream::from_body(sent);
    let read: Vec<_> = ready(futures_util::StreamExt::collect(read));
    let read: Vec<_> =
        read.into_iter().map(Result::<_, sse_wire::StreamError<Infallible>>::unwrap).collect();
    assert_eq!(read[..3], events[..3]);
    assert_eq!(read[3].data(), "\n", "line ends in data become LF");
}

#[test]
fn items_of_a_body() {
    let body = http_body_util::Full::new(Bytes::from(": a\n\n"));
    let items = ItemStream::from_body(body);
    assert_eq!(ready(futures_util::StreamExt::count(items)), 1);
}

#[test]
fn trailers_are_left_out() {
    let data = http_body::Frame::data(Bytes::from("data: a\n\n"));
    let trailers = http_body::Frame::trailers(http::HeaderMap::new());
    let frames = stream::iter([Ok::<_, ()>(data), Ok(trailers)]);
    let body = http_body_util::StreamBody::new(frames).boxed_unsync();
    let events = EventStream::from_body(body);
    assert_eq!(ready(futures_util::StreamExt::count(events)), 1);
}

/// A body has trailers once, but nothing forces it to.
#[test]
fn endless_trailers_give_way() {
    let asked = Cell::new(0);
    let trailers = stream::repeat_with(|| {
        asked.set(asked.get() + 1);
        assert!(asked.get() < 10_000, "it never gives way");
        Ok::<http_body::Frame<Bytes>, ()>(http_body::Frame::trailers(http::HeaderMap::new()))
    });
    let mut chunks = pin!(BodyChunks::new(http_body_util::StreamBody::new(trailers)));
    let (polled, wakes) = count_wakes(|cx| Stream::poll_next(chunks.as_mut(), cx));
    assert!(polled.is_pending() && wakes == 1);
}

#[test]
fn a_response_is_the_body_with_its_headers() {
    let response = EventBody::new(stream::iter(["a"])).into_response();
    assert_eq!(response.status(), 200);
    assert_eq!(*response.headers(), sse_headers());
    let Ok(body) = ready(response.into_body().collect());
    assert_eq!(body.to_bytes(), "data: a\n\n");
}

#[test]
fn what_writes_nothing_gives_way_and_delays_no_keep_alive() {
    let polls = Cell::new(0);
    let nothing = stream::repeat_with(|| {
        polls.set(polls.get() + 1);
        Frame::default()
    });
    let clock = Clock::default();
    let mut body = pin!(EventBody::new(nothing).with_timer(clock.clone()));
    for round in 1..4 {
        let (polled, wakes) = count_wakes(|cx| body.as_mut().poll_frame(cx));
        assert!(polled.is_pending());
        assert_eq!(polls.get(), round * 1024);
        assert_eq!(wakes, 1, "or it would never be polled again");
        assert_eq!(clock.0.get().0, 1, "the timer runs since the first poll");
    }
    clock.elapse();
    assert_eq!(poll(body.as_mut()), Some(Some(Ok(":\n\n".into()))));
}

#[test]
fn no_frame_is_empty() {
    let values = stream::iter([Frame::default(), Event::new("a").into(), Frame::default()]);
    let mut body = pin!(EventBody::new(values));
    assert_eq!(poll(body.as_mut()), Some(Some(Ok("data: a\n\n".into()))));
    assert!(body.is_end_stream());
    let mut body = pin!(EventBody::new(stream::iter(vec![Frame::default(); 1500])));
    assert_eq!(poll(body.as_mut()), None);
    assert_eq!(poll(body.as_mut()), Some(None));
}

#[test]
fn tiny_events_that_are_always_ready_are_sent_in_time() {
    let polls = Cell::new(0);
    let events = stream::repeat_with(|| {
        polls.set(polls.get() + 1);
        ""
    });
    let mut body = pin!(EventBody::new(events));
    for round in 1..4 {
        assert_eq!(poll(body.as_mut()).unwrap().unwrap().unwrap().len(), 1024 * "data: \n\n".len());
        assert_eq!(polls.get(), round * 1024);
    }
}

#[test]
fn large_frames_are_not_copied_and_stay_in_order() {
    let large = |letter: &str| Frame::from(Event::new(&letter.repeat(20_000)));
    let small = |text: &str| Frame::from(Event::new(text));
    let (a, b) = (large("a"), large("b"));
    let frames = [small("1"), a.clone(), b.clone(), small("2"), small("3"), a.clone(), small("4")];
    let mut body = pin!(EventBody::new(stream::iter(frames.clone())));
    let mut sent = Vec::new();
    while let Some(frame) = poll(body.as_mut()).unwrap() {
        sent.push(frame.unwrap());
    }
    let is = |sent: &Bytes, frame: &Frame| sent.as_ptr() == frame.as_bytes().as_ptr();
    assert!(is(&sent[1], &a) && is(&sent[2], &b) && is(&sent[4], &a));
    assert_eq!(sent.len(), 6);
    assert_eq!(sent[3], "data: 2\n\ndata: 3\n\n");
    assert_eq!(sent.concat(), frames.iter().map(Frame::as_bytes).collect::<Vec<_>>().concat());
}

#[test]
fn a_large_first_value_waits_for_no_poll() {
    let text = "x".repeat(20_000);
    let mut taken = 0;
    let events = stream::poll_fn(|_| {
        taken += 1;
        assert_eq!(taken, 1, "there was enough to send");
        Poll::Ready(Some(&text[..]))
    });
    let mut body = pin!(EventBody::new(events));
    assert!(poll(body.as_mut()).unwrap().unwrap().unwrap().len() > 20_000);
}

/// Writes a block, and then fails.
struct Half;

impl Encode for Half {
    type Error = &'static str;

    fn encode(self, encoder: &mut Encoder) -> Result<(), Self::Error> {
        encoder.event(Event::new("half"));
        Err("half")
    }
}

#[test]
fn nothing_is_left_of_a_value_that_fails() {
    enum Value {
        Whole(&'static str),
        Half(Half),
    }
    impl Encode for Value {
        type Error = &'static str;

        fn encode(self, encoder: &mut Encoder) -> Result<(), Self::Error> {
            match self {
                Self::Whole(text) => {
                    encoder.event(Event::new(text));
                    Ok(())
                }
                Self::Half(half) => half.encode(encoder),
            }
        }
    }
    let mut body = pin!(EventBody::new(stream::iter([
        Value::Whole("whole"),
        Value::Half(Half),
        Value::Whole("more"),
    ])));
    assert_eq!(poll(body.as_mut()), Some(Some(Ok("data: whole\n\n".into()))));
    assert!(!body.is_end_stream());
    assert_eq!(poll(body.as_mut()), Some(Some(Err("half"))));
    assert!(body.is_end_stream());
    assert_eq!(poll(body.as_mut()), Some(None));

    let mut body = pin!(EventBody::new(stream::iter([Half])));
    assert_eq!(poll(body.as_mut()), Some(Some(Err("half"))));
    assert_eq!(poll(body.as_mut()), Some(None));
}

/// JSON has only strings as keys.
fn no_json() -> BTreeMap<[u8; 1], u8> {
    [([1], 1)].into()
}

#[test]
fn a_value_that_is_no_json_ends_the_body_with_an_error() {
    let fields = |event: JsonEvent<'static, _>| event.with_id(2).with_retry(Duration::ZERO);
    let values = [Ok(1), Err(no_json()), Ok(3)].map(|value| match value {
        Ok(number) => JsonEvent::new(serde_json::json!(number)).into_frame(),
        Err(map) => fields(JsonEvent::new(map)).into_frame(),
    });
    let mut body = pin!(EventBody::new(stream::iter(values)));
    assert_eq!(poll(body.as_mut()).unwrap().unwrap().unwrap(), "data: 1\n\n");
    assert!(poll(body.as_mut()).unwrap().unwrap().unwrap_err().to_string().contains("key"));
    assert!(poll(body.as_mut()).unwrap().is_none());

    // The body itself serializes.
    let events = stream::iter([JsonEvent::new(no_json()), JsonEvent::new(BTreeMap::default())]);
    let mut body = pin!(EventBody::new(events));
    let error: serde_json::Error = poll(body.as_mut()).unwrap().unwrap().unwrap_err();
    assert!(error.to_string().contains("key"));
    assert!(poll(body.as_mut()).unwrap().is_none());

    let events = [Ok(JsonEvent::new(BTreeMap::default())), Ok(fields(JsonEvent::new(no_json())))];
    let mut body = pin!(EventBody::new(stream::iter(events)));
    assert_eq!(poll(body.as_mut()).unwrap().unwrap().unwrap(), "data: {}\n\n");
    let error: io::Error = poll(body.as_mut()).unwrap().unwrap().unwrap_err();
    assert!(error.get_ref().unwrap().is::<serde_json::Error>(), "the cause is there");
    assert!(poll(body.as_mut()).unwrap().is_none());
}

#[test]
fn a_stream_that_has_ended_is_not_polled_again() {
    for last in [None, Some(Err("gone"))] {
        let mut is_over = false;
        let mut values = [Some(Ok("a")), last].into_iter();
        let events = stream::poll_fn(move |_| {
            assert!(!is_over, "polled after its end");
            let value = values.next().flatten();
            is_over = !matches!(value, Some(Ok(_)));
            Poll::Ready(value)
        });
        let mut body = pin!(EventBody::new(events));
        assert_eq!(poll(body.as_mut()), Some(Some(Ok("data: a\n\n".into()))));
        assert_eq!(body.is_end_stream(), last.is_none());
        if let Some(Err(error)) = last {
            assert_eq!(poll(body.as_mut()), Some(Some(Err(error))));
        }
        for _ in 0..3 {
            assert_eq!(poll(body.as_mut()), Some(None));
        }
    }
}

#[test]
fn a_panic_of_the_stream_loses_no_event_before_it() {
    let mut values = ["a", "panic", "b", "panic", "c"].into_iter();
    let events = stream::poll_fn(move |_| {
        let value = values.next();
        assert!(value != Some("panic"), "on purpose");
        Poll::Ready(value)
    });
    let mut body = pin!(EventBody::new(events));
    for _ in 0..2 {
        assert!(catch_unwind(AssertUnwindSafe(|| poll(body.as_mut()))).is_err());
        assert!(!body.is_end_stream());
    }
    let all = "data: a\n\ndata: b\n\ndata: c\n\n";
    assert_eq!(poll(body.as_mut()), Some(Some(Ok(all.into()))));
    assert_eq!(poll(body.as_mut()), Some(None));
}

#[test]
fn a_body_that_is_dropped_drops_its_stream() {
    let alive = Rc::new(());
    let held = alive.clone();
    let events = stream::poll_fn(move |_| {
        let _ = &held;
        Poll::<Option<&str>>::Pending
    });
    let mut body = Box::pin(EventBody::new(events));
    assert_eq!(poll(body.as_mut()), None);
    drop(body);
    assert_eq!(Rc::strong_count(&alive), 1);
}

/// What a stream gives when it is polled.
#[derive(Clone, Debug)]
enum Step {
    Wait,
    Text(String),
    Frame(String),
    Nothing,
}

impl Encode for Step {
    type Error = Infallible;

    fn encode(self, encoder: &mut Encoder) -> Result<(), Infallible> {
        match self {
            Self::Text(text) => text.encode(encoder),
            _ => Ok(()),
        }
    }

    fn into_frame(self) -> Result<Frame, Infallible> {
        match self {
            Self::Frame(text) => Ok(Event::new(&text).into()),
            Self::Text(text) => text.into_frame(),
            _ => Ok(Frame::default()),
        }
    }

    fn is_encoded(&self) -> bool {
        matches!(self, Self::Frame(_) | Self::Nothing)
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let text = prop_oneof!["[a-z\n你]{0,12}", (0..40_000_usize).prop_map(|len| "x".repeat(len)),];
    prop::collection::vec(
        prop_oneof![
            2 => Just(Step::Wait),
            4 => text.clone().prop_map(Step::Text),
            3 => text.prop_map(Step::Frame),
            1 => Just(Step::Nothing),
        ],
        0..40,
    )
}

proptest! {
    /// However values come: all of them arrive, in order, in frames of whole blocks that are not
    /// empty, and not larger than they must be.
    #[test]
    fn bodies_say_what_the_encoder_says(steps in steps()) {
        let mut expected = Encoder::new();
        for step in &steps {
            if let Step::Text(text) | Step::Frame(text) = step {
                expected.event(Event::new(text));
            }
        }
        let mut given = steps.clone().into_iter();
        let events = stream::poll_fn(move |_| match given.next() {
            Some(Step::Wait) => Poll::Pending,
            step => Poll::Ready(step),
        });
        let mut body = pin!(EventBody::new(events));
        let mut sent = Vec::new();
        let mut waits = 0;
        loop {
            match poll(body.as_mut()) {
                None => waits += 1,
                Some(None) => break,
                Some(Some(frame)) => {
                    let Ok(frame) = frame;
                    prop_assert!(!frame.is_empty());
                    let mut decoder = sse_wire::Decoder::new();
                    let last = decoder.feed_bytes(frame.clone()).last().unwrap().unwrap();
                    let last = last.data().len();
                    prop_assert!(decoder.at_boundary());
                    // Less than a full batch before the last event; each line costs seven bytes.
                    prop_assert!(frame.len() < (16 << 10) + 8 * (last + 8));
                    sent.extend_from_slice(&frame);
                }
            }
        }
        prop_assert!(waits <= steps.len());
        prop_assert_eq!(sent, expected.as_bytes());
    }
}
