//! tokio's clock, as a timer.

use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

use super::timer::Timer;

pin_project! {
    /// A [`Timer`] on tokio's clock. Must be polled within a tokio runtime that has time enabled.
    ///
    /// ```
    /// use std::{future::poll_fn, pin::pin, time::Duration};
    ///
    /// use sse_wire::{Timer, TokioTimer};
    ///
    /// # tokio::runtime::Builder::new_current_thread()
    /// #     .enable_time()
    /// #     .start_paused(true)
    /// #     .build()
    /// #     .unwrap()
    /// #     .block_on(async {
    /// let start = tokio::time::Instant::now();
    /// let mut timer = pin!(TokioTimer::new());
    /// timer.as_mut().reset(Duration::from_secs(15));
    /// poll_fn(|cx| timer.as_mut().poll_elapsed(cx)).await;
    /// assert!(start.elapsed() >= Duration::from_secs(15));
    /// # });
    /// ```
    #[derive(Default)]
    pub struct TokioTimer {
        // Made at the first use, because that is certainly within the runtime.
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl TokioTimer {
    /// Creates a timer that does not run yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Timer for TokioTimer {
    fn reset(self: Pin<&mut Self>, time: Duration) {
        let mut this = self.project();
        // Further away than tokio's clock can tell is as good as never: 30 years.
        let time = time.min(Duration::from_secs(30 * 365 * 24 * 3600));
        match this.sleep.as_mut().as_pin_mut() {
            Some(sleep) => sleep.reset(Instant::now() + time),
            None => this.sleep.set(Some(tokio::time::sleep(time))),
        }
    }

    fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.as_pin_mut().map_or(Poll::Pending, |sleep| sleep.poll(cx))
    }
}

impl fmt::Debug for TokioTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioTimer").field("is_running", &self.sleep.is_some()).finish()
    }
}
