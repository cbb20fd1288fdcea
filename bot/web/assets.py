"""The files that pages need. A browser keeps one for ever under its version, which changes with its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.web.paths import page_path

STATIC = Path(__file__).parents[1] / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    body: bytes
    media_type: str
    version: str


class Assets:
    """Files by name, all read at once. `route`: the name of the path at which they are served."""

    def __init__(self, files: Iterable[Path], route: str) -> None:
        self._assets = {file.name: _asset(file) for file in files if file.suffix in TYPES}
        self._route = route

    def path(self, name: str) -> str:
        """Where a browser finds it, with its version."""
        return f"{page_path(self._route, name=name)}?v={self._assets[name].version}"

    async def serve(self, request: Request) -> Response:
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        kept = "public, max-age=31536000, immutable" if request.query_params.get("v") == asset.version else "no-cache"
        return Response(asset.body, media_type=asset.media_type, headers={"Cache-Control": kept})


def _asset(file: Path) -> Asset:
    body = file.read_bytes()
    return Asset(body, TYPES[file.suffix], hashlib.sha256(body).hexdigest()[:12])
