# One SFTP operation with paramiko.
import base64
import socket

import paramiko


def perform():
    source = (LOGIN["source_address"], 0) if LOGIN["source_address"] else None
    sock = socket.create_connection((LOGIN["host"], LOGIN["port"]), 15, source)
    client = paramiko.SSHClient()
    kind, data = LOGIN["host_key"].split()[:2]
    key = paramiko.PKey.from_type_string(kind, base64.b64decode(data))
    client.get_host_keys().add(known_name(), kind, key)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    how = {"password": LOGIN["password"]} if LOGIN["password"] else {"key_filename": LOGIN["private_key"]}
    client.connect(
        LOGIN["host"], LOGIN["port"], LOGIN["user"], sock=sock,
        allow_agent=False, look_for_keys=False, timeout=15, **how,
    )
    act(client.open_sftp())
    client.close()


def act(sftp):
    kind = DO["kind"]
    if kind == "connect":
        print(sftp.normalize("."))
    elif kind == "upload":
        if DO["resume"]:
            resume(sftp)
        else:
            sftp.put(DO["local"], DO["remote"], **keywords())
        if DO["preserve_times"]:
            sftp.utime(DO["remote"], local_times())
    elif kind == "download":
        sftp.get(DO["remote"], DO["local"])
    elif kind == "list":
        print("\n".join(sorted(sftp.listdir(DO["path"]))))
    elif kind == "rename":
        sftp.rename(DO["from"], DO["to"])
    elif kind == "remove":
        sftp.remove(DO["path"])
    elif kind == "make-directory":
        sftp.mkdir(DO["path"])
    elif kind == "remove-directory":
        sftp.rmdir(DO["path"])
    elif kind == "set-times":
        sftp.utime(DO["path"], (DO["modified"], DO["modified"]))


def resume(sftp):
    done = sftp.stat(DO["remote"]).st_size
    with open(DO["local"], "rb") as source, sftp.open(DO["remote"], "r+") as target:
        source.seek(done)
        target.seek(done)
        target.set_pipelined(True)
        while piece := source.read(32768):
            target.write(piece)


serve(perform)
