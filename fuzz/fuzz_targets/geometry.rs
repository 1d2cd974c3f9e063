//! A spatial value of arbitrary bytes: what reads can be written, reads the same again, and can be drawn.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spatialcloud_backup::geometry::linear::linearise;
use spatialcloud_backup::geometry::{SpatialType, decode, encode};

fuzz_target!(|bytes: &[u8]| {
    for spatial_type in [SpatialType::Geometry, SpatialType::Geography] {
        if let Ok(Some(geometry)) = decode(bytes, spatial_type) {
            let stored = encode(&geometry, spatial_type).expect("what was read can be written");
            assert_eq!(decode(&stored, spatial_type), Ok(Some(geometry.clone())));
            let _ = (geometry.to_wkt(), geometry.to_wkb(), linearise(&geometry.shape, 0.001));
        }
    }
});
