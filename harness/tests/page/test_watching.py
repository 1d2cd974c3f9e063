"""What the page shows of what others do."""

import urllib.request



def test_the_card_says_how_to_connect_and_copies_it(page, stack):
    card = page.shows("#card", "sftp -P")
    for fact in (stack.sftp["host"], str(stack.sftp["port"]), "DEMO", stack.sftp["host_key"]):
        assert fact in card
    page.driver.execute_cdp_cmd("Browser.grantPermissions", {
        "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": stack.url})
    page.click("Copy Command")
    page.shows("#announcement", "Command copied")
    copied = page.driver.execute_async_script(
        "navigator.clipboard.readText().then(arguments[0], (error) => arguments[0](String(error)))")
    assert copied == f"sftp -P {stack.sftp['port']} -i YOUR_KEY DEMO@{stack.sftp['host']}"


def test_sites_show_state_key_and_addresses(page, stack):
    stack.post("sites", {"code": "CITY", "keys": [stack.key()], "addresses": ["203.0.113.0/24"]})
    rows = page.shows("#site-rows", "CITY", "requested", "203.0.113.0/24", "SHA256:")
    # Two days after it was asked for.
    assert "2026-03-04 16:00:00" in rows
    assert "2048 bits" in rows and "provisioned" in rows
    page.choose("#site", "CITY")
    page.shows("#card", "CITY@")
    page.shows("#files-title", "CITY")


def test_transfers_show_who_uploads_how_much(page, stack):
    with stack.client() as client:
        file = client.open("Spatial/imagery.tif", "wb")
        file.write(b"x" * 3 * 1024 * 1024)
        file.flush()
        shown = page.shows("#transfer-rows", "DEMO/Spatial/imagery.tif", "3.0 MiB")
        assert "CouncilUploader_3.1" in shown and "127.0.0.1" in shown
        assert page.one("#transfer-rows progress").accessible_name == "DEMO/Spatial/imagery.tif is being uploaded"
        page.shows("#inbox", "imagery.tif", "being written")
        file.close()
    page.shows("#transfer-rows", "none")
    page.shows("#inbox", "imagery.tif", "moves 2026-03-02 16:05:00 (interval)")


def test_files_say_what_becomes_of_them(page, stack):
    stack.put("Spatial/roads.zip")
    stack.put("Web/map.html.filepart")
    stack.put("Database/IntraMapsSpatialCloud.bak", b"no backup")
    inbox = page.shows("#inbox", "roads.zip", "map.html", "IntraMapsSpatialCloud.bak")
    assert "stays: *.filepart is a temporary name" in inbox
    assert "moves 2026-03-02 22:00:00 (nightly)" in inbox
    stack.post("clock/advance", {"by": "5m"})
    page.shows("#cloud", "Spatial/roads.zip")
    page.lacks("#inbox", "roads.zip")


def test_the_timeline_explains_refusals_and_filters(page, stack):
    with stack.client() as client:
        with client.open("Spatial/roads.zip", "wb") as file:
            file.write(b"x")
        try:
            client.utime("Spatial/roads.zip", (1, 1))
            raise AssertionError("times must not be set")
        except OSError:
            pass
        try:
            client.mkdir("Database/sub")
            raise AssertionError("no folder is made there")
        except OSError:
            pass
    refused = page.shows("#events", "attributes.refused", "mkdir", "connection.closed")
    assert "This client tried to set times of Spatial/roads.zip" in refused
    assert "Preserve timestamp" in refused or "preserve" in refused.lower(), refused
    page.choose('#filters [name="tone"]', "bad")
    page.until(lambda: len(page.all("#events li")) == 2, "refusals alone")
    page.choose('#filters [name="tone"]', "")
    page.choose('#filters [name="kind"]', "upload.finished")
    page.until(lambda: [row.text for row in page.all("#events li")
                        if "Spatial/roads.zip was uploaded" in row.text], "uploads alone")
    assert len(page.all("#events li")) == 1
    page.choose('#filters [name="kind"]', "")
    session = stack.get("events?kind=upload.finished")["events"][0]["session"]
    page.choose('#filters [name="session"]', str(session))
    page.until(lambda: "site.provisioned" not in page.text("#events"), "one session alone")
    page.choose('#filters [name="session"]', "")
    page.one('#filters [name="words"]').send_keys("roads")
    page.until(lambda: page.all("#events li") and all("roads" in row.text for row in page.all("#events li")), "words")


def test_a_night_is_shown_with_tables_snapshots_and_map(page, stack, tmp_path):
    with stack.client() as client:
        client.put(str(stack.backup(tmp_path)), "Database/IntraMapsSpatialCloud.bak", confirm=False)
    page.shows("#inbox", "IntraMapsSpatialCloud.bak")
    page.click("to tonight")
    page.shows("#loads", "loaded", "load 1")
    page.shows("#generation", "Readers see load 1 of 2026-03-02 22:00:00")
    page.shows("#tables", "dbo.parcels", "rows")
    page.shows("#snapshots", "records", "SRID")
    page.shows("#out", ".shp")
    caption = page.shows("#map-caption", "shapes of")
    assert page.one("#map").accessible_name == f"Map: {caption}"
    # Something is drawn: not every dot of the map has the colour of the first.
    drawn = """const map = document.getElementById("map");
        const dots = new Uint32Array(map.getContext("2d").getImageData(0, 0, map.width, map.height).data.buffer);
        return dots.some((dot) => dot !== dots[0]);"""
    page.until(lambda: page.script(drawn), "a drawn map")
    assert len(page.all("#rows tr")) > 0


def test_a_refused_backup_says_why(page, stack):
    stack.put("Database/IntraMapsSpatialCloud.bak", b"not a backup" * 1000)
    stack.post("clock/advance", {"to": "nightly"})
    shown = page.shows("#loads", "refused")
    assert "3242" in shown, shown
    page.shows("#events", "was not loaded; readers see what they saw before", "3242")


def test_a_stack_that_is_gone_is_told(page, stack, tmp_path):
    stack.end()
    page.until(lambda: page.one("#link").get_attribute("data-state") == "waiting", "the line is lost")


def test_the_hand_over_sheet_is_for_each_client(page, stack):
    page.one("#handover summary").click()
    page.shows("#sheet-text", "Host spatialcloud-DEMO", f"Port {stack.sftp['port']}")
    page.choose("#sheet", "winscp")
    page.shows("#sheet-words", "A script for winscp.com")
    shown = page.shows("#sheet-text", f"open sftp://DEMO@127.0.0.1:{stack.sftp['port']}/", "-nopreservetime -nopermissions")
    with urllib.request.urlopen(page.one("#sheet-buttons a").get_attribute("href")) as answer:
        assert answer.read().decode().strip() == shown.strip()
    page.button("Copy the settings for winscp")
