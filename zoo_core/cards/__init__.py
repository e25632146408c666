"""What is known of a model before torch is imported: its card, its options, and what a checkpoint is.

Imports errors, files.
"""
