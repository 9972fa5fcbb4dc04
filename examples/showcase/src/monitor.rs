//! Figures of this machine, once a second, and only the newest for those who are slow.

use std::time::Duration;

use axum::{Router, extract::State, response::Response, routing::get};
use futures_util::Stream;
use serde_json::json;
use sse_wire::{EventType, Frame, JsonEvent};
use sysinfo::{ProcessesToUpdate, System, get_current_pid};
use tokio::{sync::watch, time::sleep};
use tokio_stream::wrappers::WatchStream;

use crate::streams::{Streams, json_frame};

const SAMPLE: EventType<'_> = EventType::from_static("sample");

pub fn router(monitor: Monitor, streams: Streams) -> Router {
    let watch = async |State((monitor, streams)): State<(Monitor, Streams)>| -> Response {
        streams.respond(monitor.subscribe())
    };
    Router::new().route("/monitor", get(watch)).with_state((monitor, streams))
}

#[derive(Clone)]
pub struct Monitor(watch::Sender<Frame>);

impl Monitor {
    pub fn new() -> Self {
        Self(watch::Sender::new(Frame::KEEP_ALIVE))
    }

    pub fn subscribe(&self) -> impl Stream<Item = Frame> + Send + use<> {
        WatchStream::new(self.0.subscribe())
    }

    /// Looks once a second; one event for however many receivers.
    pub async fn sample(self, streams: Streams) {
        let mut system = System::new();
        // CPU time is counted from one look to the next.
        system.refresh_cpu_usage();
        let process = get_current_pid();
        loop {
            sleep(Duration::from_secs(1)).await;
            system.refresh_cpu_usage();
            system.refresh_memory();
            let memory = process.ok().and_then(|process| {
                system.refresh_processes(ProcessesToUpdate::Some(&[process]), false);
                system.process(process).map(sysinfo::Process::memory)
            });
            let sample = json!({
                // Of all cores together, in percent.
                "cpu": system.global_cpu_usage(),
                // Of the machine, in percent.
                "memory": 100.0 * ratio(system.used_memory(), system.total_memory()),
                // Of this process, in bytes.
                "process": memory,
                "connections": streams.count(),
            });
            self.0.send_replace(json_frame(JsonEvent::new(sample).with_event_type(SAMPLE)));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
