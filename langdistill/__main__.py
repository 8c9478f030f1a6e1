"""`python -m langdistill`."""

from langdistill.cli import main

main()
