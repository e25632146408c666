"""``python -m zoo_core`` is the command ``zoo``."""

from .cli import main

if __name__ == "__main__":
    main()
