"""What the scripts beside this file share: one visit to the endpoint, in a process of its own.

Importing a library takes longer than most uploads. So the process that imports it stays, and forks for each
visit; the fork is what a script of that library would be: its folder, its words, its exit code. It listens on
a socket whose path it prints, and ends with its standard input.
"""

import ast
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import traceback


def keywords():
    """`confirm=False` in a scenario's arguments is the keyword argument of that name."""
    pairs = (argument.split("=", 1) for argument in DO.get("arguments", []))
    return {name: ast.literal_eval(value) for name, value in pairs}


def known_name():
    """The endpoint's name among known hosts, which does not tell the usual port."""
    return LOGIN["host"] if LOGIN["port"] == 22 else f"[{LOGIN['host']}]:{LOGIN['port']}"


def known_hosts():
    path = pathlib.Path("known_hosts").resolve()
    path.write_text(f"{known_name()} {LOGIN['host_key']}\n", encoding="utf-8")
    return str(path)


def local_times():
    told = os.stat(DO["local"])
    return int(told.st_atime), int(told.st_mtime)


def serve(perform):
    """Forks for each visit that is asked for. Returns in the fork, once its visit is over."""
    folder = tempfile.mkdtemp(prefix="spatialcloud-python-")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{folder}/socket")
    listener.listen(64)
    print(f"{folder}/socket", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        asker, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            if attend(asker):
                return visit(perform)
            os._exit(0)
        asker.close()
    shutil.rmtree(folder)


def attend(asker):
    """Reads what to do and forks who does it; true in that fork. Ends it when whoever asked has gone."""
    line = asker.makefile("rb").readline()
    reading, writing = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.setsid()
        asker.close()
        os.close(reading)
        prepare(json.loads(line), writing)
        return True
    os.close(writing)
    words = []
    while True:
        ready, _, _ = select.select([reading, asker], [], [])
        if asker in ready:
            os.killpg(worker, signal.SIGKILL)
            return False
        piece = os.read(reading, 65536)
        if not piece:
            break
        words.append(piece)
    _, status = os.waitpid(worker, 0)
    asker.sendall(struct.pack("<i", os.waitstatus_to_exitcode(status)) + b"".join(words))
    return False


def prepare(job, words):
    """A process like one that was just started for this job."""
    global LOGIN, DO
    LOGIN, DO = job["login"], job["do"]
    os.chdir(job["work"])
    os.environ["HOME"] = job["work"]
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (words, 1), (words, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(words)


def visit(perform):
    try:
        perform()
    except Exception as error:  # whatever a script's user would see
        if not str(error):
            traceback.print_exc()
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.stdout.flush()
        os._exit(1)
