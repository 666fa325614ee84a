"""`python -m elman` is `elman`."""

from elman.cli.app import main

main()
