//! Sends figures of this machine once a second. A slow client gets only the newest.

use std::time::Duration;

use axum::{Router, extract::State, response::Response, routing::get};
use futures_util::Stream;
use serde_json::json;
use sse_wire::{EventType, Frame, JsonEvent};
use sysinfo::{Disk, Disks, ProcessesToUpdate, System, get_current_pid};
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

    /// Takes a sample once a second, and encodes one event for all receivers.
    pub async fn sample(self, streams: Streams) {
        let mut system = System::new();
        let mut disks = Disks::new_with_refreshed_list();
        // CPU load is measured between two refreshes, so the first sample needs one before it.
        system.refresh_cpu_usage();
        let process = get_current_pid();
        for number in 1_u64.. {
            sleep(Duration::from_secs(1)).await;
            system.refresh_cpu_usage();
            system.refresh_memory();
            disks.refresh(false);
            let memory = process.ok().and_then(|process| {
                system.refresh_processes(ProcessesToUpdate::Some(&[process]), false);
                system.process(process).map(sysinfo::Process::memory)
            });
            let sample = json!({
                // The number of the sample since the start of the server.
                "number": number,
                // The load of all cores together, in percent.
                "cpu": rounded(f64::from(system.global_cpu_usage())),
                // The memory in use on the machine, in percent.
                "memory": rounded(percent(system.used_memory(), system.total_memory())),
                // The space in use on the fullest disk, in percent.
                "disk": rounded(disks.iter().map(used).fold(0.0, f64::max)),
                // The memory of this process, in bytes.
                "process": memory,
                "connections": streams.count(),
            });
            self.0.send_replace(json_frame(JsonEvent::new(sample).with_event_type(SAMPLE)));
        }
    }
}

fn used(disk: &Disk) -> f64 {
    let total = disk.total_space();
    percent(total.saturating_sub(disk.available_space()), total)
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// Rounds to one decimal place.
fn rounded(figure: f64) -> f64 {
    (10.0 * figure).round() / 10.0
}
