"""The rules that a declared data set keeps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ..data import sets, texts
from ..data.declare import DataSet
from ..errors import PluginError
from .face import HEAVY


def check_dataset(name: str, *, data_root: str | Path) -> None:
    """Hold a data set to its contract: all parts whose files are there are read, twice.

    Args:
        name: an installed data set.
        data_root: holds its files, or small ones of the same format.
    Raises:
        PluginError: naming the rule that is broken.
        ZooError: whatever is wrong with the files.
    """
    data, root = sets.find(name), Path(data_root)
    for field in ("summary", "licence", "citation"):
        _require(getattr(data, field), data, f"its declaration says nothing about '{field}'")
    for files in data.files.values():
        for file in files:
            _require(not file.urls or file.sha256 or file.md5, data, f"{file.name} has an address and no hash")
    _check_face(data)
    parts = [split for split in data.splits if all(path.is_file() for path in data.paths(split, root).values())]
    _require(parts, data, f"no part of it is in {root}")
    for split in parts:
        if data.kind == "images":
            _check_images(data, split, root)
        else:
            found = texts.load(data.name, split, root)
            _require(texts.load(data.name, split, root) == found, data, f"'{split}' is read differently each time")


def _require(condition: object, data: DataSet, rule: str) -> None:
    if not condition:
        raise PluginError(f"{data.name} breaks the contract: {rule}")


def _check_face(data: DataSet) -> None:
    """Importing the declaration imports nothing heavy."""
    code = (
        "import sys, json\nbefore = set(sys.modules)\nfrom zoo_core.data import sets\n"
        f"sets.find({data.name!r})\nprint(json.dumps(list(set(sys.modules) - before)))"
    )
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    loaded = set(json.loads(done.stdout)) if done.returncode == 0 else set()
    _require(loaded, data, f"its declaration cannot be imported on its own: {done.stderr[-200:]}")
    heavy = [module for module in HEAVY if module in loaded]
    _require(not heavy, data, f"its declaration imports {', '.join(heavy)}; import inside the reader")


def _check_images(data: DataSet, split: str, root: Path) -> None:
    """What `images.load` does not refuse, but a training would stumble over."""
    import torch

    from ..data import images

    first, second = (images.load(data.name, split, root) for _ in range(2))
    same = torch.equal(first.images, second.images) and torch.equal(first.labels, second.labels)
    _require(same and first.sha256 == second.sha256, data, f"'{split}' is read differently each time")
