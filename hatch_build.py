"""What the wheel has beside the packages: the pinned weights, their manifest, the ledger; an install in place has them
where they lie."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("weights_manifest.toml", "weights", "results")


class Shipped(BuildHookInterface):
    """See `hatchling`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds them, unless the wheel stands for an install in place."""
        if version != "editable":
            build_data["force_include"] |= {name: f"zoo_core/pinned/{name}" for name in SHIPPED}
