//! Runs nginx for the tests.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use tokio::time::sleep;

use super::{free_port, in_time};

/// Returns `true` if nginx can be run. If not, prints that `what` is skipped.
pub fn is_installed(what: &str) -> bool {
    let is_installed = Command::new("nginx").arg("-v").output().is_ok();
    if !is_installed {
        println!("\nskipped {what}: nginx is not installed\n");
    }
    is_installed
}

/// A running nginx.
pub struct Nginx {
    process: Child,
    pub address: String,
    folder: PathBuf,
}

impl Nginx {
    /// Starts nginx with these upstreams and locations, in the words of its configuration.
    pub async fn start(upstreams: &str, locations: &str) -> Self {
        let port = free_port();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nginx-{port}"));
        fs::create_dir_all(&folder).expect("a folder");
        let configuration = format!(
            "daemon off;
            master_process off;
            pid nginx.pid;
            error_log error.log;
            events {{}}
            http {{
                access_log off;
                client_body_temp_path body;
                proxy_temp_path proxy;
                fastcgi_temp_path fastcgi;
                uwsgi_temp_path uwsgi;
                scgi_temp_path scgi;
                {upstreams}
                server {{
                    listen 127.0.0.1:{port};
                    {locations}
                }}
            }}"
        );
        fs::write(folder.join("nginx.conf"), configuration).expect("written");
        let process = Command::new("nginx")
            .arg("-p")
            .arg(&folder)
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .spawn()
            .expect("nginx starts");
        in_time(async {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        Self { process, address: format!("http://127.0.0.1:{port}"), folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
        _ = fs::remove_dir_all(&self.folder);
    }
}
