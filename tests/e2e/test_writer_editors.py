"""The writer's editors in real Chromium, in the real editors of the four kinds of sites, from a world of their own."""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, CDPSession, Page, Playwright, expect

from tests.compat.theatre import node
from tests.e2e.browser import QUIET, chromium_path, sandbox_arguments
from tests.upstreams.server import Server
from tests.upstreams.site import Site
from tests.upstreams.threaded import ThreadedServer

PACKAGE: Final = Path(__file__).parents[1] / "writer"
PAGES: Final = Path(__file__).parent / "writer_pages"

Where = Literal["in the editor", "in the title", "nowhere"]
WHERE: Final[Sequence[Where]] = ("in the editor", "in the title", "nowhere")


@dataclass(frozen=True)
class Kind:
    """One site's editor: where it is, and what it makes of Markdown."""

    name: str
    place: str
    selector: str
    # Where the person stands at first, and the same text as the site writes it.
    template: str
    written: str
    # What a text is below the template while it is not whole.
    beginning: str

    @property
    def rich(self) -> bool:
        """Whether it is one of ProseMirror's."""
        return self.selector == ".ProseMirror"


TEXT: Final = "## Why\n\nBecause *it* was.\n\n- one\n- two"
BEGINNING: Final = "## Why\n\nBecause *it*"
_PLAIN: Final = "## What\n\n- [ ] Tests"
_BULLETS: Final = TEXT.replace("- ", "* ")
GITHUB: Final = Kind("github", "{}", "#description textarea", _PLAIN, TEXT, BEGINNING)
FORGEJO: Final = Kind("forgejo", "{}", "#content", _PLAIN, TEXT, BEGINNING)
BITBUCKET: Final = Kind(
    "bitbucket", "{ kind: 'prosemirror' }", ".ProseMirror", "## What\n\n* Tests", _BULLETS, BEGINNING
)
GITLAB: Final = Kind(
    "gitlab",
    "{ kind: 'prosemirror-with-input', saved: document.querySelector('[name=\"merge_request[description]\"]') }",
    ".ProseMirror",
    "## What\n\n- Tests",
    TEXT,
    # Its Markdown is read by the server once it is whole.
    BEGINNING.replace("*it*", r"\*it\*"),
)
KINDS: Final = (BITBUCKET, FORGEJO, GITHUB, GITLAB)
RICH: Final = (BITBUCKET, GITLAB)
TEXTAREAS: Final = (FORGEJO, GITHUB)


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Without the extension, of which this is one part."""
    browser = playwright.chromium.launch(
        executable_path=chromium_path(), args=[*QUIET, *sandbox_arguments()], headless=True
    )
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages' scripts, and the writer's."""
    folder = tmp_path_factory.mktemp("editors")
    subprocess.run([node(), str(PACKAGE / "bundle.mjs"), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def origin(bundles: Path) -> Iterator[str]:
    """Where the pages are."""
    pages: dict[str, bytes | str] = {f"/{file.name}": file.read_bytes() for file in PAGES.glob("*.html")}
    site = Site({**pages, "/preview_markdown": "rendered", "/favicon.ico": ""}, bundles)
    with ThreadedServer(lambda: Server(site, name="localhost")) as server:
        yield server.url("/")


class Stage:
    """One page, and the writer in a world of its own beside it."""

    def __init__(self, page: Page, kind: Kind, script: str) -> None:
        self.page = page
        self.kind = kind
        self._session: CDPSession = page.context.new_cdp_session(page)
        frame = self._session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = self._session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "writer"})
        self._world = world["executionContextId"]
        page.evaluate("globalThis.later = 0; const { now } = Date; Date.now = () => now() + later")
        self.run(script)
        self.run(f"globalThis.editor = writer.editorOf(writer.place({kind.place}, {kind.selector!r}))")

    def run(self, expression: str) -> Any:
        """What it gives in the writer's world."""
        asked = {"expression": f"{expression}\n", "contextId": self._world, "returnByValue": True, "awaitPromise": True}
        answer = self._session.send("Runtime.evaluate", asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def stand(self, where: Where) -> None:
        """The person goes there."""
        if where == "in the editor":
            self.page.click(self.kind.selector)
            self.page.keyboard.press("Control+End")
        elif where == "in the title":
            self.page.locator("input:visible").first.click()

    def begin(self) -> None:
        """Write from now on."""
        self.run("globalThis.live = editor.write(false); 0")

    def show(self, text: str) -> None:
        """The writer's text so far."""
        self.run(f"live.show({text!r})")

    def write(self, text: str = TEXT) -> None:
        """All of a text, piece by piece, as a model gives it."""
        self.write_pieces(*(text[:end] for end in range(5, len(text), 5)), text)

    def write_pieces(self, *texts: str) -> None:
        """Each in the place of the one before, a second later: what comes faster, ProseMirror takes for one step."""
        self.begin()
        for text in texts:
            self.show(text)
            self.page.evaluate("later += 1000")
        self.run("live.finish()")

    @property
    def saved(self) -> str:
        """What the site would save, without blank lines around."""
        return str(self.page.evaluate("saved()")).strip()

    def has(self, *parts: str) -> None:
        """Wait until the site would save these, one below the other."""
        self.page.wait_for_function("(text) => saved().trim() === text", arg="\n\n".join(parts))

    def undo(self) -> None:
        """As the person does it, in the editor."""
        if self.page.evaluate("(s) => document.activeElement !== document.querySelector(s)", self.kind.selector):
            self.page.click(self.kind.selector)
        self.page.keyboard.press("Control+z")


@pytest.fixture
def stage(request: pytest.FixtureRequest, chromium: Browser, bundles: Path, origin: str) -> Iterator[Stage]:
    """By default of the kind that the test is parametrised with."""
    kind: Kind = request.param
    page = chromium.new_page()
    page.goto(f"{origin}{kind.name}.html")
    expect(page.locator(kind.selector)).to_be_visible()
    yield Stage(page, kind, (bundles / "writer.js").read_text(encoding="utf-8"))
    page.close()


def of(kinds: Sequence[Kind], *, quick: Sequence[Kind] = ()) -> pytest.MarkDecorator:
    """A test for each of them. `make test` runs `quick`: by default one field and one ProseMirror, if there are."""
    if not quick:
        quick = [*(kind for kind in kinds if not kind.rich)][:1] + [*(kind for kind in kinds if kind.rich)][:1]
    cells = [pytest.param(kind, id=kind.name, marks=() if kind in quick else pytest.mark.long) for kind in kinds]
    return pytest.mark.parametrize("stage", cells, indirect=True)


def of_everywhere(kinds: Sequence[Kind], quick: Sequence[tuple[Kind, Where]]) -> pytest.MarkDecorator:
    """A test for each of them and each place where a person may stand. `make test` runs `quick`."""
    cells = [
        pytest.param(
            kind,
            where,
            id=f"{kind.name}-{where.replace(' ', '-')}",
            marks=() if (kind, where) in quick else pytest.mark.long,
        )
        for kind in kinds
        for where in WHERE
    ]
    return pytest.mark.parametrize(("stage", "where"), cells, indirect=["stage"])


# Every kind and every place once; a ProseMirror takes a text by a paste, for which the focus moves there and back.
SOME: Final[Sequence[tuple[Kind, Where]]] = (
    (BITBUCKET, "in the title"),
    (FORGEJO, "nowhere"),
    (GITHUB, "in the editor"),
    (GITLAB, "in the editor"),
)


@of_everywhere(KINDS, SOME)
def test_a_text_is_seen_while_it_comes_below_the_template(stage: Stage, where: Where) -> None:
    stage.stand(where)
    stage.begin()
    stage.show(BEGINNING[:3])
    stage.show(BEGINNING)
    stage.has(stage.kind.template, stage.kind.beginning)
    stage.show(TEXT)
    stage.run("live.finish()")
    stage.has(stage.kind.template, stage.kind.written)
    assert stage.run("editor.holdsTheirs()") is False
    if not stage.kind.rich or stage.kind is GITLAB:
        assert stage.run("editor.read()").strip() == stage.saved
    if stage.kind is GITHUB:
        assert stage.page.evaluate("kept") == stage.saved
    stage.page.locator("button[type=submit]").click()
    assert [text.strip() for text in stage.page.evaluate("submitted")] == [stage.saved]


@of_everywhere(KINDS, SOME)
def test_one_undo_leads_back_to_what_stood_there(stage: Stage, where: Where) -> None:
    stage.stand(where)
    stage.write()
    stage.has(stage.kind.template, stage.kind.written)
    stage.undo()
    stage.has(stage.kind.template)


@of_everywhere(KINDS, [(BITBUCKET, "nowhere"), (GITHUB, "in the title"), (GITLAB, "in the title")])
def test_one_undo_takes_back_a_text_that_changed_as_it_came(stage: Stage, where: Where) -> None:
    """What would act on the site is told only as more of its line comes."""
    stage.stand(where)
    stage.write_pieces("Fixes", "Fixes #1", "`Fixes #1`", "`Fixes #1` at last.")
    stage.has(stage.kind.template, "`Fixes #1` at last.")
    stage.undo()
    stage.has(stage.kind.template)


@of_everywhere([BITBUCKET], [(BITBUCKET, "in the editor")])
def test_a_second_undo_takes_the_empty_line_below_a_list(stage: Stage, where: Where) -> None:
    shown = stage.page.locator(".ProseMirror").inner_html()
    stage.stand(where)
    stage.write()
    stage.undo()
    stage.has(stage.kind.template)
    line = '<p><br class="ProseMirror-trailingBreak"></p>'
    assert stage.page.locator(".ProseMirror").inner_html() == shown + line
    stage.undo()
    assert stage.page.locator(".ProseMirror").inner_html() == shown


@of(KINDS, quick=[GITHUB, GITLAB])
def test_what_the_person_typed_before_can_be_undone_after_it(stage: Stage) -> None:
    stage.stand("in the editor")
    if stage.kind is GITLAB:
        # Out of the empty line that this editor always ends with.
        stage.page.keyboard.press("ArrowUp")
        stage.page.keyboard.press("End")
    stage.page.keyboard.type("!")
    stage.write()
    stage.has(f"{stage.kind.template}!", stage.kind.written)
    stage.undo()
    stage.has(f"{stage.kind.template}!")
    # An empty line, which is not saved, may be a step of its own where the site closes one with each paste.
    stage.undo()
    if stage.kind is BITBUCKET:
        stage.undo()
    stage.has(stage.kind.template)


@of(KINDS)
def test_who_types_elsewhere_keeps_the_focus(stage: Stage) -> None:
    stage.stand("in the title")
    title = stage.page.locator("input:visible").first
    title.evaluate("(input) => { input.value = ''; window.blurred = 0; input.onblur = () => blurred++ }")
    stage.begin()
    for end in range(4, len(TEXT), 4):
        stage.show(TEXT[:end])
        stage.page.keyboard.type("x")
    stage.show(TEXT)
    stage.run("live.finish()")
    stage.has(stage.kind.template, stage.kind.written)
    assert title.evaluate("(input) => [input.value.replaceAll('x', ''), document.activeElement === input]") == [
        "",
        True,
    ]
    # A field takes a text without the focus.
    if not stage.kind.rich:
        assert stage.page.evaluate("blurred") == 0


@of(RICH)
def test_the_focus_does_not_move_while_a_key_is_down(stage: Stage) -> None:
    """A button is pressed by the space bar once it is let go, if the focus did not leave it."""
    button = stage.page.locator("button[type=submit]")
    button.focus()
    stage.begin()
    stage.page.keyboard.down("Space")
    stage.show(TEXT)
    assert stage.saved == stage.kind.template
    stage.page.keyboard.up("Space")
    stage.run("live.finish()")
    stage.has(stage.kind.template, stage.kind.written)
    assert len(stage.page.evaluate("submitted")) == 1


@of(KINDS)
def test_the_caret_is_at_the_end(stage: Stage) -> None:
    stage.stand("in the editor")
    stage.write("Because it was.")
    stage.has(stage.kind.template, "Because it was.")
    stage.page.keyboard.press("End")
    stage.page.keyboard.type(" Yes.")
    stage.has(stage.kind.template, "Because it was. Yes.")


@of(TEXTAREAS)
def test_a_person_who_types_in_the_template_goes_on_there(stage: Stage) -> None:
    stage.stand("in the editor")
    stage.begin()
    stage.show("Because")
    stage.page.keyboard.press("Control+Home")
    stage.page.keyboard.press("End")
    for text in ("Because it", "Because it was", "Because it was."):
        stage.page.keyboard.type("!")
        stage.show(text)
    stage.has(stage.kind.template.replace("What", "What!!!"), "Because it was.")
    assert stage.run("editor.holdsTheirs()") is False


@of(KINDS, quick=[GITHUB, GITLAB])
def test_what_a_person_changed_is_theirs(stage: Stage) -> None:
    stage.stand("in the editor")
    stage.begin()
    stage.show("Because")
    stage.has(stage.kind.template, "Because")
    stage.page.keyboard.press("End")
    stage.page.keyboard.type(" not")
    stage.has(stage.kind.template, "Because not")
    assert stage.run("editor.holdsTheirs()") is True
    stage.show("Because it was.")
    stage.run("live.finish()")
    assert stage.saved == f"{stage.kind.template}\n\nBecause not"


@of(KINDS, quick=[GITHUB, GITLAB])
def test_to_write_again_takes_the_place_of_what_was_written(stage: Stage) -> None:
    stage.write_pieces("First.")
    stage.has(stage.kind.template, "First.")
    stage.page.evaluate("later = 0")
    stage.write(TEXT)
    stage.has(stage.kind.template, stage.kind.written)
    stage.undo()
    stage.has(stage.kind.template, "First.")


@of(KINDS, quick=[GITHUB, GITLAB])
def test_what_a_person_put_below_stays_when_it_is_written_again(stage: Stage) -> None:
    stage.stand("in the editor")
    stage.write("First.")
    stage.has(stage.kind.template, "First.")
    stage.page.keyboard.press("Control+End")
    stage.page.keyboard.press("Enter")
    if not stage.kind.rich:
        stage.page.keyboard.press("Enter")
    stage.page.keyboard.type("Mine.")
    stage.has(stage.kind.template, "First.", "Mine.")
    stage.write("Second.")
    stage.has(stage.kind.template, "Second.", "Mine.")
    stage.undo()
    stage.has(stage.kind.template, "First.", "Mine.")


@of(TEXTAREAS)
def test_between_the_markers_of_a_template(stage: Stage) -> None:
    begin, end = "<!-- longwire:begin -->", "<!-- longwire:end -->"
    stage.stand("in the editor")
    stage.page.keyboard.press("Control+a")
    stage.page.keyboard.insert_text(f"## What\n\n{begin}\n{end}\n\n## Tests")
    stage.write("First.")
    stage.write(TEXT)
    assert stage.saved == f"## What\n\n{begin}\n{TEXT}\n{end}\n\n## Tests"


@of(RICH, quick=RICH)
def test_an_empty_editor(stage: Stage) -> None:
    stage.stand("in the editor")
    stage.page.keyboard.press("Control+a")
    stage.page.keyboard.press("Delete")
    if stage.kind is GITLAB:
        stage.page.keyboard.press("Backspace")
    stage.write()
    stage.has(stage.kind.written)


@of(KINDS)
def test_markup_is_text(stage: Stage) -> None:
    markup = "<img src=x onerror=alert(1)> & <b>so</b>"
    stage.begin()
    stage.show(markup)
    expect(stage.page.locator("img, b")).to_have_count(0)
    if stage.kind.rich:
        expect(stage.page.locator(stage.kind.selector)).to_contain_text(markup)


@of(KINDS, quick=[GITHUB, GITLAB])
def test_an_editor_that_is_gone_is_not_usable(stage: Stage) -> None:
    assert stage.run("editor.usable()") is True
    stage.page.evaluate("(selector) => document.querySelector(selector).remove()", stage.kind.selector)
    assert stage.run("editor.usable()") is False


LONG: Final = "\n\n".join(f"Line {number}." for number in range(60))


@of(KINDS)
def test_the_page_does_not_scroll_for_who_looks_elsewhere(stage: Stage) -> None:
    stage.page.evaluate("document.body.style.paddingBottom = '300vh'")
    stage.stand("in the editor")
    stage.begin()
    stage.show(LONG[:40])
    stage.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    at = stage.page.evaluate("scrollY")
    assert at > 0
    stage.show(LONG)
    stage.run("live.finish()")
    stage.page.wait_for_function("saved().includes('Line 59.')")
    assert stage.page.evaluate("scrollY") == at


@of(TEXTAREAS)
def test_a_field_follows_the_caret_until_it_is_scrolled_back(stage: Stage) -> None:
    stage.stand("in the editor")
    stage.begin()
    stage.show(LONG[:300])
    scrolled = "(selector) => document.querySelector(selector).scrollTop"
    followed = stage.page.evaluate(scrolled, stage.kind.selector)
    assert followed > 0
    stage.page.evaluate("(selector) => { document.querySelector(selector).scrollTop = 0 }", stage.kind.selector)
    stage.show(LONG)
    assert stage.page.evaluate(scrolled, stage.kind.selector) == 0
