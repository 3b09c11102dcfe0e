from pathlib import Path
from tests.e2e.test_recorder import *  # noqa
def test_shot(recorded, browser):
    for scheme in ("light", "dark"):
        recorded.emulate_media(color_scheme=scheme)
        recorded.screenshot(path=f"/tmp/popup-{scheme}.png", full_page=True)
del test_a_site_is_recorded_saved_and_served_by_others, test_a_stopped_worker_loses_nothing_and_goes_on, test_pages_and_other_extensions_cannot_reach_the_recorder
