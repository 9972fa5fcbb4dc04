//! Tests the connection to the provider: the URL, the certificate, and the end when nobody reads.

mod common;

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use futures_util::StreamExt;

use self::common::{KEY, Server, in_time, program};

/// Starts the showcase with an upstream that it must refuse. Returns its error output.
fn refused(url: &str, key: &str) -> String {
    let mut process = Command::new(program())
        .args(["--port", "0", "--upstream", url])
        .env("UPSTREAM_API_KEY", key)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the showcase starts");
    let mut said = String::new();
    let mut errors = process.stderr.take().expect("piped");
    errors.read_to_string(&mut said).expect("UTF-8");
    assert!(!process.wait().expect("it ends").success());
    said
}

#[test]
fn an_invalid_upstream_is_refused_at_the_start() {
    for (url, reason) in [
        ("127.0.0.1:11434/v1", "it must begin with http:// or https://"),
        ("ftp://127.0.0.1/v1", "it must begin with http:// or https://"),
        ("http://user:secret@127.0.0.1/v1", "give the key in UPSTREAM_API_KEY"),
        ("http:///v1", "invalid"),
    ] {
        let said = refused(url, KEY);
        assert!(said.contains(reason), "{url}: {said}");
    }
    let said = refused("http://127.0.0.1/v1", "sk-secret\n");
    assert!(said.contains("UPSTREAM_API_KEY has characters"), "{said}");
    assert!(!said.contains("sk-secret"), "{said}");
}

#[tokio::test]
async fn a_provider_without_a_reader_is_disconnected() {
    let provider = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = provider.local_addr().expect("an address").port();
    // Answers without end, until the connection is closed.
    let left = tokio::task::spawn_blocking(move || {
        let (mut socket, _) = provider.accept().expect("a request");
        let mut byte = [0];
        while byte != *b"}" {
            socket.read_exact(&mut byte).expect("a request");
        }
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        socket.write_all(head.as_bytes()).expect("sent");
        let chunk = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
        while socket.write_all(chunk.as_bytes()).is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let server = Server::start_with(&["--upstream", &format!("http://127.0.0.1:{port}/v1")]);
    let mut chunks = server.get("/proxy?prompt=Why").await.bytes_stream();
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains("\"char\":\"H\"") {
        text.extend(in_time(chunks.next()).await.expect("a chunk").expect("a stream"));
    }
    let start = Instant::now();
    drop(chunks);
    in_time(left).await.expect("no panic");
    // The client has time to reconnect first.
    assert!(start.elapsed() > Duration::from_secs(9));
}

#[cfg(not(feature = "tls"))]
#[test]
fn https_without_the_feature_says_what_is_missing() {
    let said = refused("https://api.example/v1/chat/completions", KEY);
    assert!(said.contains("https needs TLS: build with `--features tls`"), "{said}");
}

#[cfg(feature = "tls")]
mod with_tls {
    use std::{fs, path::PathBuf, process::Command, sync::Arc};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::{
        TlsAcceptor,
        rustls::{
            ServerConfig,
            crypto::ring,
            pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        },
    };

    use crate::common::{KEY, Server, in_time};

    /// Returns a folder with a `certificate.pem` for 127.0.0.1 and its `key.pem`. Returns `None`
    /// without openssl.
    fn certificate() -> Option<PathBuf> {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("tls");
        fs::create_dir_all(&folder).expect("a folder");
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
            .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", "key.pem", "-out", "certificate.pem"])
            .current_dir(&folder)
            .output();
        let made = made.ok()?;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Some(folder)
    }

    /// Answers each request, and sends it to the test. Sends `None` if the handshake failed.
    async fn provide(
        listener: TcpListener,
        acceptor: TlsAcceptor,
        asked: tokio::sync::mpsc::UnboundedSender<Option<String>>,
    ) {
        loop {
            let (socket, _) = listener.accept().await.expect("a connection");
            let Ok(mut socket) = acceptor.accept(socket).await else {
                asked.send(None).expect("the test listens");
                continue;
            };
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                assert_ne!(socket.read_buf(&mut request).await.expect("a request"), 0);
            }
            let request = String::from_utf8(request).expect("UTF-8");
            let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                connection: close\r\n\r\n\
                data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":null}]}\n\n\
                data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
                data: [DONE]\n\n";
            socket.write_all(answer.as_bytes()).await.expect("sent");
            socket.shutdown().await.expect("sent");
            asked.send(Some(request)).expect("the test listens");
        }
    }

    #[tokio::test]
    async fn an_https_upstream_gets_the_key_if_its_certificate_is_trusted() {
        let Some(folder) = certificate() else {
            println!("skipped: there is no openssl");
            return;
        };
        let certificates = CertificateDer::pem_file_iter(folder.join("certificate.pem"));
        let certificates = certificates.expect("a file").collect::<Result<_, _>>().expect("PEM");
        let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).expect("PEM");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(certificates, key))
            .expect("a configuration");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, mut asked) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(provide(listener, TlsAcceptor::from(Arc::new(config)), sender));

        let trusted = folder.join("certificate.pem");
        let url = format!("https://127.0.0.1:{port}/v1/chat/completions?a=b");
        // The certificate does not cover this name.
        let other = format!("https://localhost:{port}/v1/chat/completions");
        for (url, roots, is_trusted) in
            [(&url, Some(&trusted), true), (&url, None, false), (&other, Some(&trusted), false)]
        {
            let environment = roots.map(|path| ("SSL_CERT_FILE", path.as_os_str()));
            let server = Server::start_in(&["--upstream", url, "--model", "small"], environment);
            let answer = in_time(server.get("/proxy?prompt=Why").await.text()).await.expect("text");
            let request = in_time(asked.recv()).await.expect("the provider goes on");
            if is_trusted {
                assert!(answer.contains("\"finish\":\"stop\""), "{answer}");
                let request = request.expect("a handshake");
                assert!(request.starts_with("POST /v1/chat/completions?a=b HTTP/1.1\r\n"));
                assert!(request.contains(&format!("\r\nhost: 127.0.0.1:{port}\r\n")), "{request}");
                assert!(request.contains(&format!("\r\nauthorization: Bearer {KEY}\r\n")));
            } else {
                assert_eq!(request, None, "it must not get the key");
                assert!(answer.contains("the upstream does not answer"), "{answer}");
                assert!(!answer.contains(&port.to_string()), "{answer}");
            }
        }
    }

    #[test]
    fn unreadable_roots_are_an_error_at_the_start() {
        let process = Command::new(crate::program())
            .args(["--port", "0", "--upstream", "https://127.0.0.1/v1"])
            .env("SSL_CERT_FILE", "/nowhere.pem")
            .output()
            .expect("the showcase starts");
        assert!(!process.status.success());
        let said = String::from_utf8(process.stderr).expect("UTF-8");
        assert!(said.contains("SSL_CERT_FILE, /nowhere.pem: "), "{said}");
    }
}
