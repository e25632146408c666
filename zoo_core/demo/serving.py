"""Serves a page: on this machine alone unless told otherwise, with nothing sent anywhere, until Ctrl-C."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, ZooError
from .drawing import Studio
from .offers import Offer

if TYPE_CHECKING:
    from fastapi import FastAPI

QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
POLICY = (  # the page fetches nothing from another host
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'"
)


@contextlib.contextmanager
def page(
    offers: Mapping[str, Offer | ZooError], studio: Studio, host: str, port: int
) -> Iterator[tuple[str, Callable[[], None]]]:
    """A page that is ready to be served; what its users send is gone afterwards.

    Args:
        host: the address to listen at.
        port: 0 takes a free one.
    Yields:
        its address, which can be asked from now on, and what answers until Ctrl-C.
    Raises:
        UsageError: the extra is not installed, or nothing can listen there.
    """
    with _listener(host, port) as listener, tempfile.TemporaryDirectory(prefix="zoo-demo-") as uploads:
        os.environ |= {**QUIET, "GRADIO_TEMP_DIR": uploads}  # before Gradio is imported, which reads them then
        app = _application(offers, studio)
        bound, place = listener.getsockname()[:2]
        named = f"[{bound}]" if ":" in bound else bound
        if alone := ip_address(bound).is_loopback:
            _guard(app, [*LOOPBACK, named, host.lower()])
        yield f"http://{named}:{place}", partial(_run, app, listener, POLICY + "; frame-ancestors 'none'" * alone)


def is_loopback(host: str) -> bool:
    """Whether an address, or what a name stands for, is of this machine alone."""
    try:
        return ip_address(socket.getaddrinfo(host, None)[0][4][0]).is_loopback
    except (OSError, ValueError):
        return False


def _listener(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        UsageError: there is no such address here, or the port is taken.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"{host} is no address to listen at: {error.strerror}", "leave out --host") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen()
    except OSError as error:
        listener.close()
        raise UsageError(
            f"nothing can listen at {host}, port {port}: {error.strerror}",
            "choose another one: --port 0 takes a free one",
        ) from error
    return listener


def _application(offers: Mapping[str, Offer | ZooError], studio: Studio) -> FastAPI:
    """The page.

    Raises:
        UsageError: the extra is not installed.
    """
    try:
        from .page import application
    except ImportError as error:
        raise UsageError(f"the page needs Gradio: {error}", "pip install 'zoo-core[demo]'") from error
    return application(offers, studio)


def _guard(app: FastAPI, names: list[str]) -> None:
    """Answer those only who ask this machine by its own names: no page of somebody else can be one of ours."""
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    app.add_middleware(TrustedHostMiddleware, allowed_hosts=names)


def _run(app: FastAPI, listener: socket.socket, policy: str) -> None:
    """Serve until Ctrl-C, or until the process is told to end.

    Args:
        policy: what browsers may do with the page.
    """
    import uvicorn

    async def restricted(scope: Any, receive: Any, send: Any) -> None:
        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", policy.encode())]
            await send(message)

        await app(scope, receive, answer if scope["type"] == "http" else send)

    threading.Thread(target=importlib.import_module, args=("zoo_core.run.run",), daemon=True).start()  # takes seconds
    config = uvicorn.Config(restricted, log_level="error", access_log=False, timeout_graceful_shutdown=1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's end is as clean as Ctrl-C
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
