"""Every installed plugin keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo_core.plugin import registry
from zoo_core.testing import check_plugin


@pytest.mark.parametrize("name", registry.names())
def test_contract(name: str, tmp_path: Path, slices: Path) -> None:
    check_plugin(name, folder=tmp_path, data_root=slices)
