"""Does a recorded game run on this GPU at all, and is it NumPy's?      python benchmarks/gpu/smoke.py

In float32 and in tf32: an iteration that runs, one that is recorded, graphs of twenty, and singles after them.  Ends in
one line and exit code 1 where z or a minibatch is not NumPy's to the last bit, or where the first iteration took the
parameters further from NumPy's than rounding does.
"""

from __future__ import annotations

import json
import sys
from math import isfinite
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.parity import parity

LOOKS = (1, 1 + 2 * 20 + 4)
BOUND = {"float32": 1e-3, "tf32": 0.1}
"""of the way that NumPy's parameters went in the first iteration"""


def main() -> None:
    for precision, bound in BOUND.items():
        found = parity("alternating", "cupy", precision, LOOKS)
        print(json.dumps(found), flush=True)
        first, last = found["apart"].values()
        if not (found["same_draws"] and first < bound and isfinite(last)):
            sys.exit(f"{precision}: expected NumPy's draws, and its parameters to {bound} of their way; got {found}")


if __name__ == "__main__":
    main()
