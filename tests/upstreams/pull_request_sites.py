"""The four sites of the writer, as servers: their interfaces and their pages' own addresses, for one pull request.

    site = PullRequestSite("gitlab", PULL_REQUEST, token="glpat-1")
    with ThreadedServer(lambda: Server(site)) as server: ...

One server is both a site and its interface, which three of them are anyway; `api.bitbucket.org` and `api.github.com`
have paths of their own, so that a second host name is enough.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote, unquote

from tests.patience import PATIENCE_S
from tests.upstreams import bodies
from tests.upstreams.connection import Request

Kind = Literal["bitbucket", "forgejo", "github", "gitlab"]
KINDS: Final[Sequence[Kind]] = ("bitbucket", "forgejo", "github", "gitlab")

_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"
_PATCH: Final = """\
@@ -1,2 +1,3 @@
 def download(url):
-    return read(url)
+    for _ in range(3):
+        return read(url)
"""
# What a person without a session is sent.
_SIGN_IN: Final = b"<!doctype html><title>Sign in</title><form action='/login'></form>"


@dataclass(frozen=True)
class ChangedFile:
    """One file's change; `patch` is its hunks, empty where a site would leave them out."""

    path: str
    patch: str
    new: bool = False
    # Of lists: the site shows no lines of it.
    left_out: bool = False

    @property
    def unified(self) -> str:
        """As git writes it."""
        mode = "new file mode 100644\n" if self.new else ""
        before = "/dev/null" if self.new else f"a/{self.path}"
        return f"diff --git a/{self.path} b/{self.path}\n{mode}--- {before}\n+++ b/{self.path}\n{self.patch}"


@dataclass(frozen=True)
class PullRequest:
    """What all of a site's addresses are about."""

    project: str = "ann/tool"
    number: int = 7
    title: str = "Retry a download that broke off"
    source: str = "retry/downloads"
    target: str = "main"
    author: str = "Ann"
    files: Sequence[ChangedFile] = (
        ChangedFile("download.py", _PATCH),
        ChangedFile("grüße.txt", "@@ -0,0 +1 @@\n+hallo\n", new=True),
    )

    @property
    def diff(self) -> str:
        """The whole, as git writes it."""
        return "".join(file.unified for file in self.files)


PULL_REQUEST: Final = PullRequest()


@dataclass
class PullRequestSite:
    """A handler. What it answers can be changed at any time; `requests` are those for a diff."""

    kind: Kind
    pull_request: PullRequest = PULL_REQUEST
    # What the interface wants to see: of any header that these sites take a token in.
    token: str | None = None
    # Whether the page's own addresses answer, or send people to sign in.
    signed_in: bool = True
    # Answered in place of a diff: the status for a path that has this text in it.
    refusals: dict[str, int] = field(default_factory=dict)
    # GitHub makes no diff of a large change, and still lists its files.
    refuse_diffs: bool = False
    # Files of a page of a list.
    page_size: int = 100
    # Gitea's compares by a query that Forgejo does not know.
    gitea: bool = False
    # A body is sent by half and the connection closed.
    cut: bool = False
    # Where github.com sends the readers of its own `.diff`: another server, without CORS headers.
    elsewhere: str | None = None
    pages: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    # Answers wait for it.
    open: asyncio.Event | None = None

    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_asked(self) -> None:
        """Wait until a diff was asked for."""
        await asyncio.wait_for(self._asked.wait(), PATIENCE_S)

    async def __call__(self, request: Request) -> None:
        """Answer a page, an interface's address, or a page's own address of a diff."""
        await request.body()
        if (page := self.pages.get(request.target) or self.pages.get(request.path)) is not None:
            await _answer(request, 200, "text/html; charset=utf-8", page.encode())
            return
        if request.path == "/favicon.ico":
            await _answer(request, 404, _TEXT, b"")
            return
        self.requests.append(request)
        self._asked.set()
        if self.open is not None:
            await self.open.wait()
        for part, status in self.refusals.items():
            if part in request.target:
                await _answer(request, status, _JSON, b'{"message":"no"}', [("Retry-After", "30")])
                return
        path = unquote(request.path)
        interface = self._interface(request, path)
        if interface is None:
            await self._own(request, path)
        elif self.refuse_diffs and request.header("accept") == "application/vnd.github.diff":
            await _answer(request, 406, _JSON, b'{"message":"the diff exceeded the maximum number of lines"}')
        elif self.token is not None and not _has_token(request, self.token) and "!api" not in path:
            await _answer(request, 401, _JSON, b'{"message":"401 Unauthorized"}')
        else:
            await self._send(request, interface)

    def _interface(self, request: Request, path: str) -> Any:
        """What the site's interface has at that path: a text, an object, a list, or None."""
        table = {"bitbucket": _bitbucket, "forgejo": _forgejo, "github": _github, "gitlab": _gitlab}[self.kind]
        # GitLab takes a project as one segment, escaped.
        where = request.path if self.kind == "gitlab" else path
        for pattern, content in table(self, request):
            if re.fullmatch(pattern, where):
                return content
        return None

    async def _own(self, request: Request, path: str) -> None:
        """What the site's own pages may read with a session."""
        pr = self.pull_request
        paths = {
            "github": (f"/{pr.project}/pull/{pr.number}.diff", f"/{pr.project}/compare/{pr.target}...{pr.source}.diff"),
            "gitlab": (f"/{pr.project}/-/merge_requests/{pr.number}.diff",),
            "forgejo": (f"/{pr.project}/pulls/{pr.number}.diff",),
            "bitbucket": (),
        }[self.kind]
        commit = next((file for file in pr.files if path == f"/{pr.project}/commit/{commit_of(file)}.diff"), None)
        if path not in paths and commit is None:
            await _answer(request, 404, _JSON, b'{"message":"404 Not Found"}')
        elif not self.signed_in:
            await _answer(request, 200, "text/html; charset=utf-8", _SIGN_IN)
        elif self.elsewhere is not None and path == paths[0]:
            await _answer(request, 302, _TEXT, b"", [("Location", self.elsewhere)])
        else:
            await self._send(request, pr.diff if commit is None else commit.unified)

    async def _send(self, request: Request, content: Any) -> None:
        if isinstance(content, _Redirect):
            await _answer(request, 302, _TEXT, b"", [("Location", content.to)])
            return
        if isinstance(content, str):
            await self._send_tagged(request, _TEXT, content.encode(), [])
            return
        if isinstance(content, dict):
            await self._send_tagged(request, _JSON, json.dumps(content).encode(), [])
            return
        page = int(request.query.get("page", "1"))
        files = content[(page - 1) * self.page_size : page * self.page_size]
        more = page * self.page_size < len(content)
        link = [("Link", f'<{request.path}?page={page + 1}>; rel="next"')] if more else []
        await self._send_tagged(request, _JSON, json.dumps(files).encode(), link)

    async def _send_tagged(self, request: Request, kind: str, body: bytes, headers: list[tuple[str, str]]) -> None:
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.header("if-none-match") == etag:
            await request.connection.send(bodies.head(304, [("ETag", etag)]))
        elif self.cut:
            length = ("Content-Length", str(len(body)))
            await request.connection.send(bodies.head(200, [("Content-Type", kind), length]) + body[: len(body) // 2])
            request.connection.close()
        else:
            await _answer(request, 200, kind, body, [("ETag", etag), *headers])


@dataclass(frozen=True)
class _Redirect:
    to: str


_Table: TypeAlias = Sequence[tuple[str, Any]]


def _github(site: PullRequestSite, request: Request) -> _Table:
    pr = site.pull_request
    repos = f"(?:/api/v3)?/repos/{re.escape(pr.project)}"
    as_diff = request.header("accept") == "application/vnd.github.diff"
    one = pr.diff if as_diff else {"url": "of an object"}
    return [
        (f"{repos}/pulls/{pr.number}", one),
        (f"{repos}/compare/{re.escape(pr.target)}\\.\\.\\.{re.escape(pr.source)}", one),
        (f"{repos}/pulls/{pr.number}/files", [_github_file(file) for file in pr.files]),
    ]


def _gitlab(site: PullRequestSite, request: Request) -> _Table:
    pr = site.pull_request
    own = f"/api/v4/projects/{re.escape(quote(pr.project, safe=''))}"
    files = [_gitlab_file(file) for file in pr.files]
    asked = (request.query.get("from"), request.query.get("to"))
    return [
        (f"{own}/merge_requests/{pr.number}/raw_diffs", pr.diff),
        (f"{own}/merge_requests/{pr.number}/diffs", files),
        (f"{own}/repository/compare", {"diffs": files} if asked == (pr.target, pr.source) else None),
    ]


def _bitbucket(site: PullRequestSite, request: Request) -> _Table:
    pr = site.pull_request
    own = re.escape(pr.project)
    repository = f"(?:/!api)?/2\\.0/repositories/{own}"
    # A pull request's is sent to that of its commits, a carriage return between them.
    prefix = request.path.partition("/pullrequests/")[0]
    commits = f"{prefix}/diff/{pr.project}:0123456789ab%0Dba9876543210?from_pullrequest_id={pr.number}&topic=true"
    spec = f"(?:{re.escape(pr.source)}\\.\\.{re.escape(pr.target)}|{own}:[0-9a-f]+\\r[0-9a-f]+)"
    # Without `topic` it is what the other branch has new, too.
    of_commits = (
        pr.diff if request.query.get("topic") == "true" else "diff --git a/other b/other\nnew file mode 100644\n"
    )
    return [
        (f"{repository}/pullrequests/{pr.number}/diff", _Redirect(commits)),
        (f"{repository}/diff/{spec}", of_commits),
    ]


def _forgejo(site: PullRequestSite, request: Request) -> _Table:
    pr = site.pull_request
    repository = f"/api/v1/repos/{re.escape(pr.project)}"
    as_diff = site.gitea and request.query.get("output") == "diff"
    compared = pr.diff if as_diff else {"total_commits": len(pr.files), "commits": []}
    return [
        (f"{repository}/pulls/{pr.number}\\.diff", pr.diff),
        (f"{repository}/compare/{re.escape(pr.target)}\\.\\.\\.{re.escape(pr.source)}", compared),
    ]


def commit_of(file: ChangedFile) -> str:
    """Each file came with a commit of its own."""
    return hashlib.sha256(file.path.encode()).hexdigest()[:40]


def _has_token(request: Request, token: str) -> bool:
    given = request.header("authorization") or request.header("private-token") or ""
    return given.removeprefix("Bearer ").removeprefix("token ") == token


def _github_file(file: ChangedFile) -> dict[str, Any]:
    shown = {} if file.left_out else {"patch": file.patch.removesuffix("\n")}
    status = "added" if file.new else "modified"
    return {"filename": file.path, "status": status, "additions": file.patch.count("\n+"), "deletions": 0, **shown}


def _gitlab_file(file: ChangedFile) -> dict[str, Any]:
    return {
        "old_path": file.path,
        "new_path": file.path,
        "new_file": file.new,
        "renamed_file": False,
        "deleted_file": False,
        "collapsed": False,
        "too_large": file.left_out,
        "diff": "" if file.left_out else file.patch,
    }


async def _answer(
    request: Request, status: int, kind: str, body: bytes, headers: Sequence[tuple[str, str]] = ()
) -> None:
    fields = [("Content-Type", kind), ("Cache-Control", "no-cache"), *headers]
    await bodies.respond(request.connection, body, status=status, headers=fields)
