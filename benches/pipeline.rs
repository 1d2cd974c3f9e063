//! A fixed upload through the endpoint's SFTP pipeline, in one thread: what `ci/instructions` counts.

use std::process::ExitCode;

use spatialcloud_simulator::endpoint::bare;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};

/// Data of one WRITE: what OpenSSH's `sftp` sends.
const WRITE_BYTES: usize = 32 * 1024;
/// What lies between client and server at most.
const BETWEEN_BYTES: usize = 256 * 1024;

fn main() -> ExitCode {
    let Some(size_mib) = std::env::args().nth(1).and_then(|size| size.parse::<usize>().ok()) else {
        eprintln!("usage: spatialcloud-pipeline MIB");
        return ExitCode::FAILURE;
    };
    match upload(size_mib * (1 << 20) / WRITE_BYTES) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Uploads that many WRITEs and compares what was stored.
fn upload(writes: usize) -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let inbox = folder.path().join("inbox");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ours, theirs) = tokio::io::duplex(BETWEEN_BYTES);
    let (served, sent) =
        runtime.block_on(async { tokio::join!(bare::serve(&inbox, theirs, false), send(ours, writes)) });
    sent?;
    if let Some(fault) = served? {
        return Err(std::io::Error::other(fault));
    }
    let stored = std::fs::read(inbox.join("Database/warehouse.bak"))?;
    // Piece by piece: byte by byte, the comparison would be most of what is counted.
    let mut pieces = stored.chunks(WRITE_BYTES).enumerate();
    if stored.len() != writes * WRITE_BYTES || !pieces.all(|(number, found)| found == piece(number)) {
        return Err(std::io::Error::other("what was stored differs from what was sent"));
    }
    Ok(())
}

fn piece(number: usize) -> Vec<u8> {
    vec![number as u8; WRITE_BYTES]
}

async fn send(stream: DuplexStream, writes: usize) -> std::io::Result<()> {
    let (mut replies, mut requests) = tokio::io::split(stream);
    // INIT version 3; OPEN for writing, created and cut to nothing, without attributes.
    request(&mut requests, &[&[1], &3_u32.to_be_bytes()]).await?;
    reply(&mut replies, 2).await?;
    let name = b"Database/warehouse.bak";
    let flags = 0x1a_u32.to_be_bytes();
    request(&mut requests, &[&[3, 0, 0, 0, 1], &length(name), name, &flags, &[0; 4]]).await?;
    let handle = reply(&mut replies, 102).await?.split_off(8);
    let write = async {
        for number in 0..writes {
            let offset = (number * WRITE_BYTES) as u64;
            let data = piece(number);
            let head =
                [&[6, 0, 0, 0, 2][..], &length(&handle), &handle, &offset.to_be_bytes(), &length(&data)];
            request(&mut requests, &[&head.concat(), &data]).await?;
        }
        request(&mut requests, &[&[4, 0, 0, 0, 3], &length(&handle), &handle]).await?;
        Ok::<(), std::io::Error>(())
    };
    let acknowledged = async {
        for _ in 0..=writes {
            let status = reply(&mut replies, 101).await?;
            if status.get(4..8) != Some(&[0; 4]) {
                return Err(std::io::Error::other("a request was refused"));
            }
        }
        Ok(())
    };
    let (written, acknowledged) = tokio::join!(write, acknowledged);
    written.and(acknowledged)?;
    requests.shutdown().await
}

fn length(field: &[u8]) -> [u8; 4] {
    (field.len() as u32).to_be_bytes()
}

async fn request(requests: &mut (impl AsyncWrite + Unpin), parts: &[&[u8]]) -> std::io::Result<()> {
    let total: usize = parts.iter().map(|part| part.len()).sum();
    requests.write_all(&(total as u32).to_be_bytes()).await?;
    for part in parts {
        requests.write_all(part).await?;
    }
    Ok(())
}

/// The next reply after its type, which has to be `kind`.
async fn reply(replies: &mut (impl AsyncRead + Unpin), kind: u8) -> std::io::Result<Vec<u8>> {
    let size = replies.read_u32().await? as usize;
    let mut reply = vec![0; size.min(BETWEEN_BYTES)];
    replies.read_exact(&mut reply).await?;
    if reply.first() != Some(&kind) {
        return Err(std::io::Error::other(format!(
            "expected a reply of type {kind}, found {:?}",
            reply.first()
        )));
    }
    Ok(reply.split_off(1))
}
