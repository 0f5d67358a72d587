"""Print the benchmarks: python -m tests.benchmarks [NAME...], all of them without a name."""

import argparse
import importlib

from tests.benchmarks.sessions import show

NAMES = ("recording", "state_view", "sessions", "translation", "gradients", "names", "unit_effects")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=NAMES, help="which; all of them take half an hour")
    for name in parser.parse_args().names or NAMES:
        print(f"== {name}", flush=True)
        show(importlib.import_module(f"tests.benchmarks.{name}").run())
