//! Encode once, send to many. A receiver that reads too slowly is dropped: `cargo run --example fan_out`

use std::sync::Mutex;

use sse_wire::{Event, Frame};
use tokio::sync::mpsc::{self, Receiver, Sender};

#[derive(Default)]
struct Hub(Mutex<Vec<Sender<Frame>>>);

impl Hub {
    /// Returns the frames from now on, for the body of a response. At most 8 of them wait.
    fn join(&self) -> Receiver<Frame> {
        let (sender, frames) = mpsc::channel(8);
        self.0.lock().expect("nobody panics here").push(sender);
        frames
    }

    /// Sends an event to all. Drops those that have gone, and those with 8 frames to read.
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
