"""The Hub's client, and what the zoo does when the network, the server or the disk fails.

This is the only file that imports huggingface_hub.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from ..errors import NetworkError, UsageError, ZooError
from ..files import disk_error, is_full

WAITS = (1.0, 2.0, 4.0)  # seconds before another try
LONGEST_WAIT = 30.0  # whatever the server asks for
T = TypeVar("T")


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


def check_online() -> None:
    """Whether anything may be asked of a server.

    Raises:
        NetworkError: the user forbade it.
    """
    if os.environ.get("ZOO_OFFLINE"):
        raise NetworkError("ZOO_OFFLINE is set, so no server is asked", "connect to the network and unset it")


def patiently(do: Callable[[], T]) -> T:
    """Call `do`; call it again, after ever longer waits, where the network or the server fails for the moment."""
    for wait in WAITS:
        try:
            return do()
        except Exception as error:
            if _is_final(error):
                raise
            time.sleep(min(LONGEST_WAIT, max(wait, _asked_wait(error))))
    return do()


def _is_final(error: Exception) -> bool:
    """Whether trying again is of no use."""
    if (status := _status(error)) is not None:
        return status < 500 and status not in (408, 429)
    final = (ZooError, ValueError, client().errors.OfflineModeIsEnabled)
    return isinstance(error, final) or (isinstance(error, OSError) and error.errno is not None)


def _asked_wait(error: Exception) -> float:
    """How many seconds the server asks to wait; a date counts as none, since it would need two clocks that agree."""
    value = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0


@contextlib.contextmanager
def explained(repo: str, commit: str = "") -> Iterator[None]:
    """Turn whatever the client raises (its own errors, the transport's, the system's) into an error of the zoo."""
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        raise _explain(error, f"{repo} at {commit[:12]}" if commit else repo) from error


def _explain(error: Exception, what: str) -> ZooError:
    hub = client()
    if isinstance(error, hub.errors.HFValidationError):
        return UsageError(f"'{what}' is no name of a repository", "it is ORG/NAME")
    if isinstance(error, OSError) and error.errno is not None and not getattr(error, "response", None):
        where = Path(error.filename or hub.constants.HF_HUB_CACHE)
        refused = disk_error(where, error)
        refused.hint = (
            "free some space, or set HF_HOME to another folder" if is_full(error) else "set HF_HOME to another folder"
        )
        return refused
    reason = without_token(" ".join(str(error).split()))[:300]
    if isinstance(error, hub.errors.RepositoryNotFoundError) or _status(error) in (401, 403):
        return NetworkError(f"{what}: there is no such repository, or it is closed to you: {reason}",
                            "check the name; log in with hf auth login, or set HF_TOKEN")  # fmt: skip
    return NetworkError(
        f"{what} cannot be reached: {reason}", "try again later; HF_ENDPOINT says which server is asked"
    )


def without_token(text: str) -> str:
    """The text with the user's token taken out: a server may repeat it in an error."""
    token = client().get_token()
    return text.replace(token, "…") if token else text


def _status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)
