"""The writer's sites in a real browser: what they find in a page of each kind, and the diff that they read of it."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Browser
from tests.e2e.scripts import script
from tests.host_process import write_policy
from tests.upstreams.pull_request_pages import address, default_editor, page
from tests.upstreams.pull_request_sites import KINDS, PULL_REQUEST, ChangedFile, Kind, PullRequest, PullRequestSite
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

ROOT = Path(__file__).parents[2]
# Bitbucket Cloud is one host; the others are told by what is in their documents.
HOSTS = {"bitbucket": "bitbucket.org", "forgejo": "code.example", "github": "ghe.example", "gitlab": "git.example"}
STATES = [pytest.param(True, id="new"), pytest.param(False, id="existing")]
DETAILS = {"title": PULL_REQUEST.title, "source": PULL_REQUEST.source, "target": PULL_REQUEST.target}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The writer's sites and reader, as a script that gives a global `writer`."""
    out = tmp_path_factory.mktemp("writer") / "writer.js"
    entry = ROOT / "extension/test/writer/in-browser.ts"
    esbuild = ROOT / "extension/node_modules/.bin/esbuild"
    options = ["--bundle", "--format=iife", "--global-name=writer", "--loader:.txt=text", "--log-level=error"]
    subprocess.run([esbuild, entry, *options, f"--outfile={out}"], check=True)
    return out.read_text(encoding="utf-8")


class Theatre:
    """One site's server, and tabs with its pages."""

    def __init__(
        self, browser: Browser, bundle: str, kind: Kind, threaded: ThreadedServer, site: PullRequestSite
    ) -> None:
        self.browser = browser
        self.kind = kind
        self.site = site
        self.server = threaded
        self.bundle = f"{bundle};globalThis.writer = writer"

    def open(self, html: str, target: str = "/page") -> Page:
        """A tab with that page, and the writer's parts in it."""
        self.site.pages[target] = html
        tab = self.browser.open(self.server.url(target))
        tab.evaluate(self.bundle)
        return tab

    def open_pull_request(self, *, new: bool, **parts: Any) -> Page:
        """A tab with the page of the pull request."""
        pr = self.site.pull_request
        return self.open(page(self.kind, new=new, pr=pr, **parts), address(self.kind, new=new, pr=pr))

    def look(self, tab: Page, *, new: bool) -> Any:
        """What the writer makes of it."""
        url = f"https://{HOSTS[self.kind]}{address(self.kind, new=new, pr=self.site.pull_request)}"
        return tab.evaluate(script("writer-look.js"), url)

    def read(self, tab: Page, **options: Any) -> Any:
        """The pull request as the writer reads it, or why it does not."""
        return tab.evaluate(script("writer-read.js"), {"kind": self.kind, **options})

    def grant(self, more: str = "") -> None:
        """What a page may read by Longwire."""
        origin = self.server.url("/")
        write_policy(
            self.browser.home,
            f"version = 1\n[[grant]]\nname = 'site'\npages = ['http://localhost:*']\ndestinations = ['{origin}']\n"
            f"methods = ['GET']\nnetwork = 'loopback'\n{more}\n",
        )

    def asked(self) -> list[str]:
        """For what the site was asked, in its order."""
        return [request.target for request in self.site.requests]


@pytest.fixture
def theatre(browser: Browser, bundle: str, kind: Kind) -> Iterator[Theatre]:
    """A site of `kind` on this machine."""
    site = PullRequestSite(kind)
    with ThreadedServer(lambda: Server(site, name="localhost")) as threaded:
        yield Theatre(browser, bundle, kind, threaded, site)


def wanted(kind: Kind, *, new: bool) -> str:
    """The plain editor, marked."""
    return f"<div data-wanted>{default_editor(kind, new=new)}</div>"


EXPECTED_EDITORS: dict[tuple[Kind, bool], dict[str, Any]] = {
    ("github", True): {"kind": "textarea", "saved": None, "beside": "js-previewable-comment-form"},
    ("github", False): {"kind": "textarea", "saved": None, "beside": "js-previewable-comment-form"},
    ("gitlab", True): {"kind": "textarea", "saved": None, "beside": "js-editor md-area"},
    ("gitlab", False): {
        "kind": "prosemirror-with-input",
        "saved": "merge_request[description]",
        "beside": "js-editor md-area",
    },
    ("bitbucket", True): {"kind": "prosemirror", "saved": None, "beside": ""},
    ("bitbucket", False): {"kind": "prosemirror", "saved": None, "beside": ""},
    ("forgejo", True): {"kind": "textarea", "saved": None, "beside": "combo-markdown-editor"},
    ("forgejo", False): {"kind": "textarea", "saved": None, "beside": "combo-markdown-editor"},
}


@pytest.mark.parametrize("new", STATES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_says_what_it_is_about_and_where_its_description_is(theatre: Theatre, kind: Kind, new: bool) -> None:
    tab = theatre.open_pull_request(new=new, hostname=HOSTS[kind], editor=wanted(kind, new=new))
    seen = theatre.look(tab, new=new)
    subject = (
        {"kind": "new", "base": PULL_REQUEST.target, "head": PULL_REQUEST.source}
        if new
        else {"kind": "existing", "number": str(PULL_REQUEST.number)}
    )
    assert seen["site"] == kind
    origin = f"https://{HOSTS[kind]}"
    assert seen["reference"] == {"site": kind, "origin": origin, "project": PULL_REQUEST.project, "subject": subject}
    assert seen["editor"] == {"wanted": True, **EXPECTED_EDITORS[kind, new]}
    shown = {key: value for key, value in seen["details"].items() if key != "author" and value}
    # Bitbucket's and Forgejo's pages of a new one leave the branches to the address.
    assert shown == (DETAILS if not new or kind in ("github", "gitlab") else {"title": PULL_REQUEST.title})
    if kind != "gitlab" and (kind, new) != ("bitbucket", True):
        assert seen["details"]["author"] == PULL_REQUEST.author


@pytest.mark.parametrize("new", STATES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_title_keeps_the_number_that_is_its_own(theatre: Theatre, kind: Kind, new: bool) -> None:
    theatre.site.pull_request = PullRequest(title="Mend what <b>#12</b> broke in #13")
    tab = theatre.open_pull_request(new=new, hostname=HOSTS[kind])
    assert theatre.look(tab, new=new)["details"]["title"] == "Mend what <b>#12</b> broke in #13"


OUT_OF_SIGHT = {
    "none": "display: none",
    "hidden": "visibility: hidden",
    "empty": "width: 0; height: 0; min-height: 0; padding: 0; border: 0",
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_editor_out_of_sight_is_none(theatre: Theatre, kind: Kind) -> None:
    tab = theatre.open_pull_request(new=True, hostname=HOSTS[kind], editor=wanted(kind, new=True))
    editor = tab.locator("[data-wanted] > *")
    found = {}
    for name, style in OUT_OF_SIGHT.items():
        seen = theatre.look(tab, new=True)["editor"]
        before = editor.get_attribute("style")
        editor.evaluate("(editor, style) => editor.setAttribute('style', style)", style)
        found[name] = (seen is not None, theatre.look(tab, new=True)["editor"])
        editor.evaluate(
            "(editor, style) => style === null ? editor.removeAttribute('style') : editor.setAttribute('style', style)",
            before,
        )
    assert found == dict.fromkeys(OUT_OF_SIGHT, (True, None))


@pytest.mark.parametrize("kind", KINDS)
def test_an_editor_that_takes_no_text_is_none(theatre: Theatre, kind: Kind) -> None:
    editor = wanted(kind, new=True).replace("<textarea", "<textarea disabled")
    editor = editor.replace("contenteditable='true'", "contenteditable='false'")
    tab = theatre.open_pull_request(new=True, hostname=HOSTS[kind], editor=editor)
    assert theatre.look(tab, new=True)["editor"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_editor_of_a_comment_is_not_the_descriptions(theatre: Theatre, kind: Kind) -> None:
    tab = theatre.open_pull_request(new=False, hostname=HOSTS[kind], editor="<p>shown, and not edited</p>")
    assert theatre.look(tab, new=False)["editor"] is None


SITES_BY_HOST = {
    "https://github.com/ann/tool/pull/7": "github",
    "https://acme.ghe.com/ann/tool/pull/7": "github",
    "https://gitlab.com/ann/tool/-/merge_requests/7/edit": "gitlab",
    "https://codeberg.org/ann/tool/pulls/7": "forgejo",
    "https://bitbucket.org/ann/tool/pull-requests/7": "bitbucket",
    "https://other.example/ann/tool/pull/7": None,
    "https://github.com.other.example/ann/tool/pull/7": None,
    "https://mybitbucket.org/ann/tool/pull-requests/7": None,
}


@pytest.mark.parametrize("kind", ["github"])
def test_a_document_without_marks_is_told_by_its_host(theatre: Theatre) -> None:
    tab = theatre.open("<!doctype html><title>nothing</title>")
    seen = {url: tab.evaluate(script("writer-look.js"), url) for url in SITES_BY_HOST}
    assert {url: look and look["site"] for url, look in seen.items()} == SITES_BY_HOST


@pytest.mark.parametrize("kind", ["github"])
def test_a_page_that_names_another_host_is_not_github(theatre: Theatre) -> None:
    tab = theatre.open_pull_request(new=True, hostname="ghe.example")
    assert tab.evaluate(script("writer-look.js"), "https://other.example/ann/tool/compare/main...x") is None


ADDRESSES: list[tuple[Kind, str, dict[str, str] | None]] = [
    ("github", "/ann/tool/compare/main...bob:topic", {"kind": "new", "base": "main", "head": "bob:topic"}),
    ("github", "/ann/tool/compare/main...bob:fork:a/b?x=1", {"kind": "new", "base": "main", "head": "bob:fork:a/b"}),
    ("github", "/ann/tool/compare/release%2F1...topic", {"kind": "new", "base": "release/1", "head": "topic"}),
    ("github", "/ann/tool/compare/topic", {"kind": "new", "base": "HEAD", "head": "topic"}),
    ("github", "/ann/tool/pull/7/", {"kind": "existing", "number": "7"}),
    ("github", "/ann/tool/pull/7/files", None),
    ("github", "/ann/tool/pulls", None),
    ("github", "/ann/tool/compare", None),
    ("github", "/ann/tool/compare/main...%2E%2E%2F%2E%2E%2Fuser", None),
    ("github", "/ann/tool/compare/main..%2Fx...y", None),
    ("gitlab", "/a/b/c/tool/-/merge_requests/12/edit", {"kind": "existing", "number": "12"}),
    (
        "gitlab",
        "/a/b/tool/-/merge_requests/new?merge_request[source_branch]=a/b&merge_request[target_branch]=main",
        {"kind": "new", "base": "main", "head": "a/b"},
    ),
    (
        "gitlab",
        "/a/tool/-/merge_requests/new?merge_request[source_project_id]=5&merge_request[target_project_id]=3"
        "&merge_request[source_branch]=x",
        {"kind": "new", "base": "HEAD", "head": "5:x"},
    ),
    ("gitlab", "/a/tool/-/merge_requests/12", None),
    ("gitlab", "/a/tool/-/merge_requests", None),
    ("gitlab", "/a/tool/-/issues/12/edit", None),
    ("bitbucket", "/ann/tool/pull-requests/7/overview", {"kind": "existing", "number": "7"}),
    ("bitbucket", "/ann/tool/pull-requests/update/7", {"kind": "existing", "number": "7"}),
    ("bitbucket", "/ann/tool/pull-requests/7/commits", None),
    ("bitbucket", "/ann/tool/pull-requests/new?source=a/b", {"kind": "new", "base": "HEAD", "head": "a/b"}),
    (
        "bitbucket",
        "/ann/tool/pull-requests/new?source=bob/fork:0a1b2c3d:a/b&dest=ann/tool::main",
        {"kind": "new", "base": "main", "head": "bob/fork:a/b"},
    ),
    ("bitbucket", "/ann/tool/pull-requests/new", None),
    ("bitbucket", "/ann/tool/pull-requests/new?source=x&dest=../../../user", None),
    ("forgejo", "/ann/tool/compare/main...bob:topic", {"kind": "new", "base": "main", "head": "bob:topic"}),
    ("forgejo", "/ann/tool/compare/main...bob/fork:a/b", {"kind": "new", "base": "main", "head": "bob/fork:a/b"}),
    ("forgejo", "/ann/tool/compare/topic", {"kind": "new", "base": "HEAD", "head": "topic"}),
    ("forgejo", "/ann/tool/pulls/7", {"kind": "existing", "number": "7"}),
    ("forgejo", "/ann/tool/pulls/7/files", None),
    ("forgejo", "/ann/tool/issues/7", None),
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_address_says_which_branches(theatre: Theatre, kind: Kind) -> None:
    hosts = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org", "forgejo": "codeberg.org"}
    tab = theatre.open("<!doctype html><title>nothing</title>")
    expected = {target: subject for site, target, subject in ADDRESSES if site == kind}
    looks = {target: tab.evaluate(script("writer-look.js"), f"https://{hosts[kind]}{target}") for target in expected}
    references = {target: look["reference"] for target, look in looks.items()}
    assert {target: found and found["subject"] for target, found in references.items()} == expected


def marked(read: dict[str, Any]) -> tuple[str, int, int]:
    """Of what was read: the diff, files and added lines."""
    assert "pullRequest" in read, read
    pull_request = read["pullRequest"]
    return pull_request["diff"], pull_request["stats"]["files"], pull_request["stats"]["added"]


WHOLE = (PULL_REQUEST.diff, 2, 3)
INTERFACES: dict[tuple[Kind, bool], str] = {
    ("github", True): "/api/v3/repos/ann/tool/compare/main...retry%2Fdownloads",
    ("github", False): "/api/v3/repos/ann/tool/pulls/7",
    ("gitlab", True): "/api/v4/projects/ann%2Ftool/repository/compare?from=main&to=retry%2Fdownloads",
    ("gitlab", False): "/api/v4/projects/ann%2Ftool/merge_requests/7/raw_diffs",
    ("bitbucket", True): "/2.0/repositories/ann/tool/diff/retry%2Fdownloads..main?topic=true",
    ("bitbucket", False): "/2.0/repositories/ann/tool/pullrequests/7/diff",
    ("forgejo", True): "/api/v1/repos/ann/tool/compare/main...retry%2Fdownloads?output=diff",
    ("forgejo", False): "/api/v1/repos/ann/tool/pulls/7.diff",
}
TOKENS = "inject = { Authorization = 'Bearer {secret:site}' }\n[secret.site]\nfile = '%s'"


def tokens(folder: Path, token: str) -> str:
    """Lines of a grant that injects `token`."""
    file = folder / "token"
    file.write_text(token)
    file.chmod(0o600)
    return TOKENS % file


@pytest.mark.parametrize("new", STATES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_host_reads_by_the_interface_with_its_token(
    theatre: Theatre, kind: Kind, new: bool, tmp_path: Path
) -> None:
    theatre.site.token, theatre.site.gitea = "a-token-of-the-host-0123456789", True
    theatre.grant(tokens(tmp_path, theatre.site.token))
    tab = theatre.open_pull_request(new=new)
    tab.wait_for_function("typeof longwire === 'object'")
    first = theatre.read(tab, host=True, api=theatre.server.url(""))
    assert marked(first) == WHOLE
    assert theatre.asked()[0] == INTERFACES[kind, new]
    # Again: the server has nothing new.
    theatre.site.requests.clear()
    assert theatre.read(tab, host=True, api=theatre.server.url("")) == first
    assert all(
        request.header("if-none-match") for request in theatre.site.requests if "pullrequests" not in request.target
    )


@pytest.mark.parametrize("new", STATES)
@pytest.mark.parametrize("kind", KINDS)
def test_without_a_grant_the_page_reads_what_it_may_itself(theatre: Theatre, kind: Kind, new: bool) -> None:
    theatre.site.token = "a-token-that-nobody-has"
    if (kind, new) == ("gitlab", True):
        # Its interface takes the session, too.
        theatre.site.token = None
    tab = theatre.open_pull_request(new=new)
    read = theatre.read(tab, host=False)
    assert marked(read) == WHOLE
    assert {key: read["pullRequest"][key] for key in ("title", "source", "target")} == DETAILS


@pytest.mark.parametrize("kind", ["github", "gitlab", "forgejo"])
def test_a_session_that_ended_says_to_sign_in(theatre: Theatre) -> None:
    theatre.site.token, theatre.site.signed_in = "a-token-that-nobody-has", False
    read = theatre.read(theatre.open_pull_request(new=False), host=False)
    assert read["code"] in ("NOT_A_DIFF", "NOT_SIGNED_IN"), read
    assert "sign in there again" in read["text"]


@pytest.mark.parametrize(
    ("kind", "status", "code", "needs"),
    [
        ("github", 401, "NOT_SIGNED_IN", "the secret that the policy's grant for the writer injects at localhost:"),
        ("github", 404, "NOT_FOUND", "`repo`"),
        ("gitlab", 403, "NOT_ALLOWED", "`read_api`"),
        ("bitbucket", 403, "NOT_ALLOWED", "`read:pullrequest:bitbucket`"),
        ("forgejo", 404, "NOT_FOUND", "`read:repository`"),
        ("forgejo", 429, "RATE_LIMITED", "no more requests for now"),
    ],
)
def test_a_refusal_by_the_interface_says_what_the_token_needs(
    theatre: Theatre, status: int, code: str, needs: str
) -> None:
    theatre.grant()
    theatre.site.refusals = {"/": status}
    tab = theatre.open_pull_request(new=False)
    tab.wait_for_function("typeof longwire === 'object'")
    read = theatre.read(tab, host=True, api=theatre.server.url(""))
    assert (read["code"], read["retryAfterMs"]) == (code, 30_000 if status == 429 else None)
    assert needs in read["text"]


@pytest.mark.parametrize("kind", ["github"])
def test_github_lists_the_files_of_what_is_too_large_for_a_diff(theatre: Theatre) -> None:
    left_out = ChangedFile("large.sql", "@@ -0,0 +1 @@\n+x\n", new=True, left_out=True)
    theatre.site.pull_request = PullRequest(files=[*PULL_REQUEST.files, left_out])
    theatre.grant()
    theatre.site.page_size = 1
    tab = theatre.open_pull_request(new=False)
    tab.wait_for_function("typeof longwire === 'object'")
    theatre.site.refuse_diffs = True
    diff, files, added = marked(theatre.read(tab, host=True))
    assert (files, added) == (3, 3)
    assert "GitHub shows no lines of this file: +1 -0" in diff
    assert [target.rpartition("/")[2] for target in theatre.asked()] == [
        "7",
        "files?per_page=100",
        "files?page=2",
        "files?page=3",
    ]


@pytest.mark.parametrize("kind", ["github"])
def test_githubs_own_diff_lies_where_a_page_may_not_read(theatre: Theatre) -> None:
    elsewhere = PullRequestSite("github")
    with ThreadedServer(lambda: Server(elsewhere)) as other:
        theatre.site.elsewhere = other.url("/raw/ann/tool/pull/7.diff")
        tab = theatre.open_pull_request(new=False)
        # By the comparison of the branches that the page names.
        assert marked(theatre.read(tab, host=False)) == WHOLE
        assert theatre.asked()[-1].endswith("/compare/main...retry/downloads.diff")
        theatre.site.refusals = {"/compare/": 404}
        tab.evaluate("() => document.querySelector('[class*=PullRequestHeaderBranches]').remove()")
        read = theatre.read(tab, host=False)
    assert (read["code"], "let the policy grant the writer GitHub's API" in read["text"]) == ("UNREACHABLE", True)


@pytest.mark.parametrize("kind", ["gitlab"])
def test_an_older_gitlab_lists_its_diffs_and_says_what_it_leaves_out(theatre: Theatre) -> None:
    left_out = ChangedFile("large.sql", "", new=True, left_out=True)
    theatre.site.pull_request = PullRequest(files=[*PULL_REQUEST.files, left_out])
    theatre.site.refusals = {"raw_diffs": 404}
    theatre.site.page_size = 2
    theatre.grant()
    tab = theatre.open_pull_request(new=False)
    tab.wait_for_function("typeof longwire === 'object'")
    diff, files, _ = marked(theatre.read(tab, host=True))
    assert (files, len(theatre.asked())) == (3, 3)
    assert "GitLab shows no lines of this file: it is too large" in diff


@pytest.mark.parametrize("kind", ["forgejo"])
def test_forgejos_comparison_is_read_commit_by_commit(theatre: Theatre) -> None:
    theatre.grant()
    tab = theatre.open_pull_request(new=True)
    tab.wait_for_function("typeof longwire === 'object'")
    # The interface answers, but with a list of commits.
    assert marked(theatre.read(tab, host=True)) == WHOLE
    assert [target.partition("/ann/tool/")[2].partition("/")[0] for target in theatre.asked()] == [
        "compare",
        "commit",
        "commit",
    ]


@pytest.mark.parametrize("kind", ["gitlab"])
def test_the_pages_own_request_is_spared_a_diff_that_it_has(theatre: Theatre) -> None:
    tab = theatre.open_pull_request(new=False)
    first = theatre.read(tab, host=False)
    assert theatre.read(tab, host=False) == first
    assert marked(first) == WHOLE
    once, again = theatre.site.requests
    assert (once.header("if-none-match"), once.target) == (None, again.target)
    assert (again.header("if-none-match") or "").startswith('W/"')
    # Nothing outlives the document: neither here, nor in the browser's own cache.
    tab.reload()
    tab.evaluate(theatre.bundle)
    theatre.read(tab, host=False)
    assert theatre.site.requests[-1].header("if-none-match") is None


@pytest.mark.parametrize("kind", ["forgejo"])
def test_who_stops_lets_go_of_a_silent_interface(theatre: Theatre) -> None:
    theatre.grant()
    theatre.site.open = asyncio.Event()
    tab = theatre.open_pull_request(new=False)
    tab.wait_for_function("typeof longwire === 'object'")
    tab.evaluate(script("writer-read.js"), {"kind": "forgejo", "host": True, "later": True})
    theatre.server.run(theatre.site.wait_asked)
    (request,) = theatre.site.requests
    tab.evaluate("() => reading.abort(new Error('stopped by a person'))")
    theatre.server.run(request.connection.wait_gone)
    assert tab.evaluate("() => read")["text"] == "stopped by a person"
    assert len(theatre.site.requests) == 1


@pytest.mark.parametrize("kind", ["gitlab"])
def test_an_answer_that_is_cut_is_no_diff(theatre: Theatre) -> None:
    theatre.grant()
    theatre.site.cut = True
    tab = theatre.open_pull_request(new=False)
    tab.wait_for_function("typeof longwire === 'object'")
    assert theatre.read(tab, host=True)["code"] == "UPSTREAM_TRUNCATED"


@pytest.mark.parametrize("kind", ["github"])
def test_an_address_that_changes_without_a_load_is_seen_from_an_extensions_own_world(
    theatre: Theatre, bundle: str
) -> None:
    tab = theatre.open("<!doctype html><title>one page</title>", "/start")
    cdp = tab.context.new_cdp_session(tab)
    frame = cdp.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = cdp.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "writer"})["executionContextId"]

    def there(expression: str) -> Any:
        answer = cdp.send("Runtime.evaluate", {"expression": expression, "contextId": world, "returnByValue": True})
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    there(f"{bundle};globalThis.writer = writer;({script('writer-watch.js')})()")
    tab.evaluate("() => { history.pushState(1, '', '/a'); history.replaceState(2, '', '/b?q') }")
    tab.evaluate("() => history.replaceState(3, '', '/b?q')")
    expect(tab).to_have_url(theatre.server.url("/b?q"))
    assert there("seen") == ["/a", "/b?q"]
    tab.go_back()
    tab.wait_for_url("**/start")
    assert there("seen") == ["/a", "/b?q", "/start"]
    there("stop()")
    tab.evaluate("() => history.pushState(4, '', '/c')")
    assert there("seen") == ["/a", "/b?q", "/start"], json.dumps(theatre.asked())
