"""``python -m voltide`` and ``voltide``."""

import sys

from voltide.cli import voltide


def main() -> None:
    """Run the command line; a broken pipe or Ctrl-C is no traceback."""
    try:
        voltide(prog_name="voltide")
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main()
