"""From a name to tensors: weights files, the manifests that pin them, and what a checkpoint is made of.

Imports errors, files, formats, packages, cards, hub.
"""
