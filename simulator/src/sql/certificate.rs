//! The certificate that clients meet, and TLS as SQL Server speaks it.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion};
use spatialcloud_tds::tls::ALPN;

use super::StartError;

/// TLS inside TDS, and TDS inside TLS.
#[derive(Clone)]
pub struct Tls {
    /// For TDS 7.4: TLS 1.2 only, since tickets of TLS 1.3 would come when its packets have ended.
    pub inside: Arc<ServerConfig>,
    /// For TDS 8.0.
    pub strict: Arc<ServerConfig>,
}

impl Tls {
    /// With a certificate that nobody has signed, made anew each time, as SQL Server does where none is installed:
    /// clients connect with "trust server certificate".
    pub fn self_signed() -> Result<Tls, StartError> {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names);
        let made = made.map_err(|error| StartError::Certificate(error.to_string()))?;
        let chain = vec![made.cert.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = |versions: &[&'static SupportedProtocolVersion]| {
            ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_protocol_versions(versions)
                .map(rustls::ConfigBuilder::<ServerConfig, _>::with_no_client_auth)
                .and_then(|builder| builder.with_single_cert(chain.clone(), key.clone_key()))
                .map_err(|error| StartError::Certificate(error.to_string()))
        };
        let mut strict = config(rustls::ALL_VERSIONS)?;
        strict.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Tls { inside: Arc::new(config(&[&rustls::version::TLS12])?), strict: Arc::new(strict) })
    }
}
