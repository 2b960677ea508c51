"""What tests of the backends share."""

from __future__ import annotations

import pytest
from gpu_machines import MACHINES, gpu_ops


@pytest.fixture(scope="module", params=MACHINES)
def gpu(request):
    """The GPU backend: on a stand-in, and on a GPU where there is one."""
    return gpu_ops(request.param)
