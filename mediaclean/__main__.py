"""``python -m mediaclean`` is the command ``mediaclean``."""

from mediaclean.cli import main

if __name__ == "__main__":
    main()
