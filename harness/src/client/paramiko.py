"""One SFTP operation with paramiko, described by a JSON object on standard input."""

import json
import os
import socket
import sys

import paramiko


def connect(login):
    source = (login["source_address"], 0) if login["source_address"] else None
    sock = socket.create_connection((login["host"], login["port"]), 15, source)
    client = paramiko.SSHClient()
    kind, data = login["host_key"].split()[:2]
    key = paramiko.PKey.from_type_string(kind, __import__("base64").b64decode(data))
    client.get_host_keys().add(f"[{login['host']}]:{login['port']}", kind, key)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    how = {"password": login["password"]} if login["password"] else {"key_filename": login["private_key"]}
    client.connect(
        login["host"], login["port"], login["user"], sock=sock,
        allow_agent=False, look_for_keys=False, timeout=15, **how,
    )
    return client


def perform(sftp, do):
    kind = do["kind"]
    if kind == "connect":
        print(sftp.normalize("."))
    elif kind == "upload":
        if do["resume"]:
            done = sftp.stat(do["remote"]).st_size
            with open(do["local"], "rb") as source, sftp.open(do["remote"], "r+") as target:
                source.seek(done)
                target.seek(done)
                target.set_pipelined(True)
                while piece := source.read(32768):
                    target.write(piece)
        else:
            sftp.put(do["local"], do["remote"])
        if do["preserve_times"]:
            told = os.stat(do["local"])
            sftp.utime(do["remote"], (int(told.st_atime), int(told.st_mtime)))
    elif kind == "download":
        sftp.get(do["remote"], do["local"])
    elif kind == "list":
        print("\n".join(sorted(sftp.listdir(do["path"]))))
    elif kind == "rename":
        sftp.rename(do["from"], do["to"])
    elif kind == "remove":
        sftp.remove(do["path"])
    elif kind == "make-directory":
        sftp.mkdir(do["path"])
    elif kind == "remove-directory":
        sftp.rmdir(do["path"])
    elif kind == "set-times":
        sftp.utime(do["path"], (do["modified"], do["modified"]))


def main():
    job = json.load(sys.stdin)
    try:
        client = connect(job["login"])
        perform(client.open_sftp(), job["do"])
        client.close()
    except Exception as error:  # whatever a script's user would see
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)


main()
