"""A page in a browser for every model, made from its card alone.

Imports errors, packages, cards, results, weights, run, plugin, api.
"""
