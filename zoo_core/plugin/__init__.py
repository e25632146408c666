"""The hooks of a model plugin, and how one is found, checked and loaded.

Imports everything that a hook can see: cards, results, the run.
"""
