"""The hooks of a model plugin, and how one is found, checked and loaded.

Imports errors, files, packages, cards, results, run.
"""
