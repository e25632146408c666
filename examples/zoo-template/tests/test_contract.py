"""The plugin keeps the contract of the zoo."""

from pathlib import Path

from zoo_core.testing import check_plugin


def test_contract(tmp_path: Path) -> None:
    check_plugin("pixels", folder=tmp_path)
