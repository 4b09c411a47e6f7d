"""Send hostile input of each kind, and say what came back.

    python -m bench.hostile [--expressions N] [--uploads N] [--uploads-http N] [--seed 0]

Ends with 1 when an answer was no answer: an accident, a server error, or one that took longer than two seconds.
"""

from __future__ import annotations

import argparse

from bench.hostile import expressions, uploads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--expressions", type=int, default=0, metavar="N", help="so many texts of expressions")
    parser.add_argument("--uploads", type=int, default=0, metavar="N", help="so many files to the reader")
    parser.add_argument("--uploads-http", type=int, default=0, metavar="N", help="so many files to a real server")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    if asked.expressions and not expressions.withstood(asked.expressions, asked.seed):
        raise SystemExit(1)
    if asked.uploads and not uploads.withstood(asked.uploads, asked.seed):
        raise SystemExit(1)
    if asked.uploads_http and not uploads.withstood_over_http(asked.uploads_http, asked.seed):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
