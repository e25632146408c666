"""What hooks give back, and how it is drawn and saved.

Imports errors, files, formats.
"""
