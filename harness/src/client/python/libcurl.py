# One SFTP operation with a current libcurl, through pycurl.
import io
from email.utils import formatdate
from urllib.parse import quote

import pycurl


def url(path):
    return f"sftp://{LOGIN['host']}:{LOGIN['port']}/{quote(path.lstrip('/'))}"


def handle(path):
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url(path))
    curl.setopt(pycurl.USERNAME, LOGIN["user"])
    curl.setopt(pycurl.CONNECTTIMEOUT, 15)
    curl.setopt(pycurl.SSH_KNOWNHOSTS, known_hosts())
    if LOGIN["source_address"]:
        curl.setopt(pycurl.INTERFACE, LOGIN["source_address"])
    if LOGIN["password"]:
        curl.setopt(pycurl.PASSWORD, LOGIN["password"])
        curl.setopt(pycurl.SSH_AUTH_TYPES, pycurl.SSH_AUTH_PASSWORD)
    else:
        curl.setopt(pycurl.SSH_PRIVATE_KEYFILE, LOGIN["private_key"])
        curl.setopt(pycurl.SSH_PUBLIC_KEYFILE, LOGIN["private_key"] + ".pub")
        curl.setopt(pycurl.SSH_AUTH_TYPES, pycurl.SSH_AUTH_PUBLICKEY)
    return curl


def upload():
    curl = handle(DO["remote"])
    with open(DO["local"], "rb") as source:
        curl.setopt(pycurl.UPLOAD, 1)
        curl.setopt(pycurl.READDATA, source)
        curl.setopt(pycurl.INFILESIZE_LARGE, os.path.getsize(DO["local"]))
        if DO["resume"]:
            curl.setopt(pycurl.RESUME_FROM_LARGE, -1)
            curl.setopt(pycurl.SEEKFUNCTION, lambda offset, origin: (source.seek(offset, origin), 0)[1])
        if DO["preserve_times"]:
            _, modified = local_times()
            curl.setopt(pycurl.POSTQUOTE, [f'mtime "{formatdate(modified, usegmt=True)}" "/{DO["remote"].lstrip("/")}"'])
        curl.perform()


def listing(path):
    curl, found = handle(path.strip("./") + "/" if path.strip("./") else ""), io.BytesIO()
    curl.setopt(pycurl.DIRLISTONLY, 1)
    curl.setopt(pycurl.WRITEDATA, found)
    curl.perform()
    names = found.getvalue().decode().splitlines()
    print("\n".join(sorted(name for name in names if name not in (".", ".."))))


def quoted(*commands):
    curl, ignored = handle(""), io.BytesIO()
    curl.setopt(pycurl.DIRLISTONLY, 1)
    curl.setopt(pycurl.WRITEDATA, ignored)
    curl.setopt(pycurl.QUOTE, list(commands))
    curl.perform()


def perform():
    kind = DO["kind"]
    at = lambda name: '"/' + DO[name].lstrip("/").replace("\\", "\\\\").replace('"', '\\"') + '"'
    if kind in ("connect", "list"):
        listing(DO.get("path", ""))
    elif kind == "upload":
        upload()
    elif kind == "download":
        with open(DO["local"], "wb") as target:
            curl = handle(DO["remote"])
            curl.setopt(pycurl.WRITEDATA, target)
            curl.perform()
    elif kind == "rename":
        quoted(f"rename {at('from')} {at('to')}")
    elif kind == "remove":
        quoted(f"rm {at('path')}")
    elif kind == "make-directory":
        quoted(f"mkdir {at('path')}")
    elif kind == "remove-directory":
        quoted(f"rmdir {at('path')}")
    elif kind == "set-times":
        quoted(f'mtime "{formatdate(DO["modified"], usegmt=True)}" {at("path")}')


serve(perform)
