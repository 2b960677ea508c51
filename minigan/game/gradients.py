"""The plain gradients of both players' losses, which momentum folds into its velocity as they are computed."""

from __future__ import annotations

import numpy as np

from minigan.game.algorithm1 import Algorithm1


def gradients(
    game: Algorithm1, x: np.ndarray, z: np.ndarray | None, y: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """dL_G/dtheta_g and dL_D/dtheta_d at the present weights: {"generator.0.W": (I, O) array, ...}.

    x (m, n), z (m, latent) of the parameters' dtype, for any m; z None is drawn as the coming iteration begins to.
    y (m, C) one-hot where both players are told labels.

    Dropout is as in the coming iteration's first step.  The game, its buffers and its clock stay as they are.
    """
    ops, g, d = game.ops, game.generator.still(), game.discriminator.still()
    classes = 0 if y is None else y.shape[1]
    rules = len(x), game.k, game.updates, game.loss
    still = Algorithm1(ops, g, d, game.clock, game.prior, game.seed, *rules, classes=classes)
    with ops.session():
        ops.copy(ops.asarray(x), out=still.x)
        if y is not None:
            still.condition.tell(ops.asarray(y))
        still.draw_z(0) if z is None else ops.copy(ops.asarray(z), out=still.z)
        if game.updates == "simultaneous":
            still.joint_step()
        else:
            still.d_step()
            still.g_step()
        found = {"generator": g.optimiser.grads.target, "discriminator": d.optimiser.grads.target}
        return {f"{role}.{name}": ops.to_host(view) for role, grads in found.items() for name, view in grads.items()}
