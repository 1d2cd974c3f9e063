"""An SFTP server on asyncssh: port, host key, authorized keys, folder."""
import asyncio
import sys

import asyncssh

port, host_key, keys, folder = sys.argv[1:]


async def main():
    await asyncssh.listen(
        "127.0.0.1", int(port), server_host_keys=[host_key], authorized_client_keys=keys,
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=folder),
    )
    await asyncio.Event().wait()


asyncio.run(main())
