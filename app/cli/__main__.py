"""`python -m app.cli` is `queuant`."""

from app.cli import main

main()
