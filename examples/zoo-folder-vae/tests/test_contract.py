"""The contract of every plugin of the zoo."""

from pathlib import Path

from zoo_core.testing import check_plugin


def test_contract(tmp_path: Path) -> None:
    check_plugin("folder-vae", folder=tmp_path, data_root="data")
