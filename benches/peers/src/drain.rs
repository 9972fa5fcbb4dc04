//! Polls streams without a runtime, because everything that is measured here is always ready.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use futures_util::Stream;

use crate::measure::{Flaw, Outcome};

pub fn drain<T>(stream: impl Stream<Item = T>, mut each: impl FnMut(T) -> Outcome) -> Outcome {
    let mut stream = pin!(stream);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match stream.as_mut().poll_next(&mut context) {
            Poll::Ready(Some(item)) => each(item)?,
            Poll::Ready(None) => return Ok(()),
            Poll::Pending => return Err(Flaw::Failed("waits for nothing".to_owned())),
        }
    }
}
