//! Tests `SseCodec`.

use bytes::BytesMut;
use futures_util::StreamExt;
use sse_wire::{
    AtEnd, DONE, Decoder, Decoding, Event, EventStreamExt, EventType, Frame, OnError, SseCodec,
    StreamError,
};
use tokio_util::codec::{Decoder as _, Encoder as _, Framed, FramedRead};

use crate::polling::ready;

#[test]
fn nothing_is_left_in_the_buffer() {
    let mut codec = SseCodec::new();
    let mut bytes = BytesMut::from("data: a\n\ndata: b\n\ndata: c");
    assert_eq!(codec.decode(&mut bytes).unwrap().unwrap().data(), "a");
    assert!(bytes.is_empty());
    assert_eq!(codec.decode(&mut bytes).unwrap().unwrap().data(), "b");
    assert_eq!(codec.decode(&mut bytes).unwrap(), None);
    bytes.extend_from_slice(b"\n\n");
    assert_eq!(codec.decode_eof(&mut bytes).unwrap().unwrap().data(), "c");
    assert_eq!(codec.end(), None);
    assert_eq!(codec.decode_eof(&mut bytes).unwrap(), None);
    assert!(codec.end().unwrap().is_clean());
    assert_eq!(codec.decode_eof(&mut bytes).unwrap(), None);
}

#[test]
fn a_cut_block_is_told_or_dispatched() {
    let mut codec = SseCodec::new();
    assert_eq!(codec.decode_eof(&mut BytesMut::from("data: c")).unwrap(), None);
    assert_eq!(codec.end().unwrap().pending_bytes(), 7);

    let decoder = Decoder::builder().at_end(AtEnd::Dispatch).build();
    let mut codec = SseCodec::with_decoder(decoder);
    let mut bytes = BytesMut::from("data: c");
    assert_eq!(codec.decode_eof(&mut bytes).unwrap().unwrap().data(), "c");
    assert_eq!(codec.decode_eof(&mut bytes).unwrap(), None);
}

#[test]
fn after_a_fatal_error_nothing_follows() {
    let mut codec = SseCodec::with_decoder(Decoder::builder().max_block_size(4).build());
    let mut bytes = BytesMut::from("data: a\n\n");
    assert!(matches!(codec.decode(&mut bytes), Err(StreamError::Decode(_))));
    bytes.extend_from_slice(b"data: b\n\n");
    assert_eq!(codec.decode(&mut bytes).unwrap(), None);
    assert!(bytes.is_empty());
}

#[test]
fn events_and_frames_are_appended() {
    let mut codec = SseCodec::new();
    let mut bytes = BytesMut::from(": x\n\n");
    let event = Event::new("a\nb").with_event_type(EventType::from_static("t"));
    codec.encode(event, &mut bytes).unwrap();
    codec.encode(event.to_buf(), &mut bytes).unwrap();
    codec.encode(Frame::KEEP_ALIVE, &mut bytes).unwrap();
    let block = "event: t\ndata: a\ndata: b\n\n";
    assert_eq!(bytes, format!(": x\n\n{block}{block}:\n\n"));
}

/// `FramedRead` says `None` after each error. It has not ended if the codec has no end.
#[test]
fn a_framed_transport_goes_on_after_a_skipped_block() {
    let decoder = || {
        let builder = Decoder::builder().max_block_size(9).on_error(OnError::SkipBlock);
        SseCodec::with_decoder(builder.build())
    };
    let body = &b"data: too large\n\ndata: b\n\n"[..];
    let mut framed = FramedRead::new(body, decoder()).must_end_with(DONE);
    let mut next = || ready(framed.next());
    assert!(matches!(next(), Some(Err(StreamError::Decode(_)))));
    assert!(next().is_none());
    assert_eq!(next().unwrap().unwrap().data(), "b");
    assert!(matches!(next(), Some(Err(StreamError::Incomplete(end))) if end.is_clean()));
    assert!(next().is_none());
    assert!(framed.end().unwrap().is_clean() && !framed.has_failed());

    let mut framed = Framed::new(std::io::Cursor::new(body.to_vec()), decoder());
    assert!(ready(framed.next()).unwrap().is_err());
    assert!(Decoding::end(&framed).is_none() && !Decoding::has_failed(&framed));
    assert_eq!(Decoding::decoder(&framed).stats().refused, 1);
}
