"""Runs asyncssh's own SFTP tests against the endpoint instead of against asyncssh's server.

They compare what lies here with what they see there, by relative names; so they run in the site's file area.
Prints a line of JSON for each case: its name, and what failed in it.
"""

import asyncio
import json
import os
import shutil
import sys
import unittest
from pathlib import Path

SOURCES, AREA, PORT, USER, KEY, KNOWN_HOSTS = sys.argv[1:7]
LEFT_OUT = sys.argv[7:]
sys.path.insert(0, SOURCES)

import asyncssh
from asyncssh.misc import async_context_manager
from tests.test_sftp import _TestSFTP


class Endpoint(_TestSFTP):
    """Their tests, with another server."""

    _symlink_supported = True

    @classmethod
    def setUpClass(cls):
        os.chdir(AREA)
        cls.loop = asyncio.new_event_loop()

    @classmethod
    def tearDownClass(cls):
        cls.loop.close()

    def tearDown(self):
        # What a case that failed left behind is not for the next one to stumble over.
        for path in Path(AREA).iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    @async_context_manager
    async def connect(self, **_options):
        return await asyncssh.connect(
            "127.0.0.1", int(PORT), username=USER, client_keys=[KEY], known_hosts=KNOWN_HOSTS,
            config=None, agent_path=None)


class Told(unittest.TestResult):
    """Prints what came of each case."""

    def startTest(self, test):
        super().startTest(test)
        self.failed = []

    def addSkip(self, test, reason):
        self.failed = None

    def addFailure(self, test, error):
        self.failed.append(f"{error[0].__name__}: {error[1]}"[:200])

    addError = addFailure

    def addSubTest(self, test, subtest, error):
        if error:
            self.addFailure(subtest, error)

    def stopTest(self, test):
        if self.failed is not None:
            print(json.dumps({"case": test._testMethodName, "failed": self.failed}), flush=True)


cases = [name for name in unittest.TestLoader().getTestCaseNames(Endpoint)
         if name not in LEFT_OUT and name[-3:] not in ("_v4", "_v5", "_v6")]
unittest.TestSuite(map(Endpoint, cases)).run(Told())
