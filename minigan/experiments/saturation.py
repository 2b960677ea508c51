"""Why G does not minimise log(1 - D(G(z))) in practice (section 3): its gradient vanishes where D rejects G(z).

By the logit l of D(G(z)) = sigmoid(l) both objectives have short derivatives,

    d/dl log(1 - D) = -D          d/dl (-log D) = -(1 - D)

so as D -> 0 the first goes to 0 and the second to -1.  They have the same sign: both push every logit up.  By theta_g
each sample's derivative is that number times the same dl/dtheta_g: a ratio of about D / (1 - D) where the samples' D
are alike.  Where they are not, the two weigh samples differently, and need not vanish at the same theta_g.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from minigan.data import minibatches
from minigan.experiments import style
from minigan.experiments.digits_game import LATENT, digits_game, few_digits
from minigan.experiments.finding import Finding
from minigan.experiments.generator_gradient import Pull, pull
from minigan.experiments.inner_loop import inner_loop
from minigan.files.colours import GREEN, VERMILLION
from minigan.game.losses import probability
from minigan.options.recipe import Recipe

TITLE = "Saturation"
SECONDS = (4, 10)
MOMENTS = 30
REJECTED, VANISHED, WITHIN = 0.01, 0.1, 1.2


def measured(seed: int, steps: int) -> list[Pull]:
    """D learns alone, on digits, against a G that stays at its first weights: G's gradients on the way."""
    data = few_digits(1500)
    gan = digits_game(data, Recipe(seed=seed, precision="float64", latent=LATENT), keep=(1, 1))
    source = minibatches(gan.ops, data, gan.recipe.batch_size, seed, gan.recipe.precision)
    gan.begin(source.batches_per_epoch, {})
    z = gan.sampler().draw_z(200, seed)
    moments = {int(round(i)) for i in np.linspace(1, steps, MOMENTS)}
    with gan.ops.session():
        return [pull(gan, z)] + [pull(gan, z) for step in inner_loop(gan, source, steps) if step in moments]


def run(out: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Finding:
    """Let D win, and see what either objective still tells G."""
    steps = 400 if quick else 4000
    pulls = measured(seed, steps)
    first, last = pulls[0], pulls[-1]
    say(f"D(G(z)) from {first.d_fake:.2f} to {last.d_fake:.1e} in {steps} steps of D")
    # The gradients' ratio, in units of the odds that one logit for all samples would make it.
    ratios = np.array([p.saturating / p.non_saturating / (p.d_fake / (1 - p.d_fake)) for p in pulls])
    worst = float(np.exp(np.abs(np.log(ratios)).max()))
    left = last.saturating / max(p.saturating for p in pulls)
    kept = last.non_saturating / max(p.non_saturating for p in pulls)
    return Finding(
        title=TITLE,
        paper="Early in learning D rejects samples with high confidence and log(1 - D(G(z))) saturates; log D(G(z)) "
        "has the same fixed point and much stronger gradients there.",
        ours=(
            f"As D learns to reject a G that stands still, D(G(z)) goes to {last.d_fake:.1e}. |dL/dtheta_g| is then "
            f"{last.saturating:.1e} for log(1 - D), {left:.1%} of its largest, and {last.non_saturating:.1e} for "
            f"-log D, {kept:.0%} of its largest. Their ratio is D / (1 - D) within a factor of {worst:.2f} throughout. "
            f"Asked for: D(G(z)) below {REJECTED}, {VANISHED:.0%} or less left of the first, more of the second, and a "
            f"factor below {WITHIN}."
        ),
        holds=last.d_fake < REJECTED and left <= VANISHED < kept and worst < WITHIN,
        numbers={
            "steps": steps,
            "d_fake": [p.d_fake for p in pulls],
            "saturating": [p.saturating for p in pulls],
            "non_saturating": [p.non_saturating for p in pulls],
            "worst_factor": worst,
        },
        pictures=(_picture(out / "saturation.png", pulls),),
        table=(
            ("D(G(z))", "|dL/dtheta_g|, log(1 - D)", "|dL/dtheta_g|, -log D", "ratio", "D / (1 - D)"),
            *(
                (
                    f"{p.d_fake:.4f}",
                    f"{p.saturating:.2e}",
                    f"{p.non_saturating:.2e}",
                    f"{p.saturating / p.non_saturating:.4f}",
                    f"{p.d_fake / (1 - p.d_fake):.4f}",
                )  # fmt: skip
                for p in pulls[:: len(pulls) // 6]
            ),
        ),
    )


def _picture(path: Path, pulls: list[Pull]) -> Path:
    """By the logit, as derived; by theta_g, as measured."""
    picture, (analytic, network) = style.figure(2, width=5.0)
    d = probability(np.linspace(-9, 4, 200))
    analytic.plot(d, d, color=VERMILLION, label=r"$\log(1 - D)$: $D$")
    analytic.plot(d, 1 - d, color=GREEN, label=r"$-\log D$: $1 - D$")
    analytic.set(xscale="log", yscale="log", ylim=(1e-4, 2), xlabel="D(G(z))", title=r"$|\partial L / \partial l|$")
    d_fake = [p.d_fake for p in pulls]
    network.plot(d_fake, [p.saturating for p in pulls], "o-", color=VERMILLION, markersize=3, label=r"$\log(1 - D)$")
    network.plot(d_fake, [p.non_saturating for p in pulls], "o-", color=GREEN, markersize=3, label=r"$-\log D$")
    network.set(xscale="log", yscale="log", xlabel="mean D(G(z)), as D learns")
    network.set_title(r"$|\partial L / \partial \theta_g|$")
    for panel in (analytic, network):
        panel.invert_xaxis()
        panel.legend(fontsize=8)
    return style.save(picture, path)
