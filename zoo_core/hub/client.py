"""The Hub's client, and what the zoo does when the network, the server or the disk fails.

This is the only file that imports huggingface_hub.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..errors import NetworkError, UsageError, ZooError
from ..files import disk_error, is_full
from . import limits
from .answers import Garbage

WAITS = (1.0, 2.0, 4.0)  # seconds before another try
LONGEST_WAIT = 30.0  # whatever the server asks for
MALFORMED = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, AssertionError, RecursionError)
T = TypeVar("T")
log = logging.getLogger("zoo_core.hub")


def client() -> Any:
    """The client library, silent and over HTTP alone, since its uploads through Xet fail where a server has no Xet."""
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub.constants
    import huggingface_hub.errors
    import huggingface_hub.utils

    huggingface_hub.utils.logging.set_verbosity_error()
    if not sys.stderr.isatty():
        huggingface_hub.utils.disable_progress_bars()  # type: ignore[attr-defined]
    return huggingface_hub


def progress_bar(title: str) -> type:
    """The client's bar under a title of ours: it would show a name that the server chose."""
    bar: Any = client().utils.tqdm

    class Titled(bar):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **{**options, "desc": title})

    return Titled


def check_online(why: str = "") -> None:
    """Whether anything may be asked of a server.

    Args:
        why: a server must be asked, for the error.
    Raises:
        NetworkError: the user forbade it.
    """
    if os.environ.get("ZOO_OFFLINE"):
        raise NetworkError(f"{why}ZOO_OFFLINE is set, so no server is asked", "connect to the network and unset it")


def patiently(do: Callable[[], T], call: Callable[[], limits.Call] = limits.Call) -> T:
    """Call `do`; call it again, after ever longer waits, where the network or the server fails for the moment.

    Args:
        call: makes the bounds of what the server may send, anew for each try.
    """
    for wait in (*WAITS, None):
        try:
            with limits.heard(client().get_session(), call()):
                return do()
        except Exception as error:
            if wait is None or _is_final(error):
                raise
            asked = _asked_wait(error)
            pause = min(LONGEST_WAIT, max(wait, asked))
            if asked >= 1:
                log.warning("the server asks to wait %.0f s; trying again in %.0f s", asked, pause)
            time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def _asked_wait(error: Exception) -> float:
    """How many seconds the server asks to wait."""
    return limits.asked_wait(getattr(getattr(_root(error), "response", None), "headers", {}))


def _root(error: BaseException) -> BaseException:
    """What the transport or the server did where the client reports it in words of its own, else the error itself."""
    if isinstance(error, Garbage | ZooError | limits.Busy) or _of_the_system(error):
        return error
    errors = client().errors
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, errors.HTTPError | errors.OfflineModeIsEnabled | limits.Busy):
            return below
        below = below.__cause__ or below.__context__
    return error


def _of_the_system(error: BaseException) -> bool:
    """Whether the operating system refused something, such as a write to a full disk."""
    return isinstance(error, OSError) and error.errno is not None and not getattr(error, "response", None)


def _is_final(error: Exception) -> bool:
    """Whether trying again is of no use."""
    root = _root(error)
    if (status := _status(root)) is not None:
        return status < 500 and status not in (408, 429)
    final = (ZooError, client().errors.OfflineModeIsEnabled, *MALFORMED)
    return isinstance(root, final) or _of_the_system(root)


@contextlib.contextmanager
def explained(repo: str, commit: str = "", endpoint: str | None = None) -> Iterator[None]:
    """Turn whatever the client raises (its own errors, the transport's, the system's) into an error of the zoo.

    Its warnings, which quote the server, are not shown.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="huggingface_hub")
            yield
    except ZooError:
        raise
    except Exception as error:
        raise _explain(error, f"{repo} at {commit[:12]}" if commit else repo, endpoint) from error


def _explain(error: Exception, what: str, endpoint: str | None) -> ZooError:
    hub = client()
    root = _root(error)
    if isinstance(root, hub.errors.HFValidationError):
        return UsageError(f"'{what}' is no name of a repository", "it is ORG/NAME")
    if isinstance(root, OSError) and _of_the_system(root):
        where = Path(root.filename or hub.constants.HF_HUB_CACHE)
        refused = disk_error(where, root)
        refused.hint = (
            "free some space, or set HF_HOME to another folder" if is_full(root) else "set HF_HOME to another folder"
        )
        return refused
    if isinstance(root, MALFORMED):
        host = urlsplit(endpoint or hub.constants.ENDPOINT).netloc.rpartition("@")[2]
        return NetworkError(f"{what}: the answer of {host} is not one of a Hub: {without_token(_in_words(root))}",
                            "check the server's address: HF_ENDPOINT, or --endpoint")  # fmt: skip
    reason = without_token(" ".join(str(root).split()))[:300]
    if isinstance(root, hub.errors.RepositoryNotFoundError) or _status(root) in (401, 403):
        return NetworkError(f"{what}: there is no such repository, or it is closed to you: {reason}",
                            "check the name; log in with hf auth login, or set HF_TOKEN")  # fmt: skip
    return NetworkError(
        f"{what} cannot be reached: {reason}", "try again later; HF_ENDPOINT says which server is asked"
    )


def _in_words(error: BaseException) -> str:
    """What is wrong with an answer that the client tripped over."""
    if isinstance(error, Garbage):
        return str(error)
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, json.JSONDecodeError | UnicodeError):
        return "it is not JSON"
    if isinstance(error, KeyError):
        return f"it has no '{error.args[0]}'"
    return "something in it is of another kind than it must be"


def without_token(text: str) -> str:
    """The text without the user's token, which a server may repeat, and without a password in an address."""
    token = client().get_token()
    text = re.sub(r"(?<=://)[^/\s@]+@", "…@", text)
    return text.replace(token, "…") if token else text


def _status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)
