"""A page in a browser for every model, made from its card alone.

Imports errors, files, cards, results, weights, run, plugin, api.
"""
