"""The backends that this machine has, for tests that ask all of them the same."""

from __future__ import annotations

import pytest

from minigan.backends import GPU, NAMES, why_no_gpu

BACKENDS = [*NAMES, *([] if why_no_gpu() else [pytest.param(GPU, marks=pytest.mark.gpu)])]
