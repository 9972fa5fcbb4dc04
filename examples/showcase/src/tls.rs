//! Connects to the provider over TLS, with rustls and *ring*.

use std::{env, path::Path, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::provider::Error;

/// The variable that names a PEM file of certificates to trust in addition to Mozilla's.
const EXTRA_ROOTS: &str = "SSL_CERT_FILE";

/// The TLS settings for one host.
pub struct Tls {
    connector: TlsConnector,
    host: ServerName<'static>,
}

impl Tls {
    pub fn new(host: &str) -> Result<Self, Error> {
        let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        if let Some(path) = env::var_os(EXTRA_ROOTS) {
            add(&mut roots, Path::new(&path)).map_err(|error| {
                format!("{EXTRA_ROOTS}, {}: {error}", Path::new(&path).display())
            })?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            host: ServerName::try_from(host.to_owned())?,
        })
    }

    pub async fn connect(&self, socket: TcpStream) -> Result<TlsStream<TcpStream>, Error> {
        Ok(self.connector.connect(self.host.clone(), socket).await?)
    }
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), Error> {
    for certificate in CertificateDer::pem_file_iter(path)? {
        roots.add(certificate?)?;
    }
    Ok(())
}
