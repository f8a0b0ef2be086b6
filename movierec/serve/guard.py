"""Refuse requests of other sites and of too large bodies, and say what the page may load."""

from ipaddress import ip_address

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from movierec.datasets.exports import MOST_BYTES

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Middleware that lets only the server's own pages in.

    A page of another site may name this server (`Origin`), or reach it by a name of its own (`Host`, DNS rebinding),
    but not by its address.

    Args:
        app: What is guarded.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        received = 0

        async def receive_some() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MOST_BYTES:
                raise HTTPException(413, f"Expected at most {MOST_BYTES // 1_000_000} MB.")
            return message

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if refused := refuse(headers):
            problem = JSONResponse({"message": refused, "field": None}, status_code=403)
            await problem(scope, receive, send_guarded)
        else:
            await self.app(scope, receive_some, send_guarded)


def refuse(headers: Headers) -> str:
    """Say why a request is refused; empty if it is not."""
    host, origin = headers.get("host", ""), headers.get("origin")
    name = host.rpartition(":")[0] or host
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        if name != "localhost":
            return f"Expected the host localhost or an address, got {host[:80]!r}."
    if origin not in (None, f"http://{host}"):
        return f"Expected a request of this page, got one of {origin[:80]!r}."
    return ""
