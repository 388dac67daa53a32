"""Hands jobs in: `python -m aftercall_bench.peers.producer MODULE DOCUMENT PREFIX COUNT RATE`.

A rate of 0 is as fast as it goes.
"""

from __future__ import annotations

import importlib
import random
import sys
import time
from pathlib import Path

#: Of the moments at which jobs arrive.
SEED = 1


def main() -> None:
    """Arrivals are a Poisson process, as those at a server of ours."""
    module, path, prefix, count, rate = sys.argv[1:]
    hand_in = importlib.import_module(module).hand_in
    document = Path(path).read_text()
    chance, due = random.Random(SEED), time.time()
    for number in range(int(count)):
        if float(rate) > 0:
            due += chance.expovariate(float(rate))
            time.sleep(max(0.0, due - time.time()))
        hand_in(document, f"{prefix}{number}", time.time())


if __name__ == "__main__":
    main()
