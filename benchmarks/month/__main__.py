"""Play a month: see :mod:`benchmarks.month`."""

import argparse
from pathlib import Path

import benchmarks.month
from benchmarks.month.month import Month, play


def main() -> None:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=benchmarks.month.__doc__, formatter_class=formatter)
    parser.add_argument("folder", type=Path, help="new or empty")
    folder = parser.parse_args().folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"ERROR {folder} is not empty; remove it, or name another one")
    play(Month(folder))


if __name__ == "__main__":
    main()
