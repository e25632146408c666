"""Packages of other people that are installed: which there are, which may be imported, and importing one safely.

Imports errors, signals, files, formats.
"""
