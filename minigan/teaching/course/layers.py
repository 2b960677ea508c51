"""Layers in plain NumPy: each forward, and the backward that belongs to it.

Rows are examples.  dq is the derivative of a loss L by q and has the shape of q: backward is given dy and returns dx.
No function changes its arguments, and float32 in is float32 out.
"""

from __future__ import annotations

import numpy as np


def linear(x: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """y = x W + b.      x (B, I)   W (I, O)   b (O,)   y (B, O)"""
    return x @ W + b


def linear_backward(dy: np.ndarray, x: np.ndarray, W: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dx, dW, db).      dy (B, O)   x, dx (B, I)   W, dW (I, O)   db (O,)"""
    dx = dy @ W.T
    dW = x.T @ dy
    db = dy.sum(axis=0)
    return dx, dW, db


def relu(x: np.ndarray) -> np.ndarray:
    """y = max(0, x), entry by entry.      x, y (B, I)"""
    return np.maximum(x, 0)


def relu_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """dx; 0 at the kink.      dy, y, dx (B, I)"""
    return dy * (y > 0)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """y = 1 / (1 + e^-x), entry by entry.      x, y (B, I)"""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def sigmoid_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """dx.      dy, y, dx (B, I)"""
    return dy * y * (1 - y)


def maxout(z: np.ndarray, pieces: int) -> np.ndarray:
    """y[:, o] = max_p z[:, p O + o]: row by row, P blocks of O numbers side by side.      z (B, P O)   y (B, O)"""
    return z.reshape(len(z), pieces, -1).max(axis=1)


def maxout_backward(dy: np.ndarray, z: np.ndarray) -> np.ndarray:
    """dz; of pieces that tie the lowest has won.      dy (B, O)   z, dz (B, P O)"""
    piece = z.reshape(len(z), -1, dy.shape[1])  # (B, P, O)
    winner = piece.argmax(axis=1)[:, None]  # (B, 1, O)
    won = winner == np.arange(piece.shape[1])[:, None]  # (B, P, O)
    return (dy[:, None] * won).reshape(z.shape)


def dropout(x: np.ndarray, kept: np.ndarray, keep: float) -> np.ndarray:
    """y = x r / keep, entry by entry.      x, y (B, I)   kept (B, I) bool: r, True with probability keep"""
    return x * kept / keep


def dropout_backward(dy: np.ndarray, kept: np.ndarray, keep: float) -> np.ndarray:
    """dx.      dy, kept, dx (B, I)"""
    return dy * kept / keep
