//! Polls futures and streams without a runtime, and a timer that does not wait.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures_util::{FutureExt, Stream};
use sse_wire::Timer;

/// Returns the output of a future that is ready at its first poll.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing to wait for")
}

/// Polls a future again and again: one that takes many chunks gives way now and then.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Some(output) = future.as_mut().now_or_never() {
            return output;
        }
    }
}

/// Polls a stream once.
pub(crate) fn poll<S: Stream + ?Sized>(stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
    count_wakes(|cx| stream.poll_next(cx)).0
}

/// Polls something once. Returns also how often it woke its task meanwhile.
pub(crate) fn count_wakes<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> (Poll<T>, usize) {
    let wakes = Arc::new(Wakes::default());
    let polled = poll(&mut Context::from_waker(&Waker::from(wakes.clone())));
    (polled, wakes.0.load(Ordering::Relaxed))
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Never waits.
pub(crate) struct Impatient;

impl Timer for Impatient {
    fn reset(self: Pin<&mut Self>, _: Duration) {}

    fn since_reset(&self) -> Duration {
        Duration::ZERO
    }

    fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
