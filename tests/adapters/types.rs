//! What the compiler shall accept.

use std::{pin::pin, rc::Rc};

use futures_util::{FutureExt, StreamExt, future, stream};
use sse_wire::{
    ByteStreamExt, ConnectRequest, ConnectResponse, EventBody, EventReader, EventStream, Frame,
    ItemStream, JsonEvents, NoTimer, Reconnecting, SseCodec, TokioTimer,
};

fn is_send_and_sync<T: Send + Sync>() {}
fn is_unpin<T: Unpin>() {}
fn is_static<T: 'static>() {}

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
    is_unpin::<EventStream<Source>>();
    is_unpin::<Following<NoTimer>>();
    is_unpin::<ItemStream<Source>>();
    is_unpin::<EventBody<Frames>>();
    is_static::<EventStream<Source>>();
}

#[test]
fn a_source_need_be_neither_send_nor_unpin() {
    let not_send = Rc::new("data: a\n\n".to_owned());
    // A stream made of an async block is not `Unpin`.
    let source = stream::once(async move { Ok::<_, Rc<()>>(not_send.as_bytes().to_vec()) });
    let mut events = pin!(source.events());
    let event = events.next().now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(event.data(), "a");
}
