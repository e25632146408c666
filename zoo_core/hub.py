"""The Hugging Face Hub, or any server that speaks its protocol. The only file that imports its client."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from .errors import IntegrityError, NetworkError, UsageError


def folder(source: str, files: Sequence[str]) -> Path:
    """A local folder with these files: the one that is named, or the copy of a repository at one commit.

    Args:
        source: a folder, or ``org/name@COMMIT`` with all 40 digits.
        files: what is needed of it.
    Raises:
        UsageError: neither a folder nor a pinned repository.
        IntegrityError: a file is missing.
        NetworkError: it cannot be fetched.
    """
    repo, _, commit = source.partition("@")
    if Path(source).is_dir():
        found = Path(source)
    elif not re.fullmatch(r"[0-9a-f]{40}", commit) or repo.count("/") != 1:
        raise UsageError(f"'{source}' is neither a folder nor ORG/NAME@COMMIT", "give all 40 digits of the commit")
    else:
        found = _snapshot(repo, commit, files)
    if missing := [name for name in files if not (found / name).is_file()]:
        pickled = [entry.name for entry in found.iterdir() if entry.suffix in (".bin", ".pt", ".pth", ".pkl", ".ckpt")]
        why = f", only {pickled[0]}, a pickle, which the zoo never loads" if pickled else ""
        raise IntegrityError(
            f"{source} has no {missing[0]}{why}", "save it again as safetensors, with its tokenizer.json"
        )
    return found


def _snapshot(repo: str, commit: str, files: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download

    offline = bool(os.environ.get("ZOO_OFFLINE"))
    try:
        return Path(snapshot_download(repo, revision=commit, allow_patterns=list(files), local_files_only=offline))
    except Exception as error:  # the client raises its own kinds, the transport's, and the system's
        reason = "it is not in the cache, and ZOO_OFFLINE is set" if offline else " ".join(str(error).split())[:300]
        raise NetworkError(f"{repo} at {commit[:12]} cannot be fetched: {reason}",
                           "connect to the network, or give a local folder") from error  # fmt: skip
