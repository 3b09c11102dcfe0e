"""What the user lets the extension into, changed where the user changes it: in the browser's own settings."""

import json
import shutil
from pathlib import Path

from longwire.assets import extension_folder, extension_id
from tests.e2e.browser import Browser


def withholding_extension(folder: Path) -> Path:
    """The built extension, but all sites are its own, for the user to withhold and to give."""
    copy = Path(shutil.copytree(extension_folder(), folder / "extension"))
    manifest = copy / "manifest.json"
    fields = json.loads(manifest.read_text())
    fields["host_permissions"] = fields.pop("optional_host_permissions")
    manifest.write_text(json.dumps(fields))
    return copy


def withhold_all(browser: Browser) -> None:
    """No site, until it is permitted."""
    _in_settings(
        browser,
        "([id]) => chrome.developerPrivate.updateExtensionConfiguration({ extensionId: id, hostAccess: 'ON_CLICK' })",
    )


def permit(browser: Browser, host: str) -> None:
    """What the browser's dialogue does, which no test can answer."""
    _in_settings(browser, "([id, match]) => chrome.developerPrivate.addHostPermission(id, match)", f"http://{host}/*")


def revoke(browser: Browser, host: str) -> None:
    """Take back what was permitted."""
    _in_settings(
        browser, "([id, match]) => chrome.developerPrivate.removeHostPermission(id, match)", f"http://{host}/*"
    )


def _in_settings(browser: Browser, script: str, *arguments: str) -> None:
    settings = browser.context.new_page()
    settings.goto("chrome://extensions")
    settings.evaluate(script, [extension_id(), *arguments])
    settings.close()
