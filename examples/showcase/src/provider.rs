//! Asks the proxy's provider, with a connection of its own for each request.

use std::{error, fmt, pin::pin, time::Duration};

use axum::{
    body::Body,
    http::{
        HeaderValue, Method, Request, Response, Uri,
        header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST},
        uri::Scheme,
    },
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

#[cfg(feature = "tls")]
use crate::tls::Tls;

/// The time limit for opening a connection, including TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The time limit for the head of the response, and for each piece of its body. Providers send
/// comments while they think, so even a slow answer is not silent.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

pub type Error = Box<dyn error::Error + Send + Sync>;

type Chunks = BoxStream<'static, Result<Bytes, Error>>;

/// The provider to ask, and how to identify to it.
pub struct Provider {
    /// The URL of its chat completions.
    url: Uri,
    pub model: String,
    /// The key. It never leaves this server except in requests to the provider: neither the page
    /// nor an error message contains it.
    authorization: Option<HeaderValue>,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

/// A TCP connection, with TLS or without.
trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

impl Provider {
    pub fn new(url: Uri, model: String, key: Option<&str>) -> Result<Self, Error> {
        let authorization = match key {
            Some(key) => Some(authorization(key)?),
            None => None,
        };
        Ok(Self {
            #[cfg(feature = "tls")]
            tls: if is_https(&url) { Some(Tls::new(host(&url))?) } else { None },
            url,
            model,
            authorization,
        })
    }

    /// Posts JSON and returns the response. If the provider takes too long, the body ends with an
    /// error.
    ///
    /// Dropping the body closes the connection, so the provider stops.
    pub async fn post(&self, body: &impl Serialize) -> Result<Response<Chunks>, Error> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.url.path_and_query().map_or("/", |path| path.as_str()))
            .header(HOST, self.url.authority().map_or("", |authority| authority.as_str()))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Body::from(serde_json::to_vec(body)?))?;

        let socket = timeout(CONNECT_TIMEOUT, self.connect()).await??;
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
        // Errors of the connection reach the request as well.
        let connection = AbortOnDropHandle::new(tokio::spawn(connection));
        let response = timeout(READ_TIMEOUT, sender.send_request(request)).await??;
        Ok(response.map(|body| read(body, connection)))
    }

    async fn connect(&self) -> Result<Box<dyn Socket>, Error> {
        let port = self.url.port_u16().unwrap_or(if is_https(&self.url) { 443 } else { 80 });
        let socket = TcpStream::connect((host(&self.url), port)).await?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return Ok(Box::new(tls.connect(socket).await?));
        }
        Ok(Box::new(socket))
    }
}

fn read(body: Incoming, connection: AbortOnDropHandle<hyper::Result<()>>) -> Chunks {
    let chunks = async_stream::try_stream! {
        let _is_open_as_long = connection;
        let mut chunks = pin!(Body::new(body).into_data_stream());
        while let Some(chunk) = timeout(READ_TIMEOUT, chunks.try_next()).await?? {
            yield chunk;
        }
    };
    chunks.boxed()
}

/// Parses the URL of a provider.
pub fn parse_url(text: &str) -> Result<Uri, String> {
    if !["http://", "https://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Err("it must begin with http:// or https://".to_owned());
    }
    let url: Uri = text.parse().map_err(|error| format!("{error}"))?;
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("give the key in UPSTREAM_API_KEY, not in the URL".to_owned());
    }
    if is_https(&url) && cfg!(not(feature = "tls")) {
        return Err("https needs TLS: build with `--features tls`".to_owned());
    }
    Ok(url)
}

fn authorization(key: &str) -> Result<HeaderValue, InvalidKey> {
    let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| InvalidKey)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The error for a key with characters that no header can contain, such as a line break.
#[derive(Debug)]
struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UPSTREAM_API_KEY has characters that a header cannot have")
    }
}

impl error::Error for InvalidKey {}

fn is_https(url: &Uri) -> bool {
    url.scheme() == Some(&Scheme::HTTPS)
}

/// Returns the host name or address, without the brackets of IPv6.
fn host(url: &Uri) -> &str {
    url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}
