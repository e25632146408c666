"""The Hugging Face Hub, or any server that speaks its protocol.

The client accepts whatever a server sends: a flipped byte, a false hash header and the file of another commit all count
as success, and stay in its cache. So this package compares each file with what was asked for, and removes it if it is
something else. Files lie in the client's cache (``HF_HOME``). `endpoint`, or else ``HF_ENDPOINT``, says which server is
asked. The token is that of the client's own login, or ``HF_TOKEN``.

Imports errors, lazy, files, formats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .cache import adopt, cached, prune, sweep, unfinished
    from .client import without_token
    from .collections import Collected, collect
    from .fetching import MissingFile, fetch, folder
    from .looking import hashes_at, newest
    from .names import check_name, split_address
    from .publishing import push, read_head

_LAZY = {  # imported when they are asked for: most commands ask the Hub for nothing
    **dict.fromkeys(("adopt", "cached", "prune", "sweep", "unfinished"), ".cache"),
    "without_token": ".client",
    **dict.fromkeys(("Collected", "collect"), ".collections"),
    **dict.fromkeys(("MissingFile", "fetch", "folder"), ".fetching"),
    **dict.fromkeys(("hashes_at", "newest"), ".looking"),
    **dict.fromkeys(("check_name", "split_address"), ".names"),
    **dict.fromkeys(("push", "read_head"), ".publishing"),
}

__all__ = [
    "Collected", "MissingFile", "adopt", "cached", "check_name", "collect", "fetch", "folder", "hashes_at", "newest",
    "prune", "push", "read_head", "split_address", "sweep", "unfinished", "without_token",
]  # fmt: skip


__getattr__ = lazily(__name__, _LAZY)
