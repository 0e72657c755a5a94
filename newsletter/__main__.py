"""The command `newsletter`, also as `python -m newsletter`: an interruption while it is being loaded is one, too."""

import sys


def main() -> None:
    """Load the commands, which takes a second, and run the one that was typed."""
    try:
        from newsletter.cli import main as run  # noqa: PLC0415 - so that Ctrl-C meanwhile ends in no traceback
    except KeyboardInterrupt:
        sys.stderr.write("newsletter: interrupted before it began. Nothing was done.\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
