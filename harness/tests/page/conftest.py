"""A stack, a browser that shows its page, and a client that uploads to it; each test has its own."""

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import paramiko
import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

# Longer than anything takes, so that a slow machine does not fail: nothing here waits for a span to pass.
PATIENCE_SECONDS = 60
SETTINGS = {
    "clock": {"start": "2026-03-02T16:00[Australia/Sydney]", "pace": "manual"},
    "provisioning": {"delay-hours": 48},
}


class Stack:
    """`spatialcloud up` in a folder of its own."""

    def __init__(self, folder):
        settings = folder / "settings.yaml"
        settings.write_text(json.dumps(SETTINGS))
        free = "127.0.0.1:0"
        self.process = subprocess.Popen(
            [os.environ["SPATIALCLOUD"], "up", "--json", "--until-eof", "--config", settings, "--data", folder / "data",
             "--listen", free, "--http", free],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        card = json.loads(self.process.stdout.readline())
        self.sftp, self.page, self.url = card["sftp"], card["page"], card["http"]

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", method=method)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.status} {error.read().decode()}") from None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None):
        return self.call("POST", path, body or {})

    def key(self):
        """The public key of the demonstration site; whoever holds it may log in as another site too."""
        with open(f"{self.sftp['key']}.pub") as file:
            return file.read()

    @contextlib.contextmanager
    def client(self, user="DEMO"):
        """A logged-in SFTP session that keeps no times."""
        transport = paramiko.Transport((self.sftp["host"], self.sftp["port"]))
        transport.local_version = "SSH-2.0-CouncilUploader_3.1"
        transport.connect(username=user, pkey=paramiko.RSAKey.from_private_key_file(self.sftp["key"]))
        try:
            yield paramiko.SFTPClient.from_transport(transport)
        finally:
            transport.close()

    def put(self, path, content=b"x"):
        with self.client() as client, client.open(path, "wb") as file:
            file.write(content)

    def backup(self, folder):
        file = folder / "tonight.bak"
        subprocess.run([os.environ["SPATIALCLOUD"], "generate", file, "--size", "2MiB", "--seed", "7"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return file

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE_SECONDS)


class Page:
    """The page as a person has it: by what stands on it."""

    def __init__(self, driver, stack):
        self.driver = driver
        driver.get(stack.page)
        self.until(lambda: self.text("#link") == "live" and self.text("#site"), "the page is live")

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.one(selector).text

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def until(self, holds, what):
        """Waits for something that happens by itself; what it answers first that is true."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if found := holds():
                    return found
            except StaleElementReferenceException:
                pass
            assert time.monotonic() < end, f"it did not come: {what}\n{self.seen()}"
            time.sleep(0.02)

    def seen(self):
        """What helps to find out why something did not come."""
        shown = [f"{selector}: {self.text(selector)[:1500]}" for selector in ("#link", "#problem", "#site", "#events")]
        told = [entry["message"] for entry in self.driver.get_log("browser")]
        return "\n".join([self.driver.current_url, *shown, *told])

    def shows(self, selector, *words):
        """Waits until words stand there; answers all that stands there then."""
        def holds():
            text = self.text(selector)
            return text if all(word in text for word in words) else None
        return self.until(holds, f"{words} in {selector}")

    def lacks(self, selector, words):
        self.until(lambda: words not in self.text(selector), f"no {words} in {selector}")

    def button(self, name, within="main"):
        """The button of this name, as a screen reader would say it."""
        def found():
            named = [button for button in self.all(f"{within} button") if button.accessible_name == name]
            return named[0] if named else None
        return self.until(found, f"button {name}")

    def click(self, name, within="main"):
        button = self.button(name, within)
        # Not below the header, which stays while the page is scrolled.
        self.script("arguments[0].scrollIntoView({ block: 'center' })", button)
        button.click()

    def choose(self, selector, value):
        self.until(lambda: self.all(f'{selector} option[value="{value}"]'), f"{value} in {selector}")
        self.one(f'{selector} option[value="{value}"]').click()

    def focused(self):
        return self.driver.switch_to.active_element


@pytest.fixture
def stack(tmp_path):
    stack = Stack(tmp_path)
    yield stack
    stack.end()


def browser(folder):
    """Chromium without a window; what it keeps goes into the folder."""
    options = webdriver.ChromeOptions()
    # Root may not have a sandbox; GPU and shared memory are not to be had in containers.
    arguments = ["--headless=new", "--hide-scrollbars", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900",
                 f"--user-data-dir={folder}"]
    for argument in arguments + (["--no-sandbox"] if os.geteuid() == 0 else []):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium")
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    driver = browser(tmp_path_factory.mktemp("browser"))
    yield driver
    driver.quit()


def see(driver, scheme):
    """Shows pages in light or dark. Nothing moves smoothly: a click would land where the button has been."""
    features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "features": [{"name": name, "value": value} for name, value in features.items()]})


@pytest.fixture
def page(driver, stack):
    driver.set_window_size(1280, 900)
    see(driver, "light")
    page = Page(driver, stack)
    yield page
    # The next test's stack is another one: nothing may follow this one's end.
    driver.get("about:blank")
