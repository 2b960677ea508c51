"""The page's server: what a browser on this machine gets, and what it may ask for.

All of it lies under an address that begins with a token, which only those know who started the command:

    GET  /TOKEN/                      the page
    GET  /TOKEN/assets/...            its scripts and styles
    GET  /TOKEN/picture?after=NUMBER  the newest picture, once it has another number
    GET  /TOKEN/choices               what can be chosen
    POST /TOKEN/do                    {"command": ..., and its arguments}
    GET  /TOKEN/drawn-1.npy           a drawing, as the command shown asks for it

What comes with another Host or Origin is refused before it is looked at, so that a page from elsewhere can neither ask
nor, by a name that it had point here, read.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from importlib import resources
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from minigan.errors import Told
from minigan.living.choices import choices
from minigan.living.worker import Worker

LARGEST_BODY = 1 << 19
SECONDS_TO_WAIT = 20.0
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
ASSETS = ("live", "step", "uplot", "katex")


class Guard:
    """Lets pass what was sent to this server by name, and by no page of another origin; adds the headers."""

    def __init__(self, app: ASGIApp, port: int):
        self.app = app
        self.hosts = {f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost")}
        self.origins = {b"http://" + host for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        sent = [(name.lower(), value) for name, value in scope["headers"]]
        hosts, origins = ([value for name, value in sent if name == asked] for asked in (b"host", b"origin"))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in HEADERS.items())]
            await send(message)

        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            await PlainTextResponse("another Host than this server's", 421)(scope, receive, with_headers)
        elif any(origin not in self.origins for origin in origins):
            await PlainTextResponse("another Origin than this server's", 403)(scope, receive, with_headers)
        else:
            await self.app(scope, receive, with_headers)


def application(worker: Worker, port: int, token: str) -> ASGIApp:
    """The server of one run, which knows its own address, 127.0.0.1:port."""
    root = resources.files("minigan") / "assets"
    page = Path(str(root / "live" / "index.html"))

    async def index(request: Request) -> Response:
        return FileResponse(page)

    async def picture(request: Request) -> Response:
        try:
            after = int(request.query_params.get("after", "-1"))
        except ValueError:
            return told("after: expected a number")
        newest = await worker.newest.after(after, SECONDS_TO_WAIT)
        return Response(newest.encoded, media_type="application/json")

    async def what_can_be_chosen(request: Request) -> Response:
        return JSONResponse(choices())

    async def do(request: Request) -> Response:
        asked = await body_of(request)
        if not isinstance(asked, dict) or not isinstance(command := asked.pop("command", None), str):
            return told("expected a command, as JSON")
        try:
            answer = await asyncio.wrap_future(worker.ask(command, **asked))
        except KeyError:
            return told(f"{command}: expected one of {', '.join(worker.COMMANDS)}")
        except (Told, TypeError, ValueError) as error:
            return told(" ".join(str(error).split()), 200)  # the page's user was wrong, and not the page
        return JSONResponse({"answer": answer})

    async def drawing(request: Request) -> Response:
        found = worker.drawn(request.path_params["name"])
        return Response(status_code=404) if found is None else FileResponse(found)

    assets = [Mount(f"/assets/{name}", StaticFiles(directory=str(root / name))) for name in ASSETS]
    inside = [
        Route("/", index),
        Route("/picture", picture),
        Route("/choices", what_can_be_chosen),
        Route("/do", do, methods=["POST"]),
        *assets,
        Route("/{name}", drawing),
    ]
    return Guard(Starlette(routes=[Mount(f"/{token}", routes=inside)]), port)


def new_token() -> str:
    """Of 128 random bits, for an address."""
    return secrets.token_urlsafe(16)


async def body_of(request: Request) -> Any:
    """The JSON of a request; None where it is none, or too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def told(why: str, status: int = 400) -> JSONResponse:
    """A refusal, in one line."""
    return JSONResponse({"error": why}, status)
