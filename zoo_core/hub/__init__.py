"""The Hugging Face Hub, or any server that speaks its protocol.

The client accepts whatever a server sends: a flipped byte, a false hash header and the file of another commit all count
as success, and stay in its cache. So this package compares each file with what was asked for, and removes it if it is
something else. Files lie in the client's cache (``HF_HOME``). `endpoint`, or else ``HF_ENDPOINT``, says which server is
asked. The token is that of the client's own login, or ``HF_TOKEN``.

Imports errors, files, formats.
"""

from .cache import adopt, cached, prune, sweep, unfinished
from .client import without_token
from .collections import Collected, collect
from .fetching import MissingFile, fetch, folder
from .looking import hashes_at, newest
from .names import check_name, split_address
from .publishing import push, read_head

__all__ = [
    "Collected", "MissingFile", "adopt", "cached", "check_name", "collect", "fetch", "folder", "hashes_at", "newest",
    "prune", "push", "read_head", "split_address", "sweep", "unfinished", "without_token",
]  # fmt: skip
