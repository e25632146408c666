"""Data sets of images and texts, read, checked and downloaded.

Imports errors, draws, files, formats, packages, cards.
"""
