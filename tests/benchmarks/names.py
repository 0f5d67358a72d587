"""What classifying names costs: names a second in batches, and a test set of 100,000 rows: python -m tests.benchmarks.names

The network has the size of the one that ships, with random weights; the ratio of batched to single names is taken side by side.
"""

import resource
import time

import torch

from models.names.answers import answers_to_rows
from models.names.network import probabilities
from models.names.table import Labelled, table
from tests.benchmarks.measure import interleaved, row
from tests.models.names.tiny_names import source, tiny_namer

ROWS = 100_000
FEW = 200


def labelled_rows(count: int) -> str:
    """Rows of text and label: held-out names, each with a number of letters of its own before it, so that none stands twice."""
    dev = source().split()[1]
    lines = ["text,label"]
    for position in range(count):
        index = position % len(dev)
        prefix = "".join("abcdefghij"[int(digit)] for digit in str(position // len(dev)))
        lines.append(f"{prefix}{dev.texts[index]},{dev.labels[dev.targets[index]]}")
    return "\n".join(lines)


def run() -> list[dict]:
    """Names a second with two threads, batched against single, and seconds and memory of a large test set."""
    torch.set_num_threads(2)
    network, few = tiny_namer("gru", 256), source().split()[1].texts[:FEW]
    ratio = interleaved(lambda: [probabilities(network, [text]) for text in few], lambda: probabilities(network, few), 3)
    texts = source().split()[0].texts
    start = time.perf_counter()
    probabilities(network, texts)
    speed = len(texts) / (time.perf_counter() - start)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    rows: Labelled = table(labelled_rows(ROWS))
    parsed = time.perf_counter() - start
    answers = answers_to_rows(network, rows)
    whole, grown = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert len(answers.texts) == ROWS
    return [
        row(f"{FEW} names one by one / in batches", ratio, 5.0, False),
        {"name": "names a second, batched, two threads", "measured": round(speed)},
        {"name": f"{ROWS:,} rows: seconds to check them", "measured": round(parsed, 1)},
        {"name": f"{ROWS:,} rows: seconds in all", "measured": round(whole, 1)},
        {"name": f"{ROWS:,} rows: memory grown, MB", "measured": round(grown / 1024)},
    ]


if __name__ == "__main__":
    from tests.benchmarks.sessions import show

    show(run())
