//! TLS in front of a stand-in, under a certificate authority of its own: what a handshake costs shows over TLS alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// Where systems keep the authorities that they trust.
const ROOTS: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// A listener that speaks TLS and hands everything on to a plain one. It ends when dropped.
#[derive(Debug)]
pub struct TlsFront {
    url: String,
    authorities: PathBuf,
    listener: JoinHandle<()>,
}

impl TlsFront {
    /// Listens on a free port before `plain`, an address such as `127.0.0.1:8080`. The file of authorities, the
    /// system's own and the new one, is put into `folder`.
    pub async fn start(plain: &str, folder: &Path) -> Self {
        let (authority, server) = certificates();
        let roots = ROOTS
            .iter()
            .find_map(|file| std::fs::read_to_string(file).ok());
        let authorities = folder.join("authorities.pem");
        std::fs::write(&authorities, roots.unwrap_or_default() + &authority)
            .expect("there is room for certificates");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let acceptor = TlsAcceptor::from(Arc::new(server));
        Self {
            url: format!("https://localhost:{port}"),
            authorities,
            listener: tokio::spawn(listen(listener, acceptor, plain.to_owned())),
        }
    }

    /// Where it listens, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The authorities to trust, for `SSL_CERT_FILE`.
    pub fn authorities(&self) -> &Path {
        &self.authorities
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// The authority in PEM, and what a server under it needs.
fn certificates() -> (String, ServerConfig) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("an authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).expect("an authority");
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let names = vec!["localhost".to_owned()];
    let params = CertificateParams::new(names).expect("a certificate");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let chain = vec![CertificateDer::from(certificate)];
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key.into());
    (authority.pem(), config.expect("a certificate with its key"))
}

async fn listen(listener: TcpListener, acceptor: TlsAcceptor, plain: String) {
    // Dropped at the end, and every connection with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, plain) = (acceptor.clone(), plain.clone());
        connections.spawn(async move {
            let _ = stream.set_nodelay(true);
            let mut front = acceptor.accept(stream).await?;
            let mut back = TcpStream::connect(plain).await?;
            let _ = back.set_nodelay(true);
            copy_bidirectional(&mut front, &mut back).await
        });
        while connections.try_join_next().is_some() {}
    }
}
