"""The contract of a plugin, as a test: for the zoo's own models and for everybody else's.

    from zoo_core.testing import check_plugin

    def test_contract(tmp_path):
        check_plugin("pixels", folder=tmp_path, data_root="tests/data")

Imports errors, cards, results, weights, run, plugin, api.
"""

from .contract import check_plugin

__all__ = ["check_plugin"]
