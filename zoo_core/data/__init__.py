"""Data sets of images and texts, read, checked and downloaded.

Imports errors, files, formats, packages, cards.
"""
