#!/usr/bin/env bash
# All that is to be measured of minigan on a GPU, by one command, in under ten minutes:
#
#     bash benchmarks/gpu.sh [FOLDER OF MNIST]
#
# An iteration against its peers in several recipes and precisions, the `gpu` tests, parity with NumPy, minibatches and
# widths and, with a folder of MNIST, a whole training with its Parzen estimate.  PYTHON names another interpreter than
# python3.  Writes docs/performance-gpu.md; what fails says so there.
set -euo pipefail
data=${1:+$(realpath "$1")}
cd "$(dirname "$0")/.."
nvidia-smi > /dev/null 2>&1 || { echo "benchmarks/gpu.sh: no NVIDIA driver, expected a GPU"; exit 1; }
mkdir -p out
"${PYTHON:-python3}" benchmarks/gpu.py ${data:+--data "$data"} --json out/gpu.json > out/gpu.md
{ echo "# Measured on a GPU"; echo; echo "By \`bash benchmarks/gpu.sh\`."; echo; cat out/gpu.md; } > docs/performance-gpu.md
cat out/gpu.md
