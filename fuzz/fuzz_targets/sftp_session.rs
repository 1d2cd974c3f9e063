//! Whatever a client asks of a whole session: it ends, and nothing outside the site's folder is touched.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use spatialcloud_simulator::endpoint::bare;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Lies beside the site's folder, where no request may reach.
const NEIGHBOUR: &str = "neighbour";

fuzz_target!(|data: &[u8]| {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("site");
    std::fs::create_dir(&site).expect("a folder");
    std::fs::write(folder.path().join(NEIGHBOUR), NEIGHBOUR).expect("a file");
    RUNTIME.with(|runtime| runtime.block_on(converse(&site.join("inbox"), data)));
    let names = std::fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(names, 2, "something lies beside the site's folder");
    let neighbour = std::fs::read_to_string(folder.path().join(NEIGHBOUR)).expect("the neighbour");
    assert_eq!(neighbour, NEIGHBOUR);
});

async fn converse(inbox: &Path, data: &[u8]) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (mut replies, mut requests) = tokio::io::split(ours);
    let send = async {
        // The server hangs up where packets cannot be told apart any more.
        let _ = requests.write_all(data).await;
        let _ = requests.shutdown().await;
    };
    let hear = async {
        let mut heard = Vec::new();
        let _ = replies.read_to_end(&mut heard).await;
    };
    let (served, (), ()) = tokio::join!(bare::serve(inbox, theirs, true), send, hear);
    served.expect("the disk works");
}
