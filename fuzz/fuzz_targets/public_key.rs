//! Whatever file a site hands over as its key: it is taken, and reads the same again, or refused in words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spatialcloud_simulator::site::key::PublicKey;

fuzz_target!(|data: &[u8]| {
    match PublicKey::parse(data) {
        Ok(key) => {
            let again = PublicKey::parse(key.openssh().as_bytes());
            assert_eq!(again.map(|key| key.fingerprint()).ok(), Some(key.fingerprint()));
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
});
