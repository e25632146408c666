"""The Hub's client, and what it does when the network, the server or the disk fails. The only file that imports it."""

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
    """The client; silent, and over HTTP alone: its uploads through Xet do not fall back where a server has none."""
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
    """Do it; where the network or the server fails for the moment, again, after ever longer waits."""
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
    """Seconds that the server asks us to wait; a date, which would need two clocks that agree, counts as nothing."""
    value = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0


@contextlib.contextmanager
def explained(repo: str, commit: str = "") -> Iterator[None]:
    """Turn what the client raises, its own kinds, the transport's and the system's, into one of ours."""
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
        found = disk_error(where, error)
        found.hint = (
            "free some space, or set HF_HOME to another folder" if is_full(error) else "set HF_HOME to another folder"
        )
        return found
    reason = without_token(" ".join(str(error).split()))[:300]
    if isinstance(error, hub.errors.RepositoryNotFoundError) or _status(error) in (401, 403):
        return NetworkError(f"{what}: there is no such repository, or it is closed to you: {reason}",
                            "check the name; log in with hf auth login, or set HF_TOKEN")  # fmt: skip
    return NetworkError(
        f"{what} cannot be reached: {reason}", "try again later; HF_ENDPOINT says which server is asked"
    )


def without_token(text: str) -> str:
    """A text in which the user's token, which a server may repeat, cannot be read."""
    token = client().get_token()
    return text.replace(token, "…") if token else text


def _status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)
