"""`python -m elman` is `elman`."""

from elman.cli import main

main()
