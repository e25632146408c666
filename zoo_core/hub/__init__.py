"""The Hugging Face Hub, or any server that speaks its protocol.

The client takes what it gets: a flipped byte, a false hash header or the file of another commit are a success to it,
and stay in its cache. So what comes is compared with what was asked for here, and removed if it is something else.
Fetched files lie in the client's cache (``HF_HOME``); which server is asked says `endpoint` or ``HF_ENDPOINT``; the
token is that of the client's own login, or ``HF_TOKEN``.
"""

from .client import without_token
from .fetching import cached, fetch, folder, prune, split_address
from .publishing import check_name, push, read_head

__all__ = ["cached", "check_name", "fetch", "folder", "prune", "push", "read_head", "split_address", "without_token"]
