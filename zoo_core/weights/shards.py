"""Weights in one file or in several: large ones are an index and shards, named as on the Hub.

The index is JSON: ``weight_map`` says in which file each tensor is, ``metadata`` holds the total size and the facts
that a single file has in its header (https://huggingface.co/docs/transformers/big_models).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from .. import hub
from ..cards.checkpoint import once
from ..errors import IntegrityError
from ..files import atomic_write, file_sha256, read_bytes, sha256
from ..files.reading import LONGEST_TEXT
from ..formats import WEIGHTS as WEIGHTS_FORMAT
from ..formats.schemas import Facts, Index, fitted, plain
from . import tensorfile
from .peek import HEADER
from .pins import INDEX, WEIGHTS, Shard
from .tensorfile import Check, Contents

NAME = r"model-\d{5}-of-\d{5}\.safetensors"  # what a shard is called
LARGEST = 5_000_000_000  # bytes of one file; the Hub recommends no larger ones


def save(
    folder: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], largest: int = 0
) -> tuple[Shard, tuple[Shard, ...]]:
    """Write weights into a folder: one file, or, where they are large, shards and then their index.

    Args:
        tensors: name to tensor; tied ones are stored once.
        facts: what a reader learns of the training.
        largest: bytes of one file, the usual number if 0; a larger tensor has one of its own.
    Returns:
        the file to open (the only one, or the index), and the shards, if there are any.
    Raises:
        TrainingError: a value is no number, or the disk is full.
    """
    tensorfile.check_numbers(tensors)
    groups, shard_names = _groups(once(tensors), largest), names(tensors, largest)
    if len(groups) < 2:
        digest = tensorfile.save(folder / WEIGHTS, tensors, facts)
        return Shard(WEIGHTS, (folder / WEIGHTS).stat().st_size, digest), ()
    written = []
    for name, group in zip(shard_names, groups, strict=True):
        digest = tensorfile.save(folder / name, group, {})
        written.append(Shard(name, (folder / name).stat().st_size, digest))
    total = sum(_bytes(tensor) for group in groups for tensor in group.values())
    metadata = {"total_size": total, HEADER: json.dumps(facts, sort_keys=True)}
    weight_map = {tensor: name for name, group in zip(shard_names, groups, strict=True) for tensor in sorted(group)}
    atomic_write(folder / INDEX, json.dumps({"metadata": metadata, "weight_map": weight_map}, indent=2).encode())
    return Shard(INDEX, *file_sha256(folder / INDEX)), tuple(written)


def names(tensors: Mapping[str, Tensor], largest: int = 0) -> list[str]:
    """The files that `save` makes beside the index; none where one file holds all."""
    count = len(_groups(once(tensors), largest))
    return [f"model-{i:05}-of-{count:05}.safetensors" for i in range(1, count + 1)] if count > 1 else []


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _groups(tensors: Mapping[str, Tensor], largest: int) -> list[dict[str, Tensor]]:
    """The tensors by name, a file's worth at a time."""
    groups: list[dict[str, Tensor]] = [{}]
    largest = largest or LARGEST
    room = largest
    for name in sorted(tensors):
        size = _bytes(tensors[name])
        if groups[-1] and size > room:
            groups.append({})
            room = largest
        groups[-1][name] = tensors[name]
        room -= size
    return groups


def read(path: Path, check: Check | None = None) -> Contents:
    """Read weights from a file, or from an index and the shards beside it.

    Args:
        check: is given size, sha256 and path of each file before it is used, and may refuse it.
    Raises:
        UsageError: a file is missing.
        IntegrityError: a file is not what `check` wants, or damaged, or the shards are not those of the index.
    """
    if not path.name.endswith(".index.json"):
        contents = tensorfile.read(path, check, WEIGHTS_FORMAT)
        return replace(contents, facts=plain(Facts, contents.facts, str(path)))
    data = read_bytes(path, most=LONGEST_TEXT)
    digest = sha256(data)
    if check:
        check(len(data), digest, path)
    weight_map, facts = _parse_index(path, data)
    WEIGHTS_FORMAT.check(facts, str(path))
    tensors: dict[str, Tensor] = {}
    size = len(data)
    for name in sorted(set(weight_map.values())):
        shard = tensorfile.read(path.parent / name, check)
        if set(shard.tensors) != {tensor for tensor, file in weight_map.items() if file == name}:
            raise IntegrityError(f"{path.parent / name} does not hold what {path.name} says", "get the files again")
        tensors |= shard.tensors
        size += shard.size
    return Contents(tensors, plain(Facts, facts, str(path)), size, digest)


def fetch(repo: str, commit: str, name: str = WEIGHTS, endpoint: str | None = None) -> Path:
    """Weights of a repository at one commit: the single file, else its index, once the shards that it names are here.

    Raises:
        MissingFile: there is neither.
        ZooError: they cannot be fetched, or are not what the server says.
    """
    index = f"{name}.index.json"
    sharded = hub.cached(repo, commit, index) and not hub.cached(repo, commit, name)  # known without a network
    try:
        if not sharded:
            return hub.fetch(repo, commit, name, endpoint=endpoint)
        path = hub.fetch(repo, commit, index, endpoint=endpoint)
    except hub.MissingFile as error:
        try:
            path = hub.fetch(repo, commit, index, endpoint=endpoint)
        except hub.MissingFile:
            raise error from None
    for shard in sorted(files_of(path)):
        hub.fetch(repo, commit, shard, endpoint=endpoint)
    return path


def folder(source: str, names: Sequence[str]) -> Path:
    """What `hub.folder` gives, where weights (``*.safetensors``) may be in several files: see `read_tensors`.

    Raises:
        MissingFile: it lacks a file, or a shard.
        ZooError: see `hub.folder`.
    """
    weights = [name for name in names if name.endswith(".safetensors")]
    others = [name for name in names if name not in weights]
    if not os.path.isdir(source):
        repo, commit = hub.split_address(source)
        paths = [hub.fetch(repo, commit, name) for name in others]
        return [*paths, *(fetch(repo, commit, name) for name in weights)][0].parent
    for name in weights:
        index = Path(source, f"{name}.index.json")
        several = os.path.isfile(index) and not os.path.exists(Path(source, name))
        others += [index.name, *sorted(files_of(index))] if several else [name]
    return hub.folder(source, others)


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of any safetensors file, by name, on the CPU: for weights that others have published.

    Where there is no such file, and an index of that name (``model.safetensors.index.json``) beside it, those of the
    shards that it names.

    Raises:
        UsageError: there is no such file.
        IntegrityError: it is cut short, damaged, or no safetensors file at all.
    """
    path = Path(path)
    index = path.with_name(f"{path.name}.index.json")
    several = os.path.isfile(index) and not os.path.exists(path)
    contents = read(index) if several else tensorfile.read(path)
    return {name: tensor.clone() for name, tensor in contents.tensors.items()}


def files_of(index: Path) -> set[str]:
    """The names of the shards that an index names.

    Raises:
        IntegrityError: it is malformed, or names a file that is not beside it.
    """
    return set(_parse_index(index, read_bytes(index, most=LONGEST_TEXT))[0].values())


def _parse_index(path: Path, data: bytes) -> tuple[dict[str, str], dict[str, Any]]:
    """The weight map and the facts of an index.

    Raises:
        IntegrityError: it is malformed, or names a file that is not beside it.
    """
    try:
        index = fitted(Index, json.loads(data), str(path), "get the file again")
        facts = json.loads(index.metadata.get(HEADER, "{}"))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"{path} is no index of safetensors files: {error}", "get the file again") from error
    if not isinstance(facts, dict):
        raise IntegrityError(f"{path} is no index of safetensors files: its facts are no object", "get the file again")
    return index.weight_map, facts
