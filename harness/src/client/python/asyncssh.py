# One SFTP operation with asyncssh.
import asyncio

import asyncssh


async def session():
    how = {"password": LOGIN["password"], "client_keys": None} if LOGIN["password"] else {
        "client_keys": [LOGIN["private_key"]]
    }
    source = (LOGIN["source_address"], 0) if LOGIN["source_address"] else ()
    async with asyncssh.connect(
        LOGIN["host"], LOGIN["port"], username=LOGIN["user"], known_hosts=known_hosts(), config=None,
        local_addr=source, agent_path=None, **how,
    ) as connection, connection.start_sftp_client() as sftp:
        await act(sftp)


async def act(sftp):
    kind = DO["kind"]
    if kind == "connect":
        print(await sftp.realpath("."))
    elif kind == "upload":
        await sftp.put(DO["local"], DO["remote"], preserve=DO["preserve_times"], **keywords())
    elif kind == "download":
        await sftp.get(DO["remote"], DO["local"])
    elif kind == "list":
        names = [name for name in await sftp.listdir(DO["path"]) if name not in (".", "..")]
        print("\n".join(sorted(names)))
    elif kind == "rename":
        await sftp.rename(DO["from"], DO["to"])
    elif kind == "remove":
        await sftp.remove(DO["path"])
    elif kind == "make-directory":
        await sftp.mkdir(DO["path"])
    elif kind == "remove-directory":
        await sftp.rmdir(DO["path"])
    elif kind == "set-times":
        await sftp.utime(DO["path"], (DO["modified"], DO["modified"]))


serve(lambda: asyncio.run(session()))
