"""Numbers that can be had again: plans of runs, where these are carried out, the ledger, and verdicts on claims.

Imports errors, threads, files, formats, results, cards, weights, run, plugin, api.
"""
