//! The TLS settings of every client of ours. Reading the machine's certificate authorities is the dearest part of a
//! start, so that it is done once for all of them.

use std::sync::{Arc, LazyLock};

use reqwest::ClientBuilder;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls_platform_verifier::BuilderVerifierExt;

static SETTINGS: LazyLock<Option<ClientConfig>> = LazyLock::new(|| settings().ok());

/// Gives a client the settings that all share; where they cannot be made, `reqwest` meets the same and tells it.
pub(crate) fn with_shared_settings(builder: ClientBuilder) -> ClientBuilder {
    match &*SETTINGS {
        Some(settings) => builder.tls_backend_preconfigured(settings.clone()),
        None => builder,
    }
}

fn settings() -> Result<ClientConfig, rustls::Error> {
    let settings = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?;
    let mut settings = settings.with_no_client_auth();
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(settings)
}
