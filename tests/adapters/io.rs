//! Tests `EventReader`, and writing to `io::Write`.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
};

use sse_wire::{AtEnd, DONE, Decoder, Encoder, Event, EventIteratorExt, EventReader, StreamError};

/// What each call of a reader gives.
struct Script(VecDeque<Result<&'static str, io::ErrorKind>>);

impl Read for Script {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.pop_front().unwrap_or(Ok(""))?.as_bytes();
        to[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

fn script(calls: impl IntoIterator<Item = Result<&'static str, io::ErrorKind>>) -> Script {
    Script(calls.into_iter().collect())
}

#[test]
fn reads_are_made_again_after_what_passes() {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};

    let calls =
        [Ok("data: a\n\nda"), Err(Interrupted), Err(TimedOut), Err(WouldBlock), Ok("ta: b\n\n")];
    let mut events = EventReader::new(script(calls));
    assert_eq!(events.next().unwrap().unwrap().data(), "a");
    for kind in [TimedOut, WouldBlock] {
        let error = events.next().unwrap().unwrap_err();
        assert!(
            matches!(&error, StreamError::Transport(error) if error.kind() == kind),
            "{error:?}"
        );
        assert_eq!((events.has_failed(), events.pending_bytes()), (false, 2));
    }
    assert_eq!(events.next().unwrap().unwrap().data(), "b");
    assert!(events.next().is_none() && events.next().is_none());
    assert!(events.end().unwrap().is_clean());
}

#[test]
fn another_error_ends_it_and_dispatches_nothing() {
    for at_end in [AtEnd::Discard, AtEnd::Dispatch] {
        let calls = [Ok("data: half"), Err(io::ErrorKind::ConnectionReset), Ok("\n\n"), Ok("")];
        let decoder = Decoder::builder().at_end(at_end).build();
        let mut events = EventReader::with_decoder(script(calls), decoder);
        assert!(matches!(events.next(), Some(Err(StreamError::Transport(_)))));
        assert!(events.next().is_none() && events.has_failed());
        assert_eq!((events.end(), events.pending_bytes()), (None, 10));
        assert_eq!(events.into_inner().0.len(), 2, "nothing was read");
    }
}

#[test]
fn an_event_waits_for_no_other_read() {
    let mut events = EventReader::new(script([Ok("data: a\n\n"), Err(io::ErrorKind::WouldBlock)]));
    assert!(events.next().unwrap().is_ok());
    assert!(events.next().unwrap().is_err());
}

#[test]
fn nothing_is_read_after_a_fatal_error() {
    let decoder = Decoder::builder().max_block_size(4).build();
    let reader = script([Ok("data: a\n\n"), Ok("data: b\n\n")]);
    let mut events = EventReader::with_decoder(reader, decoder);
    assert!(matches!(events.next(), Some(Err(StreamError::Decode(_)))));
    assert!(events.decoder().has_failed());
    assert!(events.next().is_none());
    assert_eq!(events.into_inner().0.len(), 1);
}

struct Single(std::vec::IntoIter<[u8; 1]>);
impl Read for Single {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.next().map_or(Ok(0), |byte| {
            to[..1].copy_from_slice(&byte);
            Ok(1)
        })
    }
}

#[test]
fn one_byte_at_a_time_and_until_done() {
    let bytes: Vec<_> = "data: 你\n\ndata: [DONE]\n\ndata: b\n\n".bytes().map(|b| [b]).collect();
    let mut events = EventReader::new(Single(bytes.into_iter())).until_data(DONE);
    assert_eq!(events.next().unwrap().unwrap().data(), "你");
    assert!(events.next().is_none() && events.is_done());
}

/// Counts how often it is flushed.
#[derive(Default)]
struct Socket {
    bytes: Vec<u8>,
    flushed: usize,
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.flushed += 1;
        Ok(())
    }
}

#[test]
fn what_was_encoded_is_written_once_and_flushed() {
    let (mut encoder, mut socket) = (Encoder::new(), Socket::default());
    encoder.event(Event::new("a")).event(Event::new("b")).drain_to(&mut socket).unwrap();
    assert!(encoder.as_bytes().is_empty());
    encoder.event(Event::new("c")).drain_to(&mut socket).unwrap();
    assert_eq!(socket.bytes, b"data: a\n\ndata: b\n\ndata: c\n\n");
    assert_eq!(socket.flushed, 2);
}

struct Full;
impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_fails_is_told() {
    let mut encoder = Encoder::new();
    let error = encoder.event(Event::new("a")).drain_to(&mut Full).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert!(encoder.as_bytes().is_empty());
}
