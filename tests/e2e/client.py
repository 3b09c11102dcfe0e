"""The client library in a page, as a page without a bundler loads it."""

from pathlib import Path

from playwright.sync_api import Page

PACKAGE = Path(__file__).parents[2] / "extension" / "client-package" / "dist"


def load_client(page: Page) -> None:
    """Import the built library, as `client` in the page."""
    bundle = PACKAGE / "longwire.min.js"
    assert bundle.is_file(), "the client library is not built: `make build`"
    page.evaluate(
        """async (source) => {
            const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
            window.client = await import(url)
            URL.revokeObjectURL(url)
        }""",
        bundle.read_text(),
    )
