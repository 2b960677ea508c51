"""The paper's claims as experiments: a file each, with `run(out, seed, quick, say)` that returns a Finding.

TITLE names it, SECONDS are about what it takes on two cores, (quick, in full).
"""

ORDER = (
    "gradients",
    "training",
    "table1",
    "samples",
    "figure1",
    "proposition1",
    "theorem1",
    "proposition2",
    "strong_discriminator",
    "saturation",
    "misspecified",
    "modes",
    "conditional",
    "inference",
)
"""As the report has them; `table1`, `samples` and `inference` need the run that `training` leaves."""
