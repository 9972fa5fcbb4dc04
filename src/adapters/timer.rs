//! Timers: what the adapters that wait know of a runtime.

use core::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// Tells when a time has passed: the clock of a runtime, for the keep-alives of an `EventBody` and
/// the waits of a [`Reconnecting`](crate::Reconnecting) stream.
///
/// `TokioTimer` is the one for tokio. One for another runtime is a few lines: here on threads.
///
/// ```
/// use std::{
///     pin::Pin,
///     sync::{Arc, atomic::{AtomicBool, Ordering}},
///     task::{Context, Poll},
///     thread,
///     time::{Duration, Instant},
/// };
///
/// use sse_wire::Timer;
///
/// #[derive(Default)]
/// struct ThreadTimer(Option<Instant>);
///
/// impl Timer for ThreadTimer {
///     fn reset(mut self: Pin<&mut Self>, time: Duration) {
///         self.0 = Instant::now().checked_add(time);
///     }
///
///     fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
///         let Some(deadline) = self.0 else { return Poll::Pending };
///         let left = deadline.saturating_duration_since(Instant::now());
///         if left.is_zero() {
///             return Poll::Ready(());
///         }
///         let waker = cx.waker().clone();
///         thread::spawn(move || {
///             thread::sleep(left);
///             waker.wake();
///         });
///         Poll::Pending
///     }
/// }
/// ```
pub trait Timer {
    /// Restarts the timer: it elapses after `time`, counted from this call.
    fn reset(self: Pin<&mut Self>, time: Duration);

    /// Returns `Ready` once the time of the last [`reset`](Self::reset) has passed; before that,
    /// arranges for a wake-up when it has.
    fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
}

/// A timer that never elapses, for a body without keep-alives.
///
/// An example of a timer that does: [`TokioTimer`](crate::TokioTimer).
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTimer;

impl Timer for NoTimer {
    fn reset(self: Pin<&mut Self>, _: Duration) {}

    fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
