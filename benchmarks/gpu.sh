#!/usr/bin/env bash
# All that is to be measured of minigan on a GPU, by one command, in under ten minutes:
#
#     bash benchmarks/gpu.sh [FOLDER OF MNIST]
#
# The `gpu` tests, one iteration against its peers in several recipes and precisions and, with a folder of MNIST, a
# whole training with its Parzen estimate.  Writes docs/performance-gpu.md; what fails says so there.
set -euo pipefail
cd "$(dirname "$0")/.."
nvidia-smi > /dev/null 2>&1 || { echo "benchmarks/gpu.sh: no NVIDIA driver, expected a GPU"; exit 1; }
mkdir -p out
python benchmarks/gpu.py ${1:+--data "$1"} --json out/gpu.json > out/gpu.md
{ echo "# Measured on a GPU"; echo; echo "By \`bash benchmarks/gpu.sh\`."; echo; cat out/gpu.md; } > docs/performance-gpu.md
cat out/gpu.md
