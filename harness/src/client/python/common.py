"""Reads the job that stands as JSON on standard input, and ends with what a script's user would see."""

import ast
import json
import os
import pathlib
import sys
import traceback

JOB = json.load(sys.stdin)
LOGIN, DO = JOB["login"], JOB["do"]


def keywords():
    """`confirm=False` in a scenario's arguments is the keyword argument of that name."""
    pairs = (argument.split("=", 1) for argument in DO.get("arguments", []))
    return {name: ast.literal_eval(value) for name, value in pairs}


def known_hosts():
    path = pathlib.Path("known_hosts").resolve()
    path.write_text(f"[{LOGIN['host']}]:{LOGIN['port']} {LOGIN['host_key']}\n", encoding="utf-8")
    return str(path)


def local_times():
    told = os.stat(DO["local"])
    return int(told.st_atime), int(told.st_mtime)


def run(perform):
    try:
        perform()
    except Exception as error:  # whatever a script's user would see
        if not str(error):
            traceback.print_exc()
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.stdout.flush()
        os._exit(1)
