"""``python -m voltide`` and ``voltide``."""

import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a second's arithmetic is small: threads for it only wait for work

from voltide.cli import voltide


def main() -> None:
    """Run the command line; a broken pipe or Ctrl-C is no traceback."""
    try:
        voltide(prog_name="voltide")
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main()
