"""A hub on this machine: the answers of huggingface.co that its client needs to download."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import huggingface_hub
import pytest

Files = dict[str, bytes]


class Hub(ThreadingHTTPServer):
    """A server with repositories.

    repositories: branches by name (`datasets/organisation/name` for data sets), files by branch.
    gated: repositories that want a token. broken: files that are listed but not sent. refusal:
    status and message that answer every request. sent: files sent, in order.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.repositories: dict[str, dict[str, Files]] = {}
        self.gated: set[str] = set()
        self.broken: set[str] = set()
        self.refusal: tuple[int, str] | None = None
        self.sent: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def add(self, repo: str, files: Files, branch: str = "main") -> str:
        """Put files on a branch; returns the commit."""
        self.repositories.setdefault(repo, {})[branch] = files
        return commit(files)

    def find(self, repo: str, revision: str) -> Files | None:
        """The files of a branch or commit."""
        for branch, files in self.repositories[repo].items():
            if revision in (branch, commit(files)):
                return files
        return None


def files_of(folder: Path) -> Files:
    """All files of a folder, by their path inside it."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def commit(files: Files) -> str:
    """Commit of these files: a digest of their names and content."""
    digests = [f"{name} {hashlib.sha1(data).hexdigest()}" for name, data in sorted(files.items())]
    return hashlib.sha1("".join(digests).encode()).hexdigest()


@contextmanager
def serving(cache: Path) -> Iterator[Hub]:
    """An empty hub, which the client asks while the context lasts, and an empty cache."""
    constants = huggingface_hub.constants
    with Hub() as hub, pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "ENDPOINT", hub.url)
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        patch.setattr(constants, "HF_HUB_CACHE", str(cache))
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        patch.setattr(constants, "HF_TOKEN_PATH", str(cache / "no-token"))
        patch.delenv("HF_TOKEN", raising=False)
        patch.setenv("NO_PROXY", "127.0.0.1")
        Thread(target=hub.serve_forever, args=[0.01], daemon=True).start()
        yield hub
        hub.shutdown()


class _Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.server.refusal:
            status, message = self.server.refusal
            return self.give(b"", {"X-Error-Message": message}, status)
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        listing = parts[0] == "api"
        if not {"resolve", "tree", "revision"} & set(parts):
            return self.refuse(404, "NotHere")  # other questions of the client
        parts = parts[listing:]
        kind = parts.pop(0) if parts[0] in ("models", "datasets") else "models"
        organisation, name, what, revision, *inside = parts
        repo, file = f"{organisation}/{name}", "/".join(inside)
        repo = f"datasets/{repo}" if kind == "datasets" else repo
        if repo not in self.server.repositories:
            return self.refuse(401, "RepoNotFound")  # as for one that is private
        files = self.server.find(repo, revision)
        if files is None:
            return self.refuse(404, "RevisionNotFound")
        if what == "tree":
            entries = [
                {"type": "file", "path": path, "size": len(data), "oid": commit({path: data})}
                for path, data in files.items()
            ]
            return self.give(json.dumps(entries).encode())
        if what == "revision":
            return self.give(json.dumps({"id": repo, "sha": commit(files)}).encode())
        if file not in files:
            return self.refuse(404, "EntryNotFound")
        if repo in self.server.gated and "Authorization" not in self.headers:
            return self.refuse(401, "GatedRepo")
        if self.command == "GET" and file in self.server.broken:
            return self.refuse(403, "Broken")
        if self.command == "GET":
            self.server.sent.append(file)
        tag = {"ETag": f'"{commit({file: files[file]})}"', "X-Repo-Commit": commit(files)}
        self.give(files[file], tag)

    def refuse(self, status: int, code: str) -> None:
        self.give(b"", {"X-Error-Code": code}, status)

    def give(self, data: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Say nothing."""
