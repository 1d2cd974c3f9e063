"""Puts the endpoint in the place of the server that paramiko's own tests start.

Writes a line of JSON for each case: its name, and what failed in it.
"""

import json
import os
import shutil
from collections import defaultdict

import paramiko
import pytest

AREA, PORT, USER, KEY, VERDICTS = (
    os.environ["ENDPOINT_" + name] for name in ("AREA", "PORT", "USER", "KEY", "VERDICTS"))
FOLDER = "folder"


@pytest.fixture(scope="session")
def transport():
    transport = paramiko.Transport(("127.0.0.1", int(PORT)))
    transport.connect(username=USER, pkey=paramiko.RSAKey.from_private_key_file(KEY))
    yield transport
    transport.close()


@pytest.fixture
def sftp(transport):
    # What a case that failed left behind is not for the next one to stumble over.
    shutil.rmtree(os.path.join(AREA, FOLDER), ignore_errors=True)
    client = paramiko.SFTP.from_transport(transport)
    client.FOLDER = FOLDER
    client.mkdir(FOLDER)
    yield client
    client.close()


failed = defaultdict(list)
skipped = set()


def pytest_runtest_logreport(report):
    case = report.nodeid.rsplit("::", 1)[-1]
    if report.failed:
        failed[case].append(str(report.longrepr).strip()[-200:])
    if report.skipped:
        skipped.add(case)
    if report.when == "teardown" and case not in skipped:
        with open(VERDICTS, "a") as verdicts:
            print(json.dumps({"case": case, "failed": failed[case]}), file=verdicts)
