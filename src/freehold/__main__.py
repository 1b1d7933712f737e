"""`python -m freehold` is the same as `freehold`."""

import sys

from freehold.cli.main import main

sys.exit(main())
