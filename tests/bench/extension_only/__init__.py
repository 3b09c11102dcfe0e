"""The best that an extension can do without a host: it fetches itself, with its host permission, and hands bytes over.

Three forms, of which the faster one counts: by a service worker over a runtime port and a content script; by the same
worker over a MessagePort that a frame of the extension's introduced; by an offscreen document over such a port. All
three bound what is under way, as whoever built one for use would have to.
"""

from pathlib import Path
from typing import Final

from tests.bench.unpacked import new_identity, unpack

# Peers of a page by the name that `page.js` has for them.
FORMS: Final = ("worker-port", "worker-lane", "offscreen-lane")


def prepare(folder: Path) -> tuple[Path, str]:
    """Put the extension into `folder`; returns the folder to load and the address of its frame, for `page.js`."""
    identity = new_identity()
    unpack(Path(__file__).parent, folder, {"KEY": identity.key})
    return folder, f"chrome-extension://{identity.extension_id}/frame.html"
