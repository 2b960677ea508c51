"""Algorithm 1 of "Generative Adversarial Nets" (Goodfellow et al. 2014, arXiv 1406.2661) in NumPy, gradients by hand.

    min_G max_D  V(D, G) = E_x [log D(x)] + E_z [log(1 - D(G(z)))]        (equation 1)

x (m, n) data, z (m, n_z) noise, G(z) (m, n); theta is [W1, b1, W2, b2, W3, b3] and v its velocities; masks are the
dropout before each of D's layers, 1 where a unit is kept.  D ends in a logit l: D = sigmoid(l), log D = -softplus(-l),
log(1 - D) = -softplus(l), so nothing is ever log(0).  dh is the derivative of a player's loss by h.
"""
import numpy as np

PIECES, KEEP = 5, (0.8, 0.5, 0.5)  # the authors' D: affine pieces of a maxout unit, probabilities that dropout keeps

def softplus(a): return np.logaddexp(0, a)  # log(1 + e^a)
def sigmoid(a): return np.exp(-softplus(-a))  # 1 / (1 + e^-a)

def generator(theta, z):  # relu, relu, sigmoid
    W1, b1, W2, b2, W3, b3 = theta
    h1 = np.maximum(0, z @ W1 + b1)  # (m, n_h)
    h2 = np.maximum(0, h1 @ W2 + b2)  # (m, n_h)
    x = sigmoid(h2 @ W3 + b3)  # (m, n)
    return x, (z, h1, h2, x)

def generator_backward(theta, tape, dx):
    (_, _, W2, _, W3, _), (z, h1, h2, x) = theta, tape
    da3 = dx * x * (1 - x)  # (m, n)
    da2 = da3 @ W3.T * (h2 > 0)  # (m, n_h)
    da1 = da2 @ W2.T * (h1 > 0)  # (m, n_h)
    return [z.T @ da1, da1.sum(0), h1.T @ da2, da2.sum(0), h2.T @ da3, da3.sum(0)]

def maxout(h, W, b, r):  # h (m, n), W (n, PIECES n_h): the largest piece of each unit, then dropout
    a = (h @ W + b).reshape(len(h), PIECES, -1)  # (m, PIECES, n_h)
    return a.max(1) * r, a.argmax(1)  # (m, n_h), and which piece it was (m, n_h): the lowest of a tie

def maxout_backward(dh, winner, r):  # (m, n_h) to (m, PIECES n_h): the winner alone passes the gradient on
    return (dh[:, None] * r[:, None] * (winner[:, None] == np.arange(PIECES)[:, None])).reshape(len(dh), -1)

def discriminator(theta, x, masks):  # dropout, maxout, dropout, maxout, dropout, linear
    (W1, b1, W2, b2, W3, b3), (r0, r1, r2) = theta, (mask / keep for mask, keep in zip(masks, KEEP))
    h0 = x * r0  # (m, n)
    h1, winner1 = maxout(h0, W1, b1, r1)  # (m, n_h)
    h2, winner2 = maxout(h1, W2, b2, r2)  # (m, n_h)
    return h2 @ W3 + b3, (h0, r0, h1, r1, winner1, h2, r2, winner2)  # logits (m, 1)

def discriminator_backward(theta, tape, dl):
    (W1, _, W2, _, W3, _), (h0, r0, h1, r1, winner1, h2, r2, winner2) = theta, tape
    da2 = maxout_backward(dl @ W3.T, winner2, r2)  # (m, PIECES n_h)
    da1 = maxout_backward(da2 @ W2.T, winner1, r1)  # (m, PIECES n_h)
    return [h0.T @ da1, da1.sum(0), h1.T @ da2, da2.sum(0), h2.T @ dl, dl.sum(0)], da1 @ W1.T * r0

def value(l, m): return -softplus(-l[:m]).mean() - softplus(l[m:]).mean()  # V; l (2m, 1), data above fakes
def d_slope(l, m): return (sigmoid(l) - np.repeat([[1], [0]], m, axis=0)) / m  # derivative of -V by l
def g_loss(l, saturating): return -softplus(l).mean() if saturating else softplus(-l).mean()  # l (m, 1), fakes
def g_slope(l, saturating): return (-sigmoid(l) if saturating else sigmoid(l) - 1) / len(l)  # its derivative by l

def learning_rate(t, lr=0.1, factor=1.000004, floor=1e-6): return max(lr * factor**-t, floor)  # t = 0, 1, ...
def ramp(epoch, mu=0.5, last=0.7, epochs=250): return mu + (last - mu) * min((epoch - 1) / (epochs - 1), 1)

def descend(theta, v, gradient, lr, mu):  # classical momentum
    for theta_i, v_i, g_i in zip(theta, v, gradient):
        v_i[...] = mu * v_i - lr * g_i
        theta_i += v_i

def alternating(theta_g, v_g, theta_d, v_d, minibatches, z_g, masks_g, lr, mu, saturating=False):  # the paper's order
    for x, z, masks in minibatches:  # k times: D ascends V
        m, (fake, _) = len(x), generator(theta_g, z)
        l, tape_d = discriminator(theta_d, np.concatenate([x, fake]), masks)
        gradient_d, _ = discriminator_backward(theta_d, tape_d, d_slope(l, m))
        descend(theta_d, v_d, gradient_d, lr, mu)
    fake, tape_g = generator(theta_g, z_g)  # then, on fresh noise, G descends its loss, and D stands still
    l_g, tape_d = discriminator(theta_d, fake, masks_g)
    _, dfake = discriminator_backward(theta_d, tape_d, g_slope(l_g, saturating))
    descend(theta_g, v_g, generator_backward(theta_g, tape_g, dfake), lr, mu)
    return l, l_g

def simultaneous(theta_g, v_g, theta_d, v_d, x, z, masks, lr, mu, saturating=False):  # the order of the authors' code
    m, (fake, tape_g) = len(x), generator(theta_g, z)
    l, tape_d = discriminator(theta_d, np.concatenate([x, fake]), masks)
    gradient_d, _ = discriminator_backward(theta_d, tape_d, d_slope(l, m) / 2)  # their D minimises -V / 2
    _, dfake = discriminator_backward(theta_d, [a[m:] for a in tape_d], g_slope(l[m:], saturating))
    descend(theta_g, v_g, generator_backward(theta_g, tape_g, dfake), lr, mu)
    descend(theta_d, v_d, gradient_d, lr, mu)
    return l, l[m:]

if __name__ == "__main__":  # learn to draw a soft spot somewhere in an 8x8 image
    rng, m, n, n_z, n_h, k = np.random.default_rng(0), 25, 64, 16, 16, 1
    def layer(n_in, n_out): return [rng.standard_normal((n_in, n_out)) / np.sqrt(n_in), np.zeros(n_out)]
    def noise(): return rng.uniform(-np.sqrt(3), np.sqrt(3), (m, n_z))
    def masks(rows): return [rng.random((rows, width)) < keep for width, keep in zip((n, n_h, n_h), KEEP)]
    def spots():
        profile = np.exp(-((np.arange(8) - rng.uniform(1, 6, (2, m, 1))) ** 2) / 2)  # (2, m, 8): down and across
        return (profile[0, :, :, None] * profile[1, :, None]).reshape(m, n)
    theta_g = layer(n_z, n) + layer(n, n) + layer(n, n)
    theta_d = layer(n, PIECES * n_h) + layer(n_h, PIECES * n_h) + layer(n_h, 1)
    v_g, v_d = [0 * a for a in theta_g], [0 * a for a in theta_d]
    for t in range(3001):
        batches = [(spots(), noise(), masks(2 * m)) for _ in range(k)]
        l, _ = alternating(theta_g, v_g, theta_d, v_d, batches, noise(), masks(m), learning_rate(t), ramp(1 + t // 50))
        if not t % 300: print("%4d V %.3f D(x) %.3f D(G(z)) %.3f" % (t, value(l, m), *sigmoid(l).reshape(2, m).mean(1)))
    for row in generator(theta_g, noise())[0][:7].reshape(7, 8, 8).swapaxes(0, 1):
        print("  ".join("".join(" .:-=+*#%@"[int(9.99 * p)] * 2 for p in image) for image in row))
