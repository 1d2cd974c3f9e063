"""The pictures of the README: `ci/pictures` runs it with the folder they go into."""

import base64
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from html import escape

from conftest import Page, Stack, browser, see

WIDTH, HEIGHT = 1280, 1500
LINE_HEIGHT, LETTER_WIDTH = 18, 8.1
COLOURS = {"1": "font-weight:600", "2": "fill:#8b949e", "31": "fill:#ff7b72", "32": "fill:#7ee787", "33": "fill:#e3b341"}


def of_the_page(folder, work):
    stack = Stack(work)
    driver = browser(work / "browser")
    try:
        with stack.client() as client:
            client.put(str(stack.backup(work)), "Database/IntraMapsSpatialCloud.bak", confirm=False)
        stack.post("clock/advance", {"to": "nightly"})
        with stack.client() as client, client.open("Spatial/roads.zip", "wb") as file:
            file.write(b"x" * 300_000)
            file.close()
            try:
                client.utime("Spatial/roads.zip", (1, 1))
            except OSError:
                pass
            with client.open("Spatial/imagery-2026.tif", "wb") as held:
                held.write(b"x" * 5_000_000)
                held.flush()
                see(driver, "light")
                driver.set_window_size(WIDTH, HEIGHT)
                page = Page(driver, stack)
                page.shows("#transfer-rows", "imagery-2026.tif")
                # The rate that is shown is that of the last second.
                for _ in range(12):
                    held.write(b"x" * 900_000)
                    held.flush()
                    time.sleep(0.2)
                page.shows("#tables", "dbo.parcels")
                page.shows("#events", "attributes.refused")
                taken = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": 82})
        (folder / "page.webp").write_bytes(base64.b64decode(taken["data"]))
    finally:
        driver.quit()
        stack.end()


def wrapped(line):
    """A long line as it is shown in a window of some hundred letters."""
    first, *rest = line.split(" · ")
    shown = [first]
    for part in rest:
        if len(shown[-1]) + len(part) > 116:
            shown[-1] += " ·"
            shown.append(" " * 24 + part)
        else:
            shown[-1] += f" · {part}"
    return shown


def of_the_report(folder):
    command = ["run", "scenarios/nightly/tables-are-replaced.yaml", "scenarios/upload/refused-times.yaml", "--client", "openssh,putty,rclone,built-in"]
    program = f"{os.environ['SPATIALCLOUD']} {' '.join(command)}"
    # `script` has a terminal for it, so that it shows colours.
    told = subprocess.run(["script", "-qec", program, "/dev/null"], capture_output=True, text=True, check=False,
                          env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "110"}).stdout
    lines = [line.rsplit("\r", 1)[-1] for line in told.replace("\r\n", "\n").split("\n")]
    # The bar is drawn over itself in a terminal.
    lines = [line for line in lines if "░" not in line and not re.search("█+ ", line)]
    lines = [f"$ spatialcloud {' '.join(command)}", *[line for line in lines if line.strip()]]
    lines = [re.sub(r"\x1b\[[0-9;]*[A-HJ-Zac-ln-z]|\x1b\[\?\d+[hl]", "", line) for line in lines]
    lines = [shorter for line in lines for shorter in wrapped(line)]
    width = int(max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines) * LETTER_WIDTH) + 32
    height = LINE_HEIGHT * len(lines) + 28
    rows = []
    for number, line in enumerate(lines):
        parts, style = [], ""
        for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
            if piece.startswith("\x1b["):
                codes = [code for code in piece[2:-1].split(";") if code in COLOURS]
                style = ";".join(COLOURS[code] for code in codes)
            elif piece:
                parts.append(f'<tspan style="{style}">{escape(piece)}</tspan>' if style else escape(piece))
        rows.append(f'<text x="16" y="{24 + number * LINE_HEIGHT}" xml:space="preserve">{"".join(parts)}</text>')
    (folder / "report.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        '<rect width="100%" height="100%" rx="6" fill="#0d1117"/>\n'
        '<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13.5" fill="#e6edf3">\n'
        + "\n".join(rows) + "\n</g>\n</svg>\n", encoding="utf-8")


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="spatialcloud-pictures-") as name:
        of_the_page(target, pathlib.Path(name))
    of_the_report(target)
