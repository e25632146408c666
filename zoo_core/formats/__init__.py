"""The files that the zoo writes, and what a stranger may have written instead: versions, kinds of fields, schemas.

Whatever is read from a file or a server passes a schema here, once, where it enters.

Imports errors.
"""

from .versions import CONFIG, LEDGER, MANIFEST, MARK, RECORD, STATE, WEIGHTS, Format

__all__ = ["CONFIG", "LEDGER", "MANIFEST", "MARK", "RECORD", "STATE", "WEIGHTS", "Format"]
