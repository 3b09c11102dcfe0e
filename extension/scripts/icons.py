"""Draws icons/longwire.svg into the PNG files of the manifest with Chromium. Run it after changing the SVG."""

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.e2e.browser import chromium_path, sandbox_arguments

FOLDER = Path(__file__).parents[1] / "icons"
SIZES = (16, 32, 48, 128)


def main() -> None:
    """Write one file for each size, transparent around the corners."""
    drawing = (FOLDER / "longwire.svg").read_text()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium_path(), args=sandbox_arguments())
        for size in SIZES:
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{drawing}")
            page.screenshot(path=FOLDER / f"{size}.png", omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
