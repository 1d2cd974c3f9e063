"""One visit with the FileZilla program, described by a JSON object on standard input.

FileZilla has no commands, so it gets what a person would have left it: settings, a known host key, and
either a site to open at the start or a queue with one file. It runs on a display of its own. Ctrl+P starts
a queue, and the program closes itself when the queue is done; a site that was opened is left once its
folder is shown. Any dialog is a question that nobody is there to answer: it is named and dismissed.
"""

import base64
import ctypes
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from xml.sax.saxutils import escape

# As FileZilla 3.63 makes them; it opens a queue of this shape and refuses none with more columns.
TABLES = """
CREATE TABLE servers (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, host TEXT NOT NULL, port INTEGER,
  user TEXT, password TEXT, account TEXT, keyfile TEXT, protocol INTEGER, type INTEGER, logontype INTEGER,
  timezone_offset INTEGER, transfer_mode TEXT, max_connections INTEGER, encoding TEXT, bypass_proxy INTEGER,
  post_login_commands TEXT, name TEXT, parameters TEXT, site_path TEXT DEFAULT NULL);
CREATE TABLE files (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, server INTEGER NOT NULL, source_file TEXT,
  target_file TEXT, local_path INTEGER, remote_path INTEGER, size INTEGER, error_count INTEGER,
  priority INTEGER, flags INTEGER, default_exists_action INTEGER, extra_flags TEXT);
CREATE TABLE local_paths (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, path TEXT NOT NULL);
CREATE TABLE remote_paths (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, path TEXT NOT NULL);
"""
SFTP, UNIX, NORMAL_LOGIN, KEY_FILE_LOGIN, NORMAL_PRIORITY = 1, 0, 1, 5, 2
OVERWRITE, RESUME, DOWNLOAD = 1, 5, 16
CLOSE_WHEN_DONE = 3
SITE = "stack"

# What ends a visit to a site: its folder is shown, or the program gives up and waits for another try.
SHOWN = "Status: Directory listing of "
REFUSED = (
    "Error: Could not connect to server", "Error: Critical error:", "Error: Failed to retrieve directory listing"
)
SENT = "Status: File transfer successful"


def known_host(host, port, host_key):
    """The line of PuTTY's host key cache for an Ed25519 key: both coordinates of the point."""
    raw = base64.b64decode(host_key.split()[1])[-32:]
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    encoded = int.from_bytes(raw, "little")
    sign, y = encoded >> 255, encoded & ((1 << 255) - 1)
    square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
    x = pow(square, (p + 3) // 8, p)
    if (x * x - square) % p:
        x = x * pow(2, (p - 1) // 4, p) % p
    if x & 1 != sign:
        x = p - x
    return f"ssh-ed25519@{port}:{host} {x:#x},{y:#x}\n"


def write_settings(folder, job, log):
    settings = {
        "Logging file": str(log),
        "Greeting version": "9.99.0",
        "Update Check": "0",
        "Preserve timestamps": str(int(job.get("preserve_times", False))),
        "File exists action upload": str(RESUME if job.get("resume") else OVERWRITE),
        "File exists action download": str(OVERWRITE),
        "Queue completion action": str(CLOSE_WHEN_DONE),
    }
    lines = "".join(f'<Setting name="{name}">{escape(value)}</Setting>' for name, value in settings.items())
    text = f'<?xml version="1.0" encoding="UTF-8"?><FileZilla3><Settings>{lines}</Settings></FileZilla3>'
    (folder / "filezilla").mkdir(parents=True)
    (folder / "filezilla/filezilla.xml").write_text(text, encoding="utf-8")
    if job["host_key"].startswith("ssh-ed25519 "):
        (folder / "putty").mkdir()
        known = known_host(job["host"], job["port"], job["host_key"])
        (folder / "putty/sshhostkeys").write_text(known, encoding="utf-8")


def server_path(path):
    """A folder in FileZilla's own form: type, prefix, then each name with its length before it."""
    return "1 0" + "".join(f" {len(part)} {part}" for part in path.split("/") if part)


def write_site(path, job):
    fields = {
        "Host": job["host"], "Port": job["port"], "Protocol": SFTP, "Type": UNIX, "User": job["user"],
        "EncodingType": "Auto", "BypassProxy": 0, "Name": SITE, "RemoteDir": server_path("/"),
    }
    if job["password"]:
        password = base64.b64encode(job["password"].encode()).decode()
        login = f'<Logontype>{NORMAL_LOGIN}</Logontype><Pass encoding="base64">{password}</Pass>'
    else:
        login = f"<Logontype>{KEY_FILE_LOGIN}</Logontype><Keyfile>{escape(job['ppk'])}</Keyfile>"
    lines = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())
    text = f"<FileZilla3><Servers><Server>{lines}{login}</Server></Servers></FileZilla3>"
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>{text}', encoding="utf-8")


def write_queue(path, job):
    download = job["kind"] == "download"
    local = pathlib.Path(job["local"])
    folder, _, name = ("/" + job["remote"].lstrip("/")).rpartition("/")
    ours, theirs = (name, local.name) if download else (local.name, name)
    size_bytes = None if download else local.stat().st_size
    queue = sqlite3.connect(path)
    queue.executescript(TABLES)
    queue.execute(
        "INSERT INTO servers (host, port, user, password, keyfile, protocol, type, logontype, timezone_offset,"
        " transfer_mode, max_connections, encoding, bypass_proxy)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 'default', 0, 'Auto', 0)",
        (job["host"], job["port"], job["user"], job["password"], None if job["password"] else job["ppk"], SFTP,
         UNIX, NORMAL_LOGIN if job["password"] else KEY_FILE_LOGIN),
    )
    queue.execute("INSERT INTO local_paths (path) VALUES (?)", (f"{local.parent}/",))
    queue.execute("INSERT INTO remote_paths (path) VALUES (?)", (server_path(folder),))
    queue.execute(
        "INSERT INTO files (server, source_file, target_file, local_path, remote_path, size, error_count,"
        " priority, flags, default_exists_action) VALUES (1, ?, ?, 1, 1, ?, 0, ?, ?, -1)",
        (ours, theirs if theirs != ours else None, size_bytes, NORMAL_PRIORITY, DOWNLOAD if download else 0),
    )
    queue.commit()
    queue.close()


def dies_with_parent():
    """Whoever ends this script, by whatever signal, ends the display and the program too."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def xdotool(display, *arguments):
    environment = {**os.environ, "DISPLAY": display}
    asked = subprocess.run(["xdotool", *arguments], env=environment, capture_output=True, text=True, check=False)
    return asked.stdout.split("\n")[:-1]


def windows(display):
    found = xdotool(display, "search", "--onlyvisible", "--name", ".")
    return {window: (xdotool(display, "getwindowname", window) or [""])[0] for window in found}


def start_display():
    reading, writing = os.pipe()
    subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1024x768x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writing], preexec_fn=dies_with_parent,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    if not number:
        sys.exit("Xvfb did not start")
    return f":{number}"


def words_of(log):
    """The message log without date, time, process and connection before each line."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return [line.split(" ", 4)[-1] for line in lines]


def perform(job, home):
    log, folder = home / "log", home / ".config/filezilla"
    write_settings(home / ".config", job, log)
    is_transfer = job["kind"] in ("upload", "download")
    if is_transfer:
        write_queue(folder / "queue.sqlite3", job)
    else:
        sites = folder / "sitemanager.xml"
        if "sites" in job:
            sites.write_text(job["sites"], encoding="utf-8")
        else:
            write_site(sites, job)
    display = start_display()
    environment = {**os.environ, "DISPLAY": display, "HOME": str(home), "NO_AT_BRIDGE": "1"}
    program = subprocess.Popen(
        ["filezilla"] if is_transfer else ["filezilla", "-c", f"0/{job.get('site', SITE)}"],
        env=environment, preexec_fn=dies_with_parent,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    dialogs, pressed = [], 0.0
    while program.poll() is None:
        for window, title in windows(display).items():
            # GTK's own helpers have the program's name in small letters.
            if title in ("filezilla", ""):
                continue
            if not title.endswith("FileZilla"):
                dialogs.append(f"Dialog: {title}")
                xdotool(display, "key", "--window", window, "Escape")
                xdotool(display, "key", "Escape")
            elif is_transfer and not log.exists() and time.monotonic() - pressed > 2:
                # The key would also stop the queue: it is sent again only while nothing has begun.
                pressed = time.monotonic()
                xdotool(display, "key", "ctrl+p")
        if not is_transfer and any(line.startswith((SHOWN, *REFUSED)) for line in words_of(log)):
            program.kill()
        time.sleep(0.2 if log.exists() else 0.05)
    words = words_of(log)
    print("\n".join(words + dialogs) or "FileZilla ended without a word")
    wanted = SENT if is_transfer else SHOWN
    return any(line.startswith(wanted) for line in words)


def main():
    dies_with_parent()
    job = json.load(sys.stdin)
    with tempfile.TemporaryDirectory(prefix="filezilla-", dir=os.getcwd()) as home:
        sys.exit(0 if perform(job, pathlib.Path(home)) else 1)


main()
