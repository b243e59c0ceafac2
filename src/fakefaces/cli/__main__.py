"""``python -m fakefaces.cli``."""

from fakefaces.cli import main

main()
