"""What is changed in the files of the course: into a bug, or into another spelling of the same.

Each is whole lines of a file of the course, and the lines that replace them.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import indent


@dataclass(frozen=True)
class Edit:
    """`right` in `file` becomes `wrong`.

    name  of a bug of `minigan.checks.planted_bugs`, or "" where both are right
    """

    file: str
    name: str
    right: str
    wrong: str

    def made_in(self, text: str) -> str:
        assert text.count(self.right) == 1, f"{self.file}: {self.right!r}"
        return text.replace(self.right, self.wrong)


def _edit(file: str, name: str, right: str, wrong: str) -> Edit:
    """Of lines in the body of a function."""
    return Edit(file, name, *(indent(part, "    ") + "\n" for part in (right, wrong)))


EDITS = (
    _edit("layers.py", "transposed-weight", "dx = dy @ W.T", "dx = dy @ W.reshape(W.shape[::-1])"),
    _edit("layers.py", "transposed-input", "dW = x.T @ dy", "dW = x.reshape(x.shape[::-1]) @ dy"),
    _edit("layers.py", "bias-mean-for-sum", "db = dy.sum(axis=0)", "db = dy.mean(axis=0)"),
    _edit("layers.py", "sign-relu", "return dy * (y > 0)", "return -dy * (y > 0)"),
    _edit("layers.py", "relu-lets-all-through", "return dy * (y > 0)", "return dy * (y >= 0)"),
    _edit("layers.py", "half-a-sigmoid-slope", "return dy * y * (1 - y)", "return dy * y"),
    _edit(
        "layers.py",
        "maxout-to-all-pieces",
        "return (dy[:, None] * won).reshape(z.shape)",
        "return np.repeat(dy[:, None], piece.shape[1], axis=1).reshape(z.shape)",
    ),
    _edit(
        "layers.py",
        "pieces-interleaved",
        "return (dy[:, None] * won).reshape(z.shape)",
        "return (dy[:, None] * won).swapaxes(1, 2).reshape(z.shape)",
    ),
    _edit(
        "layers.py",
        "tie-sent-twice",
        "winner = piece.argmax(axis=1)[:, None]  # (B, 1, O)\n"
        "won = winner == np.arange(piece.shape[1])[:, None]  # (B, P, O)",
        "highest = piece.max(axis=1)[:, None]  # (B, 1, O)\nwon = piece == highest  # (B, P, O)",
    ),
    _edit("layers.py", "mask-not-reapplied", "return dy * kept / keep", "return dy / keep"),
    _edit("layers.py", "lost-1-over-keep", "return dy * kept / keep", "return dy * kept"),
    _edit("losses.py", "lost-1-over-m", "return dl / m", "return dl"),
    _edit("losses.py", "mean-over-both-halves", "return dl / m", "return dl / len(l)"),
    _edit("losses.py", "g-ascends", "return (sigmoid(l) - 1) / len(l)", "return (1 - sigmoid(l)) / len(l)"),
    _edit("losses.py", "other-objective", "if saturating:", "if not saturating:"),
    _edit("losses.py", "softplus-overflows", "return np.logaddexp(0, a)", "return np.log(1 + np.exp(a))"),
    _edit(
        "learn.py",
        "momentum-off-by-lr",
        "v = [mu * v_i - lr * g_i for v_i, g_i in zip(v, gradient)]\n"
        "theta = [theta_i + v_i for theta_i, v_i in zip(theta, v)]",
        "v = [mu * v_i - g_i for v_i, g_i in zip(v, gradient)]\n"
        "theta = [theta_i + lr * v_i for theta_i, v_i in zip(theta, v)]",
    ),
    _edit(
        "learn.py",
        "velocity-forgotten",
        "v = [mu * v_i - lr * g_i for v_i, g_i in zip(v, gradient)]",
        "v = [-lr * g_i for g_i in gradient]",
    ),
    _edit("learn.py", "decay-forgotten", "return max(lr / factor**t, floor)", "return max(lr, floor)"),
    _edit(
        "learn.py",
        "ramp-an-epoch-late",
        "epoch = 1 + t // iterations_per_epoch",
        "epoch = max(1, t // iterations_per_epoch)",
    ),
    _edit(
        "game.py",
        "g-moves-first",
        "for x, z, masks in minibatches:\n"
        "    theta_d, v_d = d_step(theta_g, theta_d, v_d, x, z, masks, lr, mu)\n"
        "z, masks = fresh\n"
        "theta_g, v_g = g_step(theta_g, v_g, theta_d, z, masks, lr, mu, saturating)",
        "z, masks = fresh\n"
        "theta_g, v_g = g_step(theta_g, v_g, theta_d, z, masks, lr, mu, saturating)\n"
        "for x, z, masks in minibatches:\n"
        "    theta_d, v_d = d_step(theta_g, theta_d, v_d, x, z, masks, lr, mu)",
    ),
    _edit("game.py", "z-reused", "z, masks = fresh", "_, masks = fresh"),
    _edit("game.py", "k-ignored", "for x, z, masks in minibatches:", "for x, z, masks in minibatches[:1]:"),
    _edit(
        "game.py",
        "minibatch-reused",
        "    theta_d, v_d = d_step(theta_g, theta_d, v_d, x, z, masks, lr, mu)",
        "    theta_d, v_d = d_step(theta_g, theta_d, v_d, minibatches[0][0], z, masks, lr, mu)",
    ),
    _edit(
        "game.py",
        "mask-not-reapplied",
        "return [dW0, db0, dW1, db1], dropout_backward(dx, masks[0], KEEP[0])",
        "return [dW0, db0, dW1, db1], dx / KEEP[0]",
    ),
    _edit(
        "game.py",
        "d-learns-while-g-does",
        "_, dfake = discriminator_backward(theta_d, tape_d, g_slope(l, saturating))",
        "gradient, dfake = discriminator_backward(theta_d, tape_d, g_slope(l, saturating))\n"
        "for theta_i, g_i in zip(theta_d, gradient):\n"
        "    theta_i -= lr * g_i",
    ),
)
"""The bugs: easy slips, each of which another program of this kind has had."""

SPELLINGS = (
    _edit("layers.py", "", "return x @ W + b", "return np.add(np.matmul(x, W), b)"),
    _edit("layers.py", "", "dx = dy @ W.T", "dx = (W @ dy.T).T"),
    _edit("layers.py", "", "dW = x.T @ dy", "dW = (dy.T @ x).T"),
    _edit("layers.py", "", "db = dy.sum(axis=0)", "db = np.add.reduce(dy)"),
    _edit("layers.py", "", "return dy * (y > 0)", "return np.where(y > 0, dy, np.zeros_like(dy))"),
    _edit("layers.py", "", "return dy * y * (1 - y)", "return dy * (y - y * y)"),
    _edit("layers.py", "", "return dy * kept / keep", "return np.where(kept, dy / keep, np.zeros_like(dy))"),
    _edit("layers.py", "", "return np.maximum(x, 0)", "return x * (x > 0)"),
    _edit("losses.py", "", "return np.logaddexp(0, a)", "return np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))"),
    _edit("losses.py", "", "dl[:m] -= 1", "dl -= (np.arange(len(l)) < m)[:, None]"),
    _edit("losses.py", "", "return (sigmoid(l) - 1) / len(l)", "return -sigmoid(-l) / len(l)"),
    _edit("losses.py", "", "return dl / m", "return 2 * dl / len(l)"),
    _edit("learn.py", "", "return max(lr / factor**t, floor)", "return max(lr * factor ** (-t), floor)"),
    _edit("learn.py", "", "epoch = 1 + t // iterations_per_epoch", "epoch = t // iterations_per_epoch + 1"),
    _edit(
        "learn.py",
        "",
        "return first + (last - first) * min((epoch - 1) / (epochs - 1), 1)",
        "share = min(1, (epoch - 1) / (epochs - 1))\nreturn (1 - share) * first + share * last",
    ),
    _edit("game.py", "", "x = dropout(x, masks[0], KEEP[0])", "x = dropout(x, masks[0], keep=KEEP[0])"),
    _edit("game.py", "", "h = relu(linear(z, W0, b0))", "s = linear(z, W0, b0)\nh = relu(s)"),
    _edit("game.py", "", "return x, (z, h, x)", "tape = (z, h, x)\nreturn x, tape"),
    _edit(
        "game.py",
        "",
        "gradient, _ = discriminator_backward(theta_d, tape, d_slope(l))\n"
        "return descend(theta_d, v_d, gradient, lr, mu)",
        "dl = d_slope(l)\nreturn descend(theta_d, v_d, discriminator_backward(theta_d, tape, dl)[0], lr, mu)",
    ),
    _edit(
        "game.py",
        "",
        "return descend(theta_g, v_g, generator_backward(theta_g, tape_g, dfake), lr, mu)",
        "gradient = generator_backward(theta_g, tape_g, dfake)\nreturn descend(theta_g, v_g, gradient, lr, mu)",
    ),
)
"""The same in other words."""
