"""Pages of the four sites, as far as the writer looks at them: titles, branches, authors, forms, and what is easily
taken for the description's editor. The markup follows what `extension/src/writer/sites/` says it has seen of each.

    site.pages[address("gitlab", new=True)] = page("gitlab", new=True)
"""

from html import escape
from pathlib import Path
from string import Template
from typing import Final

from tests.upstreams.pull_request_sites import PULL_REQUEST, Kind, PullRequest, commit_of

_HERE: Final = Path(__file__).parent
# Fields of a form have a size, or they would count as unseen.
_TEXTAREA: Final = "style='width: 600px; height: 120px'"
_RICH: Final = "class='ProseMirror' contenteditable='true' style='width: 600px; min-height: 120px'"
_COMMIT: Final = "<tr><td class='sha'><a class='ui sha label' href='/{project}/commit/{sha}'>{sha:.10}</a></td></tr>"


def default_editor(kind: Kind, *, new: bool) -> str:
    """The plain editor of a page where a test brings no other; GitLab's edits are in its rich one."""
    match kind, new:
        case "github", True:
            return f"<textarea id='pull_request_body' name='pull_request[body]' {_TEXTAREA}></textarea>"
        case "github", False:
            return f"<textarea name='pull_request[body]' {_TEXTAREA}></textarea>"
        case "gitlab", True:
            name = "id='merge_request_description' name='merge_request[description]'"
            return f"<textarea {name} {_TEXTAREA}></textarea>"
        case "gitlab", False:
            hidden = "<input type='hidden' name='merge_request[description]'>"
            return f"{hidden}<div data-testid='content_editor_editablebox'><div {_RICH}></div></div>"
        case "bitbucket", _:
            return f"<div id='ak-editor-textarea' {_RICH}></div>"
        case _:
            return f"<textarea class='markdown-text-editor' name='content' {_TEXTAREA}></textarea>"


def address(kind: Kind, *, new: bool, pr: PullRequest = PULL_REQUEST) -> str:
    """The page's path and query."""
    source = pr.source.replace("/", "%2F")
    branches = f"merge_request%5Bsource_branch%5D={source}&merge_request%5Btarget_branch%5D={pr.target}"
    destination = f"{pr.project}::{pr.target}".replace("/", "%2F").replace(":", "%3A")
    existing, about_to_be = {
        "github": (f"pull/{pr.number}", f"compare/{pr.target}...{pr.source}?expand=1"),
        "gitlab": (f"-/merge_requests/{pr.number}/edit", f"-/merge_requests/new?{branches}"),
        "bitbucket": (f"pull-requests/{pr.number}", f"pull-requests/new?source={source}&dest={destination}"),
        "forgejo": (f"pulls/{pr.number}", f"compare/{pr.target}...{pr.source}"),
    }[kind]
    return f"/{pr.project}/{about_to_be if new else existing}"


def page(
    kind: Kind,
    *,
    new: bool,
    pr: PullRequest = PULL_REQUEST,
    hostname: str = "localhost",
    editor: str | None = None,
    head: str = "",
    body: str = "",
) -> str:
    """The page at `address(kind, new=new, pr=pr)`, with the HTML of an editor; `head` and `body` end with these."""
    # The newest is first.
    commits = [_COMMIT.format(project=pr.project, sha=commit_of(file)) for file in reversed(pr.files)]
    text = (_HERE / f"{kind}-{'new' if new else 'existing'}.html").read_text(encoding="utf-8")
    return Template(text).substitute(
        author=escape(pr.author),
        body=body,
        commits="".join(commits),
        editor=default_editor(kind, new=new) if editor is None else editor,
        head=head,
        hostname=hostname,
        number=pr.number,
        owner=pr.project.partition("/")[0],
        project=pr.project,
        rich=_RICH,
        source=escape(pr.source),
        target=escape(pr.target),
        textarea=_TEXTAREA,
        title=escape(pr.title),
    )
