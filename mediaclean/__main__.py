"""`python -m mediaclean`: the same as the command `mediaclean`."""

from mediaclean.cli import main

if __name__ == "__main__":
    main()
