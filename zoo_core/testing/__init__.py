"""The contracts of a plugin and of a data set, as tests: for the zoo's own and for everybody else's.

    from zoo_core.testing import check_plugin

    def test_contract(tmp_path):
        check_plugin("pixels", folder=tmp_path, data_root="tests/data")

`examine` gives the whole report, rule by rule.

Imports errors, files, formats, packages, cards, data, weights, run, plugin, api.
"""

from .contract import check_plugin, examine
from .datasets import check_dataset
from .report import Finding, Report
from .rules import RULES

__all__ = ["RULES", "Finding", "Report", "check_dataset", "check_plugin", "examine"]
