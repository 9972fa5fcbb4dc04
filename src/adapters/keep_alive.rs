//! Keep-alives: frames that are sent when nothing else was for a time.

use core::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;

use super::timer::{NoTimer, Timer};
use crate::encoder::Frame;

/// Proxies and load balancers close what is silent for 30 to 60 seconds; the standard advises
/// authors to send a comment "every 15 seconds or so".
const INTERVAL: Duration = Duration::from_secs(15);

pin_project! {
    /// A keep-alive, and the timer that tells when to send it.
    pub(super) struct KeepAlive<K> {
        #[pin]
        timer: K,
        frame: Frame,
        interval: Duration,
        // The timer runs: nothing was sent since it was reset.
        is_silent: bool,
    }
}

impl KeepAlive<NoTimer> {
    /// Creates one that is never due.
    pub(super) const fn new() -> Self {
        Self { timer: NoTimer, frame: Frame::KEEP_ALIVE, interval: INTERVAL, is_silent: false }
    }
}

impl<K> KeepAlive<K> {
    pub(super) fn with_timer<L: Timer>(self, timer: L) -> KeepAlive<L> {
        let Self { frame, interval, .. } = self;
        KeepAlive { timer, frame, interval, is_silent: false }
    }

    pub(super) fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    pub(super) fn with_frame(self, frame: Frame) -> Self {
        Self { frame, ..self }
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    /// Notes that something else is sent, so the silence is over.
    #[inline]
    pub(super) fn interrupt(self: Pin<&mut Self>) {
        *self.project().is_silent = false;
    }
}

impl<K: Timer> KeepAlive<K> {
    /// Returns the keep-alive once nothing was sent for the interval.
    ///
    /// Call it when there is nothing to send: the first call after something was sent starts the
    /// timer.
    pub(super) fn poll_due(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Frame> {
        let mut this = self.project();
        if !*this.is_silent {
            this.timer.as_mut().reset(*this.interval);
            *this.is_silent = true;
        }
        ready!(this.timer.poll_elapsed(cx));
        // It is sent, so the next silence begins.
        *this.is_silent = false;
        Poll::Ready(this.frame.clone())
    }
}
