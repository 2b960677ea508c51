"""The paper's claims as experiments: each file is one of them, with `run(out, seed, quick, say)` that returns a Finding."""
