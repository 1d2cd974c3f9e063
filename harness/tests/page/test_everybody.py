"""Who sees the page, and how: without a mouse, without eyes, in the dark, on a small screen, without a network."""

import json

import pytest
from axe_core_python.selenium import Axe
from selenium.webdriver.common.keys import Keys

from conftest import see

HEAVIEST_BYTES = 100_000


def full(stack, folder):
    """Something in every part of the page."""
    with stack.client() as client:
        client.put(str(stack.backup(folder)), "Database/IntraMapsSpatialCloud.bak", confirm=False)
    stack.post("clock/advance", {"to": "nightly"})
    stack.put("Spatial/roads.zip")
    stack.put("Database/IntraMapsSpatialCloud.bak", b"no backup")
    stack.post("clock/advance", {"to": "nightly"})
    stack.put("Web/map.html.filepart")
    stack.post("faults", {"fault": "stale-listing"})
    stack.post("sites", {"code": "CITY", "keys": [stack.key()], "addresses": ["203.0.113.0/24", "2001:db8::/32"]})


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_checker_finds_nothing_serious(page, stack, tmp_path, scheme, width):
    page.driver.set_window_size(width, 900)
    see(page.driver, scheme)
    full(stack, tmp_path)
    with stack.client() as client, client.open("Spatial/imagery.tif", "wb") as file:
        file.write(b"x" * 100_000)
        file.flush()
        page.shows("#transfer-rows", "imagery.tif")
        page.shows("#tables", "dbo.parcels")
        page.shows("#armed", "stale-listing")
        page.shows("#site-rows", "CITY")
        ground = page.script("return getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, ground[4:-1].split(","))) < 200) == (scheme == "dark"), ground
        found = Axe().run(page.driver)
    assert len(found["passes"]) > 20
    serious = [(rule["id"], rule["help"], [node["html"] for node in rule["nodes"]])
               for rule in found["violations"] if rule["impact"] in ("serious", "critical")]
    assert not serious, json.dumps(serious, indent=1)


@pytest.mark.parametrize("width", [1280, 1024, 768, 390])
def test_nothing_but_rows_of_tables_scrolls_sideways(page, stack, tmp_path, width):
    full(stack, tmp_path)
    page.driver.set_window_size(width, 900)
    page.shows("#tables", "dbo.parcels")
    page.shows("#site-rows", "CITY")
    boxes = "html, section, #events" + (", #sites .scroll" if width > 600 else "")
    wide = page.script(f"""return [...document.querySelectorAll("{boxes}")]
        .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.id || box.className || box.tagName)""")
    assert wide == []


def test_the_keyboard_reaches_everything(page, stack, tmp_path):
    full(stack, tmp_path)
    page.shows("#armed", "stale-listing")
    page.shows("#tables", "dbo.parcels")
    page.script("document.activeElement.blur()")
    body = page.one("body")
    body.send_keys(Keys.TAB)
    assert page.focused().text == "Skip to the content"
    page.focused().send_keys(Keys.ENTER)
    assert page.focused().get_attribute("id") == "main"
    reached = set()
    wanted = set(page.script("""return [...document.querySelectorAll("main button, main select, main input, main textarea, main summary, main a[href]")]
        .filter((one) => one.checkVisibility() && one.tabIndex >= 0).map((one) => one.getAttribute("aria-label") || one.name || one.id || one.textContent)"""))
    # Not too many stops either.
    for _ in range(120):
        page.focused().send_keys(Keys.TAB)
        name, shown = page.script("""const one = document.activeElement;
            return [one.getAttribute("aria-label") || one.name || one.id || one.textContent,
                    getComputedStyle(one).outlineStyle !== "none"]""")
        if page.script("return !document.activeElement.closest('main')"):
            break
        assert shown, f"nobody sees that {name} has the focus"
        reached.add(name)
    assert wanted <= reached, wanted - reached


def test_screen_readers_hear_what_happens_from_the_first_moment(page, stack):
    # Nothing of what was there before is told.
    assert page.text("#announcement") == ""
    page.driver.refresh()
    page.until(lambda: page.text("#link") == "live", "the page is live")
    stack.put("Spatial/roads.zip")
    page.until(lambda: "Spatial/roads.zip was uploaded" in page.one("#announcement").get_attribute("textContent"),
               "the upload is announced")
    assert "was provisioned" not in page.one("#announcement").get_attribute("textContent")


def test_the_page_is_light_and_comes_from_the_stack_alone(page, stack):
    loaded = page.script("""return [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .map(({ name, decodedBodySize }) => [name, decodedBodySize])""")
    assert all(name.startswith(f"{stack.url}/") or name.startswith("data:") for name, _ in loaded), loaded
    weight = sum(size for name, size in loaded if "/api/" not in name)
    assert 10_000 < weight < HEAVIEST_BYTES, weight
    assert page.driver.get_log("browser") == []


def test_thousands_of_events_are_read_to_the_end(page, stack):
    with stack.client() as client:
        for number in range(1500):
            client.mkdir(f"Spatial/{number}")
            client.rmdir(f"Spatial/{number}")
    def kept():
        return f"{stack.get('events?limit=0')['last']} kept"
    page.until(lambda: kept() in page.text("#event-count"), "all events")
    rows = len(page.all("#events li"))
    assert rows <= 600, rows
    # Whoever scrolls comes to the very first one, piece by piece.
    # Newest first.
    page.until(lambda: "connection.closed" in page.text("#events li"), "the newest event on top")
    def scrolled():
        page.script("const list = document.getElementById('events'); list.scrollTop = list.scrollHeight")
        return "The stack is up" in page.text("#events li:last-child")
    page.until(scrolled, "the first event")
    # Who reads the old ones keeps their place when something new comes.
    place = "return document.getElementById('events').lastElementChild.getBoundingClientRect().top"
    before = page.script(place)
    stack.put("Spatial/roads.zip")
    page.until(lambda: kept() in page.text("#event-count"), "all events")
    assert abs(page.script(place) - before) < 2
    page.one('#filters [name="words"]').send_keys("Spatial/777")
    page.until(lambda: len(page.all("#events li")) == 2, "two events of one folder")
