"""Weights beside a manifest, replaced such that whatever is on disk fits one manifest: the old one, or the new one.

New files are staged, under names that no pin has had before. Then the manifest is written, in one step. Only then do
the new files take the place of the old ones; until then, and after a crash, they are found where they were staged.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import atomic_copy, disk_error, held
from . import pins, shards
from .pins import BUNDLED, INDEX, WEIGHTS, Pin

if TYPE_CHECKING:
    from torch import Tensor

PATIENCE = 60.0  # seconds to wait for another process that writes the manifest
STAGED = re.compile(r".+@([0-9a-f]{16}|new)(\.safetensors)?")


@contextlib.contextmanager
def writing(file: Path, wait: float = PATIENCE) -> Iterator[None]:
    """Keep other processes from changing a manifest and the files beside it; all other functions here need that.

    Raises:
        UsageError: another process has been writing it all the time that this one waited (seconds).
    """
    with held(file.with_name(f".{file.name}.lock"), f"{file} is being written", wait):
        yield


def stage_copy(pin: Pin, main: Path) -> Pin:
    """Copy the files of a pin, of which `main` is the one that is opened, to where they wait for the manifest.

    Raises:
        IntegrityError: they are not what the pin says.
        ZooError: they cannot be read, or the disk is full.
    """
    sources = pin.paths(main)
    for name, target in pin.paths(pin.staged).items():
        atomic_copy(sources[name], target)
    pin.check_files(pin.staged)
    return pin


def stage_tensors(pin: Pin, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Pin:
    """Write tensors to where they wait for the manifest.

    Args:
        pin: what is known of them; file, sizes and hashes are those that they turn out to have.
    Returns:
        the pin with these.
    """
    new = pin.home / BUNDLED / f"{pin.name}@new"
    shutil.rmtree(new, ignore_errors=True)
    main, others = shards.save(new, tensors, facts)
    pin = replace(pin, file=main.file, size=main.size, sha256=main.sha256, shards=others)
    try:
        _remove(_place(pin))
        (new if others else new / WEIGHTS).replace(_place(pin))
        _remove(new)
    except OSError as error:
        raise disk_error(pin.staged, error) from error
    return pin


def adopt(new: Sequence[Pin], file: Path) -> str:
    """Write pins into a manifest, and let their staged files, where there are any, take the place of the old ones.

    Returns:
        the change of the manifest, as a unified diff.
    Raises:
        IntegrityError: the manifest that is there is malformed, or the new one would be; nothing has changed then.
        ZooError: the disk is full, or the place is not writable.
    """
    change = pins.write(new, file)
    for pin in pins.read(file).values():  # those of an earlier, killed process too
        _settle(pin)
    return change


def orphans(file: Path) -> list[Path]:
    """Staged files and folders beside a manifest that it does not pin: a killed process left them."""
    known = {_place(pin) for pin in (pins.read(file) if os.path.exists(file) else {}).values()}
    entries = (file.parent / BUNDLED).iterdir() if os.path.isdir(file.parent / BUNDLED) else ()
    return sorted(path for path in entries if STAGED.fullmatch(path.name) and path not in known)


def remove_orphans(file: Path) -> list[Path]:
    """Remove what `orphans` finds.

    Returns:
        what was removed.
    """
    found = orphans(file)
    for path in found:
        _remove(path)
    return [path for path in found if not os.path.exists(path)]


def _settle(pin: Pin) -> None:
    """Let the staged files of a pin take the place of the old ones; where that fails, they are found all the same."""
    if not os.path.exists(pin.staged):
        return
    single, several = replace(pin, shards=()).settled, pin.home / BUNDLED / pin.name
    with contextlib.suppress(OSError):
        if pin.shards:
            if os.path.exists(several / INDEX):
                shutil.rmtree(several, ignore_errors=True)
            pin.staged.parent.replace(several)
            single.unlink(missing_ok=True)
        else:
            pin.staged.replace(single)
            if os.path.exists(several / INDEX):
                shutil.rmtree(several, ignore_errors=True)


def _place(pin: Pin) -> Path:
    """What is staged of a pin: its file, or the folder of its index."""
    return pin.staged.parent if pin.shards else pin.staged


def _remove(staged: Path) -> None:
    """Remove a staged file or folder."""
    if os.path.isdir(staged):
        shutil.rmtree(staged, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)
