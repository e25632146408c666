"""A plugin as a new process has it: nothing of what its training left in globals is there."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import PluginError
from ..packages import entries
from ..packages.single import PREFIX, FileEntry
from ..plugin import registry
from .calls import Calls
from .training import Bench


@contextmanager
def fresh(bench: Bench) -> Iterator[Bench]:
    """The same bench with the plugin imported once more; the modules that were there are put back afterwards."""
    name = f"{bench.model.distribution}:{bench.model.name}"
    entry = entries.find(entries.MODELS, name, "model", "zoo list")
    package = entry.module.partition(".")[0]
    mine = [
        module for module in sys.modules
        if module.partition(".")[0] == package or (isinstance(entry, FileEntry) and module.startswith(PREFIX))
    ]  # fmt: skip
    kept = {module: sys.modules.pop(module) for module in mine}
    try:
        try:
            model = registry.load(name)
        except PluginError:  # it can be imported only once
            sys.modules.update(kept)
            model = bench.model
        yield dataclasses.replace(bench, calls=Calls(model))
    finally:
        for module in [module for module in sys.modules if module.partition(".")[0] == package]:
            del sys.modules[module]
        sys.modules.update(kept)
