"""`python -m eqinit`: plans, inspections and probes of a model in a file."""

import sys

from ._command.main import main


if __name__ == "__main__":
    sys.exit(main())
