//! Checks the traits of types, and expressions that must compile.

use std::{
    convert::Infallible,
    error::Error,
    io,
    pin::{Pin, pin},
    rc::Rc,
};

use axum::routing::get;
use futures_util::{StreamExt, future, stream};
use http_body::Body;
use sse_wire::{
    Attempt, BoxReconnecting, ByteStreamExt, ConnectRequest, ConnectResponse, DecodeError,
    Decoding, Encode, Event, EventBody, EventBuf, EventReader, EventStream, FilterBlocks, Frame,
    Inject, ItemStream, JsonEvent, JsonEvents, JsonStreamError, MustEndWith, NoFrames, NoTimer,
    Reconnecting, ReplayCursor, ReplayLog, SseCodec, StreamError, Tap, TokioTimer, TransportError,
    UntilData, WithLastWords,
};

use crate::polling::ready;

fn is_send_and_sync<T: Send + Sync>() {}
fn is_unpin<T: Unpin>() {}
fn is_static<T: 'static>() {}
fn is_decoding<T: Decoding>() {}
fn is_error<T: Error + Send + Sync + 'static>() {}

type Source = stream::Iter<std::vec::IntoIter<Result<bytes::Bytes, std::io::Error>>>;
type Response = future::Ready<Result<ConnectResponse<Source>, std::io::Error>>;
type Following<K> = Reconnecting<fn(ConnectRequest) -> Response, Response, Source, K>;
type Frames = stream::Iter<std::vec::IntoIter<Result<Frame, std::io::Error>>>;

#[test]
fn adapters_are_what_their_sources_are() {
    is_send_and_sync::<EventStream<Source>>();
    is_send_and_sync::<ItemStream<Source>>();
    is_send_and_sync::<JsonEvents<EventStream<Source>, String>>();
    is_send_and_sync::<EventBody<Frames>>();
    is_send_and_sync::<EventBody<Frames, TokioTimer>>();
    is_send_and_sync::<EventReader<std::fs::File>>();
    is_send_and_sync::<SseCodec>();
    is_send_and_sync::<Following<TokioTimer>>();
    is_send_and_sync::<FilterBlocks<Source, fn()>>();
    is_send_and_sync::<WithLastWords<Source, fn(), fn(), std::io::Error>>();
    is_send_and_sync::<Inject<Source, NoFrames, TokioTimer>>();
    is_send_and_sync::<ReplayLog>();
    is_send_and_sync::<ReplayCursor>();
    is_unpin::<FilterBlocks<Source, fn()>>();
    is_unpin::<Inject<Source, NoFrames>>();
    is_unpin::<EventStream<Source>>();
    is_unpin::<Following<NoTimer>>();
    is_unpin::<Following<TokioTimer>>();
    is_unpin::<TokioTimer>();
    // A program may hold one while it waits.
    is_send_and_sync::<Attempt<'static, std::io::Error>>();
    is_unpin::<BoxReconnecting<std::io::Error>>();
    is_unpin::<ItemStream<Source>>();
    is_unpin::<EventBody<Frames>>();
    is_unpin::<JsonEvents<MustEndWith<'static, EventStream<Source>>, String>>();
    is_static::<EventStream<Source>>();
    is_decoding::<&mut EventStream<Source>>();
    is_decoding::<Pin<Box<JsonEvents<UntilData<'static, EventStream<Source>>, String>>>>();
    is_decoding::<Tap<Source, fn()>>();
}

#[test]
fn errors_are_errors() {
    is_error::<StreamError>();
    is_error::<StreamError<std::io::Error>>();
    is_error::<JsonStreamError<StreamError>>();
    is_error::<JsonStreamError<DecodeError>>();
    is_send_and_sync::<TransportError>();
    // Every error path returns it, so it should stay small.
    assert!(size_of::<StreamError>() <= 32, "{}", size_of::<StreamError>());
}

/// All variants, and no others: nobody needs a dead arm.
#[test]
fn the_variants_are_all_there_are() {
    fn of_stream(error: &StreamError<u8>) -> u8 {
        match error {
            StreamError::Transport(error) => *error,
            StreamError::Decode(_) => 1,
            StreamError::Incomplete(_) => 2,
            StreamError::NotEventStream(_) => 4,
        }
    }
    fn of_json(error: &JsonStreamError<StreamError<u8>>) -> u8 {
        match error {
            JsonStreamError::Events(error) => of_stream(error),
            JsonStreamError::Json(_) => 3,
        }
    }
    assert_eq!(of_json(&JsonStreamError::Events(StreamError::Transport(7))), 7);
}

#[test]
fn a_source_need_be_neither_send_nor_unpin() {
    let not_send = Rc::new("data: a\n\n".to_owned());
    // A stream made of an async block is not `Unpin`.
    let source = stream::once(async move { Ok::<_, Rc<()>>(not_send.as_bytes().to_vec()) });
    let mut events = pin!(source.events());
    let event = ready(events.next()).unwrap().unwrap();
    assert_eq!(event.data(), "a");
}

#[test]
fn the_error_of_a_body_is_that_of_its_stream() {
    fn error_is<E>(_: &impl Body<Error = E>) {}
    fn events<T>() -> EventBody<stream::Pending<T>>
    where
        T: Encode,
    {
        EventBody::new(stream::pending())
    }
    error_is::<Infallible>(&events::<Event<'_>>());
    error_is::<Infallible>(&events::<String>());
    error_is::<serde_json::Error>(&events::<JsonEvent<'_, u8>>());
    // This one has no conversion from `Infallible`, and needs none.
    error_is::<io::Error>(&events::<Result<EventBuf, io::Error>>());
    error_is::<io::Error>(&events::<Result<JsonEvent<'_, u8>, io::Error>>());
    error_is::<Box<dyn Error + Send + Sync>>(&events::<
        Result<JsonEvent<'_, u8>, Box<dyn Error + Send + Sync>>,
    >());
}

/// Each is one expression, and a handler of axum.
#[test]
fn handlers_of_axum() {
    let router: axum::Router = axum::Router::new()
        .route("/infallible", get(async || EventBody::new(stream::iter(["a"])).into_response()))
        .route(
            "/fallible",
            get(async || {
                let events = stream::iter([Ok("a".to_owned()), Err(io::Error::other("gone"))]);
                EventBody::new(events).with_timer(TokioTimer::new()).into_response()
            }),
        )
        .route(
            "/json",
            get(async || EventBody::new(stream::iter([JsonEvent::new(1)])).into_response()),
        );
    drop(router);
}
