//! Tests `FilterBlocks`, `WithLastWords` and `Inject`.

use std::{
    cell::Cell,
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, future, stream};
use http_body_util::{BodyExt, StreamBody};
use proptest::{collection::vec, option, prelude::*};
use sse_wire::{
    AtEnd, Block, BlockDecoder, BlockFilter, BodyChunks, BodyKind, ByteStreamExt, DONE,
    DecodeError, DecodeErrorKind, Decoder, Encoder, Event, EventType, FilterBlocks, Frame, OnError,
    StreamError, Timer, TokioTimer, Verdict,
};

use crate::polling::{Impatient, count_wakes, poll, ready};

const ERROR: EventType<'_> = EventType::from_static("error");

type Chunk = Result<Bytes, &'static str>;

fn chunks(chunks: &[&'static str]) -> impl Stream<Item = Chunk> + Unpin + use<> {
    stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from(*chunk))).collect::<Vec<_>>())
}

fn keep(_: Result<&mut Block<'_>, DecodeError>, _: &mut Encoder<&mut Vec<u8>>) -> Verdict {
    Verdict::Keep
}

/// All that a stream gives: its bytes, and then its error. It is over after that.
fn all<E>(stream: impl Stream<Item = Result<Bytes, E>>) -> (String, Option<E>) {
    let mut stream = pin!(stream);
    let (mut bytes, mut error) = (Vec::new(), None);
    while let Some(chunk) = ready(stream.next()) {
        assert!(error.is_none(), "something comes after an error");
        match chunk {
            Ok(chunk) => {
                assert!(!chunk.is_empty(), "an empty chunk");
                bytes.extend_from_slice(&chunk);
            }
            Err(failure) => error = Some(failure),
        }
    }
    assert!(ready(stream.next()).is_none(), "it goes on after its end");
    (String::from_utf8(bytes).expect("UTF-8"), error)
}

#[test]
fn what_is_cut_is_held_back() {
    let whole = "data: a\n\n: b\r\n\r\n";
    for cut in ["", "d", "data: c", "data: c\n", ":"] {
        let cut = Bytes::from(cut);
        let stream = chunks(&[whole]).chain(stream::iter([Ok(cut.clone())]));
        assert_eq!(all(stream.filter_blocks(keep)), (whole.to_owned(), None));

        let stream =
            chunks(&[whole]).chain(stream::iter([Ok(cut), Err("reset"), Ok("\n\n".into())]));
        let reset = StreamError::Transport("reset");
        assert_eq!(all(stream.filter_blocks(keep)), (whole.to_owned(), Some(reset)));
    }
}

#[test]
fn a_fatal_error_comes_after_what_passed() {
    let stream = || chunks(&["data: a\n\ndata: far too", " long a line\n\ndata: b\n\n"]);
    let decoder = BlockDecoder::builder().max_block_size(20).build();
    let filter = BlockFilter::with_decoder(decoder, |block, encoder| {
        if block.is_ok() {
            return Verdict::Keep;
        }
        encoder.comment("refused");
        Verdict::Replace
    });
    let (passed, error) = all(FilterBlocks::new(stream(), filter));
    assert_eq!(passed, "data: a\n\n: refused\n\n");
    let Some(StreamError::Decode(error)) = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), DecodeErrorKind::BlockTooLarge { limit: 20 });

    let skipping = BlockDecoder::builder().max_block_size(20).on_error(OnError::SkipBlock).build();
    let filter = BlockFilter::with_decoder(skipping, |block, _| match block {
        Ok(_) => Verdict::Keep,
        Err(_) => Verdict::Drop,
    });
    let passed = all(FilterBlocks::new(stream(), filter));
    assert_eq!(passed, ("data: a\n\ndata: b\n\n".to_owned(), None));
}

#[test]
fn a_fatal_error_does_not_wait_for_another_chunk() {
    let decoder = BlockDecoder::builder().max_block_size(20).build();
    let stream = chunks(&["data: far too long a line\n\n"]).chain(stream::pending());
    let blocks =
        FilterBlocks::new(stream, BlockFilter::with_decoder(decoder, |_, _| Verdict::Drop));
    assert!(matches!(all(blocks).1, Some(StreamError::Decode(_))));
}

#[test]
fn blocks_that_were_left_unread_come_first() {
    let mut decoder = BlockDecoder::new();
    assert!(decoder.feed(b"data: a\n\ndata: b\n\nda").next_block().unwrap().is_some());
    let filter = BlockFilter::with_decoder(decoder, keep);
    let mut blocks = pin!(FilterBlocks::new(stream::pending::<Chunk>(), filter));
    assert_eq!(ready(blocks.next()), Some(Ok("data: b\n\n".into())));
    assert!(poll(blocks).is_pending());
}

#[test]
fn last_words_come_after_whole_blocks() {
    let stream = |end: &[Chunk]| {
        let start = chunks(&["data: a\n\n"]).chain(stream::iter(end.to_vec()));
        start.filter_blocks(keep).with_last_words(|end, encoder| {
            match &end {
                Ok(end) if end.is_clean() => encoder.comment("bye"),
                Ok(end) => encoder.comment(&format!("cut off: {}", end.pending_bytes())),
                Err(StreamError::Transport("reset")) => encoder.comment("reset"),
                Err(_) => encoder,
            };
            end.map(drop)
        })
    };
    assert_eq!(all(stream(&[])), ("data: a\n\n: bye\n\n".to_owned(), None));
    let cut = [Ok("data: b\n".into())];
    assert_eq!(all(stream(&cut)), ("data: a\n\n: cut off: 8\n\n".to_owned(), None));
    let (reset, other) = (StreamError::Transport("reset"), StreamError::Transport("other"));
    let failed = [Ok("data: b\n".into()), Err("reset")];
    assert_eq!(all(stream(&failed)), ("data: a\n\n: reset\n\n".to_owned(), Some(reset)));
    assert_eq!(all(stream(&[Err("other")])), ("data: a\n\n".to_owned(), Some(other)));
}

#[test]
fn last_words_may_replace_the_error_and_complete_the_block() {
    let stream = chunks(&["data: a\n\ndata: b"]).chain(stream::iter([Err("reset")]));
    let stream = stream.filter_blocks(keep).with_last_words(|end, encoder| {
        assert!(end.is_err());
        encoder.event(Event::new("gone").with_event_type(ERROR));
        Ok(())
    });
    assert_eq!(all(stream), ("data: a\n\nevent: error\ndata: gone\n\n".to_owned(), None));

    let decoder = BlockDecoder::builder().at_end(AtEnd::Dispatch).build();
    let blocks = FilterBlocks::new(
        chunks(&["data: a\n\ndata: b"]),
        BlockFilter::with_decoder(decoder, keep),
    );
    let stream = blocks.with_last_words(|end, encoder| {
        if let Some(block) = end?.block() {
            encoder.rewritten(&block.rewrite());
        }
        Ok(())
    });
    assert_eq!(all(stream), ("data: a\n\ndata: b\n\n".to_owned(), None));
}

/// A stream that is always ready, and counts how often it was asked.
fn always<'c>(chunk: &'static str, asked: &'c Cell<u32>) -> impl Stream<Item = Chunk> + Unpin + 'c {
    stream::poll_fn(move |_| {
        asked.set(asked.get() + 1);
        Poll::Ready(Some(Ok(chunk.into())))
    })
}

#[test]
fn a_source_that_gives_nothing_gives_way() {
    for chunk in ["", ": dropped\n\n", "data: never complete"] {
        let asked = Cell::new(0);
        let mut dropping = pin!(always(chunk, &asked).filter_blocks(|_, _| Verdict::Drop));
        for _ in 0..3 {
            asked.set(0);
            let (polled, wakes) = count_wakes(|cx| dropping.as_mut().poll_next(cx));
            assert!(polled.is_pending() && wakes == 1 && (2..1000).contains(&asked.get()));
        }
    }
    let asked = Cell::new(0);
    let mut nothing = pin!(always("", &asked).inject(stream::pending()));
    let (polled, wakes) = count_wakes(|cx| nothing.as_mut().poll_next(cx));
    assert!(polled.is_pending() && wakes == 1 && (2..1000).contains(&asked.get()));
}

#[test]
fn frames_without_bytes_give_way_and_keep_nobody_away() {
    let empty = stream::repeat(Frame::default());
    let mut injected = pin!(stream::pending::<Chunk>().inject(empty));
    let (polled, wakes) = count_wakes(|cx| injected.as_mut().poll_next(cx));
    assert!(polled.is_pending() && wakes == 1);

    // Both are always ready, and have nothing.
    let (chunks_asked, frames_asked) = (Cell::new(0), Cell::new(0));
    let empty = stream::repeat_with(|| {
        frames_asked.set(frames_asked.get() + 1);
        Frame::default()
    });
    let mut injected = pin!(always("", &chunks_asked).inject(empty));
    for polls in 1..=3 {
        let (polled, wakes) = count_wakes(|cx| injected.as_mut().poll_next(cx));
        assert!(polled.is_pending() && wakes > 0);
        assert!((polls..1000 * polls).contains(&chunks_asked.get()));
        assert!((polls..1000 * polls).contains(&frames_asked.get()));
    }

    let frames = stream::iter([Frame::default(), Frame::default(), Frame::KEEP_ALIVE]);
    let mut injected = pin!(stream::pending::<Chunk>().inject(frames));
    assert_eq!(ready(injected.next()), Some(Ok(":\n\n".into())));
    assert!(poll(injected).is_pending());
}

#[test]
fn frames_and_chunks_both_get_their_turn() {
    let asked = Cell::new(0);
    let injected = always("data: a\n\n", &asked).inject(stream::repeat(Frame::KEEP_ALIVE));
    let start: Vec<_> = ready(injected.take(9).map(Result::unwrap).collect());
    let text = start.concat();
    assert!(text.starts_with(b":\n\ndata: a\n\n:\n\n"), "{}", text.escape_ascii());
    assert!(asked.get() > 2);
}

#[test]
fn frames_wait_for_the_end_of_a_block_one_at_a_time() {
    let taken = Cell::new(0);
    let frames = stream::iter(["1", "2", "3"].map(|text| Frame::from(Event::new(text))))
        .inspect(|_| taken.set(taken.get() + 1));
    let pending = stream::poll_fn({
        let mut chunks = vec![
            Poll::Ready(Some(Ok::<_, &str>(Bytes::from("a\n\ndata: b\n")))),
            Poll::Pending,
            Poll::Pending,
            Poll::Ready(Some(Ok(Bytes::from("data: ")))),
        ];
        move |_| chunks.pop().unwrap_or(Poll::Ready(None))
    });
    let mut injected = pin!(pending.inject(frames));
    // The first leaves before anything else, since the stream has not begun.
    assert_eq!(poll(injected.as_mut()), Poll::Ready(Some(Ok("data: 1\n\n".into()))));
    assert_eq!(poll(injected.as_mut()), Poll::Ready(Some(Ok("data: ".into()))));
    assert_eq!(taken.get(), 1);
    assert!(poll(injected.as_mut()).is_pending());
    assert_eq!(taken.get(), 2);
    assert!(poll(injected.as_mut()).is_pending());
    assert_eq!(taken.get(), 2);
    // The third was not there in time, so it is not taken any more.
    let rest = all(injected);
    assert_eq!(rest, ("a\n\ndata: 2\n\ndata: b\n".to_owned(), None));
}

#[test]
fn a_waiting_frame_does_not_complete_a_block_that_was_cut_off() {
    let frames = || stream::iter(["1", "2"].map(|text| Frame::from(Event::new(text))));
    let passed = all(chunks(&["data: a\n\n", "data: cut"]).inject(frames()));
    assert_eq!(passed, ("data: 1\n\ndata: a\n\ndata: 2\n\ndata: cut".to_owned(), None));
    let passed = all(chunks(&["data: a", "\ndata: cut"]).inject(frames()));
    assert_eq!(passed, ("data: 1\n\ndata: a\ndata: cut".to_owned(), None));

    let failing = chunks(&["data: a\n\n"]).chain(stream::iter([Err("reset"), Ok("b".into())]));
    let passed = all(failing.inject(frames()));
    assert_eq!(passed, ("data: 1\n\ndata: a\n\n".to_owned(), Some("reset")));
}

/// Elapses at every poll but the first after it was set.
#[derive(Default)]
struct Soon {
    resets: Arc<AtomicU32>,
    was_polled: bool,
}

impl Timer for Soon {
    fn reset(mut self: Pin<&mut Self>, time: Duration) {
        assert_eq!(time, Duration::from_secs(15));
        self.resets.fetch_add(1, Ordering::Relaxed);
        self.was_polled = false;
    }

    fn since_reset(&self) -> Duration {
        Duration::ZERO
    }

    fn poll_elapsed(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.was_polled, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[test]
fn keep_alives_come_between_blocks_when_all_is_silent() {
    let timer = Soon::default();
    let resets = timer.resets.clone();
    let source = stream::poll_fn({
        let mut silence = 0;
        move |_| match silence {
            // Two polls of silence before it begins, two in the middle of a block.
            2 => {
                silence += 1;
                Poll::Ready(Some(Ok::<_, &str>("data: a\n")))
            }
            5 => {
                silence += 1;
                Poll::Ready(Some(Ok("\n")))
            }
            _ => {
                silence += 1;
                Poll::Pending
            }
        }
    });
    let mut stream = pin!(source.keep_alive(timer));
    let mut seen = Vec::new();
    for _ in 0..10 {
        seen.push(match poll(stream.as_mut()) {
            Poll::Ready(chunk) => String::from_utf8(chunk.unwrap().unwrap().to_vec()).unwrap(),
            Poll::Pending => String::new(),
        });
    }
    // In the middle of the block it is due and waits.
    let expected = ["", ":\n\n", "data: a\n", "", "", "\n", ":\n\n", "", ":\n\n", ""];
    assert_eq!(seen, expected);
    assert_eq!(resets.load(Ordering::Relaxed), 4);
}

#[test]
fn a_timer_that_never_waits_keeps_no_chunk_away() {
    let mut chunks =
        [Some("data: a\n"), None, None, Some("\n"), None, Some("data: b\n\n")].into_iter();
    let source = stream::poll_fn(move |_| match chunks.next() {
        Some(Some(chunk)) => Poll::Ready(Some(Ok::<_, &str>(chunk))),
        Some(None) => Poll::Pending,
        None => Poll::Ready(None),
    });
    let mut stream = pin!(source.keep_alive(Impatient));
    let mut polls = Vec::new();
    for _ in 0..10 {
        polls.push(match poll(stream.as_mut()) {
            Poll::Ready(Some(chunk)) => String::from_utf8(chunk.unwrap().to_vec()).unwrap(),
            Poll::Ready(None) => "end".to_owned(),
            Poll::Pending => String::new(),
        });
    }
    // One keep-alive waits for the end of the block, and no second one.
    let expected =
        ["data: a\n", "", "", "\n", ":\n\n", ":\n\n", "data: b\n\n", "end", "end", "end"];
    assert_eq!(polls, expected);
}

/// The silence begins anew with each chunk and each frame.
#[tokio::test(start_paused = true)]
async fn a_keep_alive_comes_a_whole_interval_after_what_was_sent() {
    let at = |secs, bytes: &'static str| {
        stream::once(async move {
            tokio::time::sleep(Duration::from_secs(secs)).await;
            Bytes::from(bytes)
        })
    };
    for (is_frame, sent) in [(false, "data: a\n\n"), (true, "data: a\n\n")] {
        let chunks = if is_frame { stream::pending().boxed() } else { at(10, sent).boxed() };
        let frames = if is_frame { at(10, sent).boxed() } else { stream::pending().boxed() };
        let frames = frames.map(|_| Frame::from(Event::new("a"))).chain(stream::pending());
        let chunks = chunks.map(Ok::<_, ()>).chain(stream::pending());
        let mut passed = pin!(chunks.inject(frames).with_timer(TokioTimer::new()));
        let start = tokio::time::Instant::now();
        for (secs, bytes) in [(10, sent), (25, ":\n\n"), (40, ":\n\n")] {
            assert_eq!(passed.next().await, Some(Ok(bytes.into())));
            assert_eq!(start.elapsed().as_secs(), secs, "{bytes:?}, is a frame: {is_frame}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn chunks_without_bytes_are_silence() {
    let empty = stream::repeat(Ok::<_, &str>(Bytes::new())).then(async |chunk| {
        tokio::time::sleep(Duration::from_millis(100)).await;
        chunk
    });
    let interval = Duration::from_secs(1);
    let stream = empty.keep_alive(TokioTimer::new()).with_interval(interval);
    let mut stream = pin!(stream);
    let start = tokio::time::Instant::now();
    for number in 1..4 {
        assert_eq!(stream.next().await, Some(Ok(":\n\n".into())));
        let late = start.elapsed().saturating_sub(number * interval);
        assert!(start.elapsed() >= number * interval && late < Duration::from_millis(200));
    }
}

#[tokio::test]
async fn an_always_ready_source_without_bytes_keeps_no_keep_alive_away() {
    let asked = Cell::new(0);
    let stream = always("", &asked)
        .keep_alive(TokioTimer::new())
        .with_interval(Duration::from_millis(20))
        .with_keep_alive(Frame::from(Event::new("here")));
    let first = tokio::time::timeout(Duration::from_secs(20), pin!(stream).next()).await;
    assert_eq!(first.expect("in time"), Some(Ok("data: here\n\n".into())));
}

#[test]
fn over_a_body_and_as_a_body() {
    let data = |text: &'static str| Ok::<_, &str>(http_body::Frame::data(Bytes::from(text)));
    let body = || {
        let trailers = Ok(http_body::Frame::trailers(http::HeaderMap::new()));
        let frames = [data("data: a\n\nda"), data("ta: b\n\ndata: cut"), trailers];
        BodyChunks::new(StreamBody::new(stream::iter(frames)))
    };

    let collect = |body: http_body_util::combinators::UnsyncBoxBody<
        Bytes,
        StreamError<&'static str>,
    >| { ready(body.collect()).unwrap().to_bytes() };
    assert_eq!(collect(body().filter_blocks(keep).boxed_unsync()), "data: a\n\ndata: b\n\n");
    let with_last_words = body().filter_blocks(keep).with_last_words(|_, encoder| {
        encoder.comment("bye");
        Ok(())
    });
    assert_eq!(collect(with_last_words.boxed_unsync()), "data: a\n\ndata: b\n\n: bye\n\n");
    let injected = body().filter_blocks(keep).inject(stream::iter([Frame::KEEP_ALIVE]));
    assert_eq!(collect(injected.boxed_unsync()), ":\n\ndata: a\n\ndata: b\n\n");

    let failing = stream::iter([data("data: a\n\nda"), Err("reset")]);
    let failing = BodyChunks::new(StreamBody::new(failing)).filter_blocks(keep);
    let error = ready(BodyExt::collect(failing)).err();
    assert_eq!(error, Some(StreamError::Transport("reset")));
}

#[test]
fn a_panic_of_the_last_words_ends_the_stream() {
    let stream = chunks(&["data: a\n\n"]).filter_blocks(keep);
    let mut stream = pin!(stream.with_last_words(|_, _| panic!("on purpose")));
    assert!(ready(stream.next()).is_some());
    let next = catch_unwind(AssertUnwindSafe(|| ready(stream.next())));
    assert!(next.is_err());
    assert_eq!(ready(stream.next()), None);
}

/// What a stream gives that panics twice.
fn all_despite_panics<E: Debug>(stream: impl Stream<Item = Result<Bytes, E>>) -> String {
    let mut stream = pin!(stream);
    let (mut passed, mut panics) = (Vec::new(), 0);
    for _ in 0..100 {
        match catch_unwind(AssertUnwindSafe(|| poll(stream.as_mut()))) {
            Ok(Poll::Ready(Some(chunk))) => passed.extend_from_slice(&chunk.unwrap()),
            Ok(Poll::Ready(None)) => {
                assert_eq!(panics, 2);
                return String::from_utf8(passed).unwrap();
            }
            Ok(Poll::Pending) => {}
            Err(_) => panics += 1,
        }
    }
    panic!("no end");
}

#[test]
fn what_has_passed_before_a_panic_stays_in_order() {
    // Large blocks leave as parts of their own, with what was written between them.
    let block = |name: &str| format!("data: {name}{}\n\n", "x".repeat(600));
    let input = ["1", "2", "panic", "3", "4", "panic", "5"].map(block).concat();
    for size in [input.len(), 2000, 700] {
        let chunks: Vec<_> = input.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
        let chunks = stream::iter(chunks).map(Ok::<_, &str>);
        let filtered = chunks.filter_blocks(|block, encoder| {
            assert!(!block.unwrap().raw().starts_with(b"data: panic"), "on purpose");
            encoder.comment("next");
            Verdict::Keep
        });
        let expected = ["1", "2", "3", "4", "5"].map(|name| format!(": next\n\n{}", block(name)));
        assert!(all_despite_panics(filtered) == expected.concat(), "chunks of {size}");
    }

    // The frames panic while the chunks are silent.
    let mut silent = ["data: a\n\ndata: b\n", "\ndata: c\n\n", ""].into_iter();
    let mut polls = 0;
    let silent = stream::poll_fn(move |_| {
        polls += 1;
        if polls % 5 > 0 { Poll::Pending } else { Poll::Ready(silent.next().map(Ok::<_, &str>)) }
    });
    let steps = [Some("1"), None, Some("2"), None, Some("3")];
    let frames = stream::iter(steps).map(|step| Frame::from(Event::new(step.expect("on purpose"))));
    let passed = all_despite_panics(silent.inject(frames));
    assert_eq!(data(passed.as_bytes()), ["1", "2", "3", "a", "b", "c"],);

    // The frames panic while the chunks are not silent.
    let chunks = chunks(&["data: a\n\n", "data: b\n\n", "data: c\n\n"]);
    let frames = stream::iter(steps).map(|step| Frame::from(Event::new(step.expect("on purpose"))));
    let passed = all_despite_panics(chunks.inject(frames));
    assert_eq!(data(passed.as_bytes()), ["1", "a", "2", "b", "3", "c"]);
}

fn block() -> impl Strategy<Value = String> {
    let line = prop_oneof!["data: [a-z你]{0,9}", "data", ": [a-z]{0,5}", "id: [0-9]", "x-y: z"];
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    (vec(line, 0..4), end)
        .prop_map(|(lines, end)| lines.iter().flat_map(|line| [line, end]).chain([end]).collect())
}

/// Cuts a stream at these places, and is silent in between.
fn cut(
    bytes: &[u8],
    mut cuts: Vec<usize>,
    silences: Vec<bool>,
) -> impl Stream<Item = Chunk> + use<> {
    for cut in &mut cuts {
        *cut %= bytes.len() + 1;
    }
    cuts.sort_unstable();
    cuts.push(bytes.len());
    let mut start = 0;
    let chunks: Vec<_> = cuts
        .into_iter()
        .map(|end| {
            let chunk = Bytes::copy_from_slice(&bytes[start..end]);
            start = end;
            Ok(chunk)
        })
        .collect();
    let mut chunks = stream::iter(chunks);
    let mut silences = silences.into_iter();
    stream::poll_fn(move |cx| match silences.next() {
        Some(true) => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        _ => chunks.poll_next_unpin(cx),
    })
}

/// Polls a stream to its end, which wakes itself.
fn run(stream: impl Stream<Item = Chunk>) -> Vec<u8> {
    let mut stream = pin!(stream);
    let mut bytes = Vec::new();
    loop {
        match count_wakes(|cx| stream.as_mut().poll_next(cx)) {
            (Poll::Ready(Some(chunk)), _) => bytes.extend_from_slice(&chunk.expect("no error")),
            (Poll::Ready(None), _) => return bytes,
            (Poll::Pending, wakes) => assert!(wakes > 0, "it would sleep for ever"),
        }
    }
}

fn data(stream: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new();
    let events = decoder.feed_bytes(Bytes::copy_from_slice(stream));
    events.map(|event| event.expect("no error").data().to_owned()).collect()
}

proptest! {
    #[test]
    fn a_filter_that_keeps_all_changes_nothing(
        blocks in vec(block(), 0..12),
        tail in option::of("(data|:)[a-z: ]{0,5}"),
        cuts in vec(any::<usize>(), 0..12),
        silences in vec(any::<bool>(), 0..20),
    ) {
        let whole = blocks.concat();
        let input = format!("{whole}{}", tail.as_deref().unwrap_or_default());
        let passed = run(
            cut(input.as_bytes(), cuts, silences)
                .filter_blocks(keep)
                .filter_map(|chunk| future::ready(match chunk {
                    Ok(chunk) => Some(Ok(chunk)),
                    // Unknown fields alone look like any other text.
                    Err(StreamError::NotEventStream(_)) if data(input.as_bytes()).is_empty() => None,
                    Err(error) => panic!("{error:?}"),
                })),
        );
        let mut passed = String::from_utf8(passed).unwrap();
        // The LF of a CRLF may arrive with what is cut off, and is held back with it.
        if passed.len() < whole.len() && tail.is_some_and(|tail| !tail.is_empty()) {
            passed.push('\n');
        }
        prop_assert_eq!(passed, whole);
    }

    #[test]
    fn frames_change_nothing_of_the_stream(
        blocks in vec(block(), 0..12),
        cuts in vec(any::<usize>(), 0..12),
        silences in vec(any::<bool>(), 0..20),
        frames in vec(any::<bool>(), 0..20),
        keeps_alive: bool,
    ) {
        let input = blocks.concat();
        let mut number = 0;
        let mut frames = frames.into_iter();
        let frames = stream::poll_fn(move |_| match frames.next() {
            Some(true) => {
                number += 1;
                Poll::Ready(Some(Frame::from(Event::new(&format!("INJECTED {number}")))))
            }
            Some(false) => Poll::Pending,
            None => Poll::Ready(None),
        });
        let stream = cut(input.as_bytes(), cuts, silences).inject(frames);
        let passed = if keeps_alive {
            let here = Frame::from(Event::new("INJECTED 0"));
            run(stream.with_timer(Soon::default()).with_keep_alive(here))
        } else {
            run(stream)
        };
        let mut own = passed.clone();
        while let Some(start) = own.windows(14).position(|part| part == b"data: INJECTED") {
            let end = own[start..].windows(2).position(|part| part == b"\n\n").unwrap();
            own.drain(start..start + end + 2);
        }
        prop_assert_eq!(String::from_utf8(own).unwrap(), &input[..]);
        let (injected, own): (Vec<_>, Vec<_>) =
            data(&passed).into_iter().partition(|data| data.starts_with("INJECTED"));
        prop_assert_eq!(own, data(input.as_bytes()));
        let mut numbers: Vec<usize> =
            injected.iter().map(|data| data["INJECTED ".len()..].parse().unwrap()).collect();
        numbers.retain(|&number| number > 0);
        prop_assert!(numbers.iter().copied().eq(1..=numbers.len()), "{numbers:?}");
    }
}

#[test]
fn they_are_shown_without_payload() {
    let stream = chunks(&["data: secret\n\n"]).filter_blocks(keep);
    let mut stream = stream.with_last_words(|end, _| end.map(drop));
    assert!(ready(future::poll_fn(|cx| stream.poll_next_unpin(cx))).is_some());
    assert!(!format!("{stream:?}").contains("secret"));
    assert!(!format!("{:?}", stream.inject(stream::pending())).contains("secret"));
}

/// A gateway does not make an empty stream of an error. What it passes on ends with the refusal.
#[test]
fn a_body_that_is_no_event_stream_is_reported() {
    for (body, passed, kind) in [
        (r#"{"error":{"message":"busy"}}"#, "", BodyKind::Json),
        ("{\n\"error\": 1\n}\n\n", "{\n\"error\": 1\n}\n\n", BodyKind::Json),
        ("<html>\n:root{}\n", "", BodyKind::Markup),
        ("upstream connect error", "", BodyKind::Other),
    ] {
        for size in [1, 3, 100] {
            let chunks = || {
                let parts = body.as_bytes().chunks(size).map(Bytes::copy_from_slice);
                stream::iter(parts.map(Ok::<_, &str>))
            };
            let (came, error) = all(chunks().filter_blocks(keep));
            assert_eq!(came, passed);
            let Some(StreamError::NotEventStream(refused)) = error else { panic!("{error:?}") };
            assert_eq!((refused.kind(), refused.bytes()), (kind, body.as_bytes()));

            let mut told = None;
            let filtered = chunks().filter_blocks(keep).with_last_words(|end, encoder| {
                told = end.err();
                encoder.comment("sorry");
                Ok(())
            });
            assert_eq!(all(filtered), (format!("{passed}: sorry\n\n"), None));
            assert_eq!(told, Some(StreamError::NotEventStream(refused)));
        }
    }
    for stream in ["", "\n\n", ": c\n\n", "id: 1\n\n", "data: cut", "{}\n\ndata: a\n\n"] {
        let (_, error) = all(stream::iter([Ok::<_, &str>(stream)]).filter_blocks(keep));
        assert_eq!(error, None, "{stream:?}");
    }
}

/// A router ends at `[DONE]`, although its upstream stays open.
#[test]
fn a_verdict_ends_the_stream_after_this_block() {
    let body = ": a\n\ndata: [DONE]\r\n\r\ndata: b\n\ndata: cut";
    let decide = |verdict: Verdict, text: &'static str| {
        move |block: Result<&mut Block<'_>, DecodeError>, encoder: &mut Encoder<&mut Vec<u8>>| {
            let event = block.is_ok_and(|block| block.event().unwrap().is_some());
            if !event {
                return Verdict::Keep;
            }
            if !text.is_empty() {
                encoder.event(Event::new(text));
            }
            verdict
        }
    };
    for size in 1..=body.len() {
        // After these chunks it would wait for ever.
        let chunks = || {
            let parts = body.as_bytes().chunks(size).map(Bytes::copy_from_slice);
            stream::iter(parts.map(Ok::<_, &str>)).chain(stream::pending())
        };
        for (verdict, text, passed) in [
            (Verdict::KeepLast, "", ": a\n\ndata: [DONE]"),
            (Verdict::KeepLast, "x", ": a\n\ndata: x\n\ndata: [DONE]"),
            (Verdict::ReplaceLast, "", ": a\n\n"),
            (Verdict::ReplaceLast, "x", ": a\n\ndata: x\n\n"),
        ] {
            let mut filtered = chunks().filter_blocks(decide(verdict, text));
            let (came, error) = all(&mut filtered);
            assert_eq!((came.trim_end_matches(['\r', '\n']), error), (passed.trim_end(), None));
            assert!(filtered.is_done() && came.ends_with(['\r', '\n']), "{came:?}");

            // The end is clean, however much came after it.
            let filtered = chunks().filter_blocks(decide(verdict, text));
            let filtered = filtered.with_last_words(|end, encoder| {
                assert!(end.unwrap().is_clean());
                encoder.comment("bye");
                Ok(())
            });
            let (came, error) = all(filtered);
            assert!(came.starts_with(passed) && came.ends_with(": bye\n\n"), "{came:?}");
            assert_eq!(error, None);
        }
    }
}

/// Forwarded bytes end with the sentinel, or with the error that it did not come.
#[test]
fn forwarded_bytes_must_end_with_an_event() {
    let drop_done = |block: Result<&mut Block<'_>, DecodeError>, _: &mut Encoder<&mut Vec<u8>>| {
        let event = block
            .ok()
            .and_then(|block| block.event().ok().flatten().map(|event| event.data() == DONE));
        if event == Some(true) { Verdict::Drop } else { Verdict::Keep }
    };
    for (body, passed, pending) in [
        ("data: a\n\ndata: [DONE]\n\n", "data: a\n\ndata: [DONE]\n\n", None),
        ("data: a\n\ndata:[DONE]\n\ndata: b\n\n", "data: a\n\ndata:[DONE]\n\n", None),
        ("data: a\n\n", "data: a\n\n", Some((0, false))),
        ("data: a\n\ndata: [DONE]\n", "data: a\n\n", Some((13, true))),
        ("data: a\n\nid: 1\n", "data: a\n\n", Some((6, false))),
        ("", "", Some((0, false))),
        ("data: x[DONE]\n\n", "data: x[DONE]\n\n", Some((0, false))),
    ] {
        for size in 1..=body.len().max(1) {
            let chunks = || {
                let parts = body.as_bytes().chunks(size).map(Bytes::copy_from_slice);
                stream::iter(parts.map(Ok::<_, &str>))
            };
            let mut filtered = chunks().filter_blocks(keep).must_end_with(DONE);
            let (came, error) = all(&mut filtered);
            let ended = error.map(|error| match error {
                StreamError::Incomplete(end) => (end.pending_bytes(), end.had_data()),
                other => panic!("{other:?}"),
            });
            assert_eq!((came.as_str(), ended), (passed, pending), "{body:?} by {size}");
            assert_eq!(filtered.is_done(), pending.is_none());

            let (came, error) = all(chunks().filter_blocks(keep).until_data(DONE.to_owned()));
            assert_eq!((came.as_str(), error), (passed, None));
            // Also if the function drops it.
            let (came, error) = all(chunks().filter_blocks(drop_done).must_end_with(DONE));
            let before = passed.find("data:[D").or(passed.find("data: [D")).unwrap_or(passed.len());
            assert_eq!((came.as_str(), error.is_some()), (&passed[..before], pending.is_some()));
        }
    }
    // A function that ends the stream has the last word.
    let ended = chunks(&["data: a\n\ndata: b\n\n"]).filter_blocks(|_, _| Verdict::KeepLast);
    assert_eq!(all(ended.must_end_with(DONE)), ("data: a\n\n".to_owned(), None));
    let json = chunks(&["{}"]).filter_blocks(keep).must_end_with(DONE);
    assert!(matches!(all(json).1, Some(StreamError::NotEventStream(_))));
}
