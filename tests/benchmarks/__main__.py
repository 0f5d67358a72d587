"""Print every benchmark: python -m tests.benchmarks"""

import importlib

NAMES = ("recording", "state_view", "sessions")

if __name__ == "__main__":
    from tests.benchmarks.sessions import show

    for name in NAMES:
        print(f"== {name}", flush=True)
        show(importlib.import_module(f"tests.benchmarks.{name}").run())
