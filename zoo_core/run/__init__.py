"""What surrounds the call of a hook: device, seed, data, steps, state, learning curves, the run folder.

Imports errors, signals, sharing, draws, files, formats, packages, cards, results, data, weights.
"""
