"""Run the command line: `python -m movierec`."""

import sys

from movierec.cli import main

if __name__ == "__main__":
    sys.exit(main())
