"""What can be done on the page."""

import json
import os
import subprocess
import urllib.request

from selenium.webdriver.common.keys import Keys


def test_time_is_moved_on_and_counted_down(page, stack):
    movers = page.shows("#movers", "interval", "nightly")
    assert "2026-03-02 16:05:00 5 min 0 s" in movers and "2026-03-02 22:00:00 6 h 0 min" in movers
    stack.put("Spatial/roads.zip")
    page.click("5 minutes")
    page.shows("#runs", "1 run: 1 moved, 0 failed", "interval at 2026-03-02 16:05:00: 1 moved")
    page.shows("#now", "2026-03-02 16:05:00")
    page.click("to the next interval run")
    page.shows("#movers", "2026-03-02 16:15:00 5 min 0 s")
    page.shows("#now", "2026-03-02 16:10:00")


def test_a_long_night_is_told_briefly(page, stack):
    # One that every run leaves, and one that is moved.
    stack.put("Web/map.html.filepart")
    stack.put("Spatial/roads.zip")
    page.click("to tonight")
    page.shows("#now", "2026-03-02 22:00:00")
    told = page.shows("#runs", "73 runs: 1 moved, 0 failed")
    assert len(told) < 200, told


def test_time_that_is_moved_elsewhere_is_shown(page, stack):
    stack.post("clock/advance", {"to": "2026-03-05T12:00[Australia/Sydney]"})
    page.shows("#now", "2026-03-05 12:00:00")
    page.shows("#movers", "2026-03-05 12:05:00", "2026-03-05 22:00:00")


def test_a_site_is_suspended_and_let_in_again_by_keyboard(page, stack):
    page.button("Suspend DEMO").send_keys(Keys.ENTER)
    page.shows("#site-rows", "suspended")
    # The button has become another one, and still has the focus.
    page.until(lambda: page.focused().accessible_name == "Resume DEMO", "the focus stays")
    assert stack.get("sites/DEMO")["state"] == "suspended"
    page.focused().send_keys(Keys.SPACE)
    page.until(lambda: page.focused().accessible_name == "Suspend DEMO", "the focus stays")
    page.until(lambda: stack.get("sites/DEMO")["state"] != "suspended", "the site is let in")


def test_a_requested_site_is_provisioned(page, stack):
    stack.post("sites", {"code": "CITY", "keys": [stack.key()], "addresses": ["127.0.0.1"]})
    page.click("Provision CITY")
    page.until(lambda: stack.get("sites/CITY")["state"] == "provisioned", "the site is provisioned")
    page.until(lambda: page.focused().accessible_name == "Suspend CITY", "the focus stays")


def test_faults_are_armed_strike_and_are_disarmed(page, stack):
    page.shows("#armed", "no fault is armed")
    page.choose('#arm [name="kind"]', "status")
    page.shows("#fault-words", "A request is answered with that status")
    page.one("#spec").clear()
    page.one("#spec").send_keys(json.dumps({"fault": "status", "at": "mkdir", "status": 4, "times": 1}))
    page.click("Arm")
    page.shows("#armed", "status", "at mkdir", "struck 0 times")
    with stack.client() as client:
        try:
            client.mkdir("Spatial/2026")
            raise AssertionError("the fault did not strike")
        except OSError:
            pass
    page.shows("#armed", "struck 1 times")
    page.click("Disarm status, number 1")
    page.shows("#armed", "no fault is armed")
    page.shows("#events", "Fault status was armed", "Fault status struck at mkdir", "Fault status was disarmed")


def test_faults_that_are_armed_elsewhere_are_shown(page, stack):
    page.shows("#armed", "no fault is armed")
    stack.post("faults", {"fault": "stale-listing"})
    stack.post("faults", {"fault": "slow-link", "delay-ms": 50})
    page.shows("#armed", "stale-listing", "slow-link", "delay-ms 50")
    page.click("Disarm all")
    page.shows("#armed", "no fault is armed")
    assert stack.get("faults")["faults"] == []


def test_a_mistake_is_told_and_forgotten(page):
    page.one("#spec").clear()
    page.one("#spec").send_keys('{"fault": "earthquake"}')
    page.click("Arm")
    page.shows("#problem", '"earthquake" is not known: expected one of refuse-login')
    assert page.one("#problem").aria_role == "alert"
    page.click("5 minutes")
    page.until(lambda: not page.one("#problem").is_displayed(), "the mistake is forgotten")


def test_what_happened_becomes_a_scenario_that_passes(page, stack, tmp_path):
    stack.put("Web/before.html")
    first = stack.get("events?limit=0")["last"] + 1
    stack.put("Spatial/roads.zip", b"x" * 3000)
    page.click("5 minutes")
    page.shows("#cloud", "Spatial/roads.zip")
    page.click(f"Select event {first}")
    assert page.one('#selection [name="from"]').get_attribute("value") == str(first)
    page.click(f"Select event {stack.get('events?limit=0')['last']}")
    page.click("Show the scenario")
    shown = page.shows("#scenario", "cloud: DEMO/Spatial/roads.zip, same-as: roads.zip")
    assert "to: Spatial/roads.zip" in shown
    with urllib.request.urlopen(page.one("#download").get_attribute("href")) as answer:
        text = answer.read().decode()
    assert text.strip() == shown.strip()
    file = tmp_path / "session.yaml"
    file.write_text(text)
    ran = subprocess.run([os.environ["SPATIALCLOUD"], "run", file], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_nothing_to_tell_is_told(page, stack):
    page.one("#retell summary").click()
    page.click("Show the scenario")
    page.shows("#problem", "nothing that a scenario could do has happened there")
