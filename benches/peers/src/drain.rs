//! Polls streams without a runtime, because everything that is measured here is always ready.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake},
};

use futures_util::Stream;

use crate::measure::{Flaw, Outcome};

/// Remembers that a stream has woken its task.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

pub fn drain<T>(stream: impl Stream<Item = T>, mut each: impl FnMut(T) -> Outcome) -> Outcome {
    let mut stream = pin!(stream);
    let woken = Arc::new(Woken::default());
    let waker = Arc::clone(&woken).into();
    let mut context = Context::from_waker(&waker);
    loop {
        match stream.as_mut().poll_next(&mut context) {
            Poll::Ready(Some(item)) => each(item)?,
            Poll::Ready(None) => return Ok(()),
            // It only let other tasks run.
            Poll::Pending if woken.0.swap(false, Relaxed) => {}
            Poll::Pending => return Err(Flaw::Failed("waits for nothing".to_owned())),
        }
    }
}
