"""Recordings in the dashboard: they begin and end there, are saved in every form, and come back in."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from longwire.recording.reader import read_recording
from tests.e2e.browser import Browser
from tests.e2e.conftest import Upstream
from tests.e2e.dashboard import forget_the_ended, look_at, open_dashboard
from tests.e2e.test_popup import start

FORMS = ("recording", "har", "json", "sse", "curl", "text")


@pytest.fixture
def dashboard(browser: Browser, page: Page) -> Page:
    """Nothing of another file's is in it."""
    forget_the_ended(browser)
    return open_dashboard(browser)


def saved(dashboard: Page, form: str, folder: Path) -> Path:
    """What the first recording is in a form."""
    row = dashboard.locator("#recording-list li").first
    row.get_by_role("combobox").select_option(form)
    with dashboard.expect_download() as download:
        row.get_by_role("button", name="Save").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_stream_is_recorded_from_its_view_saved_in_every_form_and_comes_back(
    page: Page, upstream: Upstream, dashboard: Page, tmp_path: Path
) -> None:
    start(page, upstream, "kept")
    channel = upstream.app.streams.channel("kept")
    channel.event('{"type": "text", "data": "before"}')
    page.wait_for_function("kept.text !== ''")
    detail = look_at(dashboard, "channel=kept")
    button = detail.locator("#detail-record")
    button.click()
    expect(button).to_have_text("Stop recording")
    channel.event('{"type": "text", "data": "Hello"}')
    page.wait_for_function("kept.text.includes('Hello')")
    channel.end()
    page.evaluate("kept.over")
    # It ends with its stream.
    dashboard.keyboard.press("r")
    recorder = dashboard.get_by_role("complementary", name="Recordings")
    expect(recorder).to_be_visible()
    expect(detail).to_be_hidden()
    figures = dashboard.locator("#recording-list .figures")
    expect(figures).to_contain_text("1 stream · ")
    expect(figures).not_to_contain_text("recording")
    files = {form: saved(dashboard, form, tmp_path) for form in FORMS}
    assert [path.suffix for path in files.values()] == [".jsonl", ".har", ".json", ".sse", ".sh", ".txt"]
    (stream,) = read_recording(files["recording"]).streams
    assert stream.request.joined and stream.end is not None and stream.end.how == "whole"
    assert b"Hello" in (body := b"".join(each.data for each in stream.down)) and b"before" not in body
    assert files["sse"].read_bytes() == body
    assert files["text"].read_text() == "Hello"
    assert "curl" in files["curl"].read_text()
    assert json.loads(files["har"].read_text())["log"]["entries"][0]["_eventSourceMessages"][0]["data"]
    assert json.loads(files["json"].read_text())["streams"][0]["text"] == "Hello"

    recorder.get_by_role("button", name="Delete").click()
    expect(dashboard.locator("#no-recordings")).to_be_visible()
    assert dashboard.evaluate("document.activeElement.id") == "recorder-title"
    (tmp_path / "none.jsonl").write_text(files["recording"].read_text().replace('"t":0,', '"t":-1,', 1))
    for path in (tmp_path / "none.jsonl", files["recording"]):
        with dashboard.expect_file_chooser() as chooser:
            recorder.get_by_role("button", name="Import a file").click()
        chooser.value.set_files(path)
        if path.name == "none.jsonl":
            expect(dashboard.locator("#recorder-note")).to_contain_text("Line 2 is not of a recording")
    expect(dashboard.locator("#recording-list .where")).to_have_text(files["recording"].name)
    assert saved(dashboard, "sse", tmp_path).read_bytes() == body
    recorder.get_by_role("button", name="Delete").click()
    dashboard.keyboard.press("Escape")
    expect(recorder).to_be_hidden()


def test_a_site_is_recorded_and_what_cannot_be_is_said(page: Page, upstream: Upstream, dashboard: Page) -> None:
    start(page, upstream, "first")
    look_at(dashboard, "channel=first")
    dashboard.locator("#recordings").click()
    button = dashboard.locator("#site-record")
    button.click()
    expect(button).to_have_text("Stop recording")
    start(page, upstream, "second")
    upstream.app.streams.channel("second").event("said")
    expect(dashboard.locator("#recording-list .figures")).to_contain_text("1 stream · ")
    expect(dashboard.locator("#recordings")).to_have_class("running")
    row = dashboard.locator("#recording-list li")
    row.get_by_role("combobox").select_option("text")
    button.click()
    expect(button).to_have_text("Record it")
    row.get_by_role("combobox").select_option("sse")
    row.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
