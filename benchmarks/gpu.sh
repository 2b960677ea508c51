#!/usr/bin/env bash
# All that is to be measured of minigan on a GPU, by two commands of four minutes at most:
#
#     bash benchmarks/gpu.sh first
#     bash benchmarks/gpu.sh second [FOLDER OF MNIST]
#
# first    does a game run here at all; then an iteration of the MNIST recipe against its peers
# second   a whole training with its estimate, minibatches of 1,000, tests, its kernels one by one, parity with NumPy
#
# gpu.json and gpu.md in ${OUT:-out} are whole after every part (benchmarks/gpu/call.py says more, and parts.py what the
# parts are).  PYTHON names another interpreter than python3; WHEELS a folder of wheels for what it lacks, which are
# installed without a network into a folder of their own.  minigan itself need not be installed.
set -euo pipefail
call=${1:-} data=${2:+$(realpath -m "$2")}
python=${PYTHON:-python3} out=$(realpath -m "${OUT:-out}") wheels=${WHEELS:+$(realpath -m "$WHEELS")}
case $call in first | second) ;; *) echo "benchmarks/gpu.sh: expected first or second"; exit 2 ;; esac
cd "$(dirname "$0")/.."
nvidia-smi -L || { echo "benchmarks/gpu.sh: no NVIDIA driver, expected a GPU"; exit 1; }
if [ -n "$wheels" ]; then
    site=$(mktemp -d)
    trap 'rm -rf "$site"' EXIT
    "$python" -m pip install -q --no-index --no-deps --no-compile --target "$site" "$wheels"/*.whl ||
        echo "benchmarks/gpu.sh: not all of $wheels could be installed" >&2
    export PYTHONPATH=$site${PYTHONPATH:+:$PYTHONPATH}
fi
"$python" benchmarks/gpu/call.py "$call" --out "$out" ${data:+--data "$data"}
