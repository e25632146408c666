"""What surrounds the call of a hook: device, seed, data, steps, state, learning curves, the run folder.

Imports errors, signals, files, formats, packages, cards, results, data, weights.
"""
