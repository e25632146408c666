"""The contracts of a plugin and of a data set, as tests: for the zoo's own and for everybody else's.

    from zoo_core.testing import check_plugin

    def test_contract(tmp_path):
        check_plugin("pixels", folder=tmp_path, data_root="tests/data")

Imports errors, files, cards, results, data, weights, run, plugin, api.
"""

from .contract import check_plugin
from .datasets import check_dataset

__all__ = ["check_dataset", "check_plugin"]
