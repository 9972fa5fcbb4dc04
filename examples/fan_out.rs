//! Encodes an event once and sends it to many receivers. Drops receivers that read too slowly:
//! `cargo run --example fan_out`

use std::sync::Mutex;

use sse_wire::{Event, Frame};
use tokio::sync::mpsc::{self, Receiver, Sender};

#[derive(Default)]
struct Hub(Mutex<Vec<Sender<Frame>>>);

impl Hub {
    /// Returns the frames from now on, for the body of a response. Buffers at most 8 of them.
    fn join(&self) -> Receiver<Frame> {
        let (sender, frames) = mpsc::channel(8);
        self.0.lock().expect("nobody panics here").push(sender);
        frames
    }

    /// Sends an event to all receivers, and returns how many are left. Drops receivers that are
    /// gone, or that have 8 unread frames.
    fn send(&self, event: Event<'_>) -> usize {
        let frame = Frame::from(event);
        let mut receivers = self.0.lock().expect("nobody panics here");
        receivers.retain(|receiver| receiver.try_send(frame.clone()).is_ok());
        receivers.len()
    }
}

#[tokio::main]
async fn main() {
    let hub = Hub::default();
    let (mut quick, mut slow) = (hub.join(), hub.join());
    for number in 0..12 {
        let left = hub.send(Event::new(&format!("event {number}")));
        println!("{left} receivers, the quick one reads {:?}", quick.recv().await);
    }
    while let Some(frame) = slow.recv().await {
        println!("the slow one reads {frame:?}");
    }
}
