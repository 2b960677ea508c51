// Activations, dropout and the losses' derivative, each with its backward half.  Bytes moved are those of a float32
// entry; nothing is read or written twice.

// y = f(z + b)      z, y (rows, width)   b (width) or null
template <class F>
__device__ void each(const Real* z, const Real* bias, Real* y, int n_rows, int width, F f) {
    const int c = column();
    if (c >= width) return;
    const Real b = bias ? bias[c] : Real(0);
    EACH_ROW(r, n_rows) y[at(r, width, c)] = f(z[at(r, width, c)] + b);
}

// y = max(0, z + b); NaN stays NaN.  A thread an entry down its rows, 8 bytes each.
extern "C" __global__ void relu_forward(const Real* z, const Real* bias, Real* y, int n_rows, int width) {
    each(z, bias, y, n_rows, width, [](Real x) { return x < Real(0) ? Real(0) : x; });
}

// dz = dy [y > 0]      all (n).  A thread an entry, 12 bytes each.
extern "C" __global__ void relu_backward(const Real* dy, const Real* y, Real* dz, long long n) {
    const long long i = entry();
    if (i < n) dz[i] = dy[i] * (y[i] > Real(0) ? Real(1) : Real(0));
}

__device__ inline Real logistic(Real x) { return Real(1) / (Real(1) + exp(-x)); }

// y = 1 / (1 + e^-(z + b)).  A thread an entry down its rows, 8 bytes each.
extern "C" __global__ void sigmoid_forward(const Real* z, const Real* bias, Real* y, int n_rows, int width) {
    each(z, bias, y, n_rows, width, [](Real x) { return logistic(x); });
}

// dz = dy y (1 - y)      all (n).  A thread an entry, 12 bytes each.
extern "C" __global__ void sigmoid_backward(const Real* dy, const Real* y, Real* dz, long long n) {
    const long long i = entry();
    if (i < n) dz[i] = dy[i] * ((Real(1) - y[i]) * y[i]);
}

// y = tanh(z + b).  A thread an entry down its rows, 8 bytes each.
extern "C" __global__ void tanh_forward(const Real* z, const Real* bias, Real* y, int n_rows, int width) {
    each(z, bias, y, n_rows, width, [](Real x) { return tanh(x); });
}

// dz = dy (1 - y^2)      all (n).  A thread an entry, 12 bytes each.
extern "C" __global__ void tanh_backward(const Real* dy, const Real* y, Real* dz, long long n) {
    const long long i = entry();
    if (i < n) dz[i] = dy[i] * (Real(1) - y[i] * y[i]);
}

// y = max(z + b, slope (z + b)); NaN stays NaN.  A thread an entry down its rows, 8 bytes each.
extern "C" __global__ void leaky_relu_forward(const Real* z, const Real* bias, Real* y, int n_rows, int width,
                                              Real slope) {
    each(z, bias, y, n_rows, width, [=](Real x) { return x < Real(0) ? slope * x : x; });
}

// dz = dy ([y > 0] + slope [y <= 0])      all (n).  A thread an entry, 12 bytes each.
extern "C" __global__ void leaky_relu_backward(const Real* dy, const Real* y, Real* dz, long long n, Real slope) {
    const long long i = entry();
    if (i < n) dz[i] = dy[i] * (y[i] > Real(0) ? Real(1) : slope);
}

// y[:, o] = max_p (z[:, p O + o] + b[p O + o]), then times `scale` where word < threshold, else 0 and no winner.
// PIECES is P where the compiler knows it: a thread then asks for all of them before it needs the first.  0: any P.
template <int PIECES>
__device__ void maxout_of(const Real* z, const Real* bias, Real* y, signed char* winner, int n_rows, int width,
                          int any_pieces, Real scale, unsigned long long threshold, const unsigned* draw_rows,
                          const unsigned long long* iteration, unsigned substep, unsigned stream,
                          unsigned long long seed) {
    const int pieces = PIECES ? PIECES : any_pieces;
    const int o = 4 * column(), n = min(4, width - o);
    if (n <= 0) return;
    EACH_ROW(r, n_rows) {
        const Real* z_row = z + at(r, pieces * width, o);
        Four asked[2 * PIECES + 1];
#pragma unroll
        for (int p = 0; p < PIECES; ++p) {
            asked[2 * p] = load(z_row + p * width, n);
            asked[2 * p + 1] = load(bias + p * width + o, n);
        }
        Four best;
        signed char won[4] = {0, 0, 0, 0};
#pragma unroll(PIECES ? PIECES : 1)
        for (int p = 0; p < pieces; ++p) {
            const Four piece = PIECES ? asked[2 * p] : load(z_row + p * width, n);
            const Four b = PIECES ? asked[2 * p + 1] : load(bias + p * width + o, n);
            for (int i = 0; i < 4; ++i) {
                const Real x = piece.of[i] + b.of[i];
                if (p > 0 && x > best.of[i]) won[i] = (signed char)p;
                if (p == 0 || x > best.of[i] || x != x) best.of[i] = x;  // NaN wins over numbers, as in NumPy's maximum
            }
        }
        if (draw_rows) {
            const Words word = words(draw_rows[r], width, o, {(unsigned)*iteration, substep, stream, seed});
            for (int i = 0; i < 4; ++i) {
                const bool kept = word.of[i] < threshold;
                best.of[i] = kept ? best.of[i] * scale : Real(0);
                won[i] = kept ? won[i] : (signed char)-1;
            }
        }
        store(y + at(r, width, o), n, best);
        for (int i = 0; i < n; ++i) winner[at(r, width, o) + i] = won[i];
    }
}

// z (rows, P O)   b (P O)   y (rows, O)   winner (rows, O)   draw_rows (rows), or null: nothing is dropped
// A thread four units, one Philox block, down its rows.  4 P + 5 bytes a unit.
extern "C" __global__ void maxout(const Real* z, const Real* bias, Real* y, signed char* winner, int n_rows, int width,
                                  int pieces, Real scale, unsigned long long threshold, const unsigned* draw_rows,
                                  const unsigned long long* iteration, unsigned substep, unsigned stream,
                                  unsigned long long seed) {
    if (pieces == 5)  // the authors'
        maxout_of<5>(z, bias, y, winner, n_rows, width, pieces, scale, threshold, draw_rows, iteration, substep, stream,
                     seed);
    else
        maxout_of<0>(z, bias, y, winner, n_rows, width, pieces, scale, threshold, draw_rows, iteration, substep, stream,
                     seed);
}

// dz[:, p O + o] = scale dy[:, o] [winner[:, o] = p]      dy, winner (rows, O)   dz (rows, P O)
// A thread a unit down its rows.  4 P + 5 bytes a unit.
extern "C" __global__ void maxout_backward(const Real* dy, const signed char* winner, Real scale, Real* dz, int n_rows,
                                           int width, int pieces) {
    const int o = column();
    if (o >= width) return;
    EACH_ROW(r, n_rows) {
        const Real d = dy[at(r, width, o)] * scale;
        const int won = winner[at(r, width, o)];
        Real* dz_row = dz + at(r, pieces * width, o);
        for (int p = 0; p < pieces; ++p) dz_row[p * width] = d * (won == p ? Real(1) : Real(0));
    }
}

// y = x scale where word < threshold, else 0.      x, y, kept (rows, width)   draw_rows (rows)
// A thread four entries, one Philox block, down its rows.  9 bytes an entry.
extern "C" __global__ void dropout(const Real* x, Real* y, unsigned char* kept, int n_rows, int width, Real scale,
                                   unsigned long long threshold, const unsigned* draw_rows,
                                   const unsigned long long* iteration, unsigned substep, unsigned stream,
                                   unsigned long long seed) {
    const int c = 4 * column(), n = min(4, width - c);
    if (n <= 0) return;
    const Draw draw = {(unsigned)*iteration, substep, stream, seed};
    EACH_ROW(r, n_rows) {
        const Words word = words(draw_rows[r], width, c, draw);
        Four four = load(x + at(r, width, c), n);
        for (int i = 0; i < 4; ++i) four.of[i] = word.of[i] < threshold ? four.of[i] * scale : Real(0);
        store(y + at(r, width, c), n, four);
        for (int i = 0; i < n; ++i) kept[at(r, width, c) + i] = word.of[i] < threshold;
    }
}

// dx = dy scale where kept, else 0      all (n).  A thread an entry, 9 bytes each.
extern "C" __global__ void dropout_backward(const Real* dy, const unsigned char* kept, Real scale, Real* dx,
                                            long long n) {
    const long long i = entry();
    if (i < n) dx[i] = kept[i] ? dy[i] * scale : Real(0);
}

// dlogits = scale (sigmoid(logits) - [i < ones])      both (n).  A thread an entry, 8 bytes each.
extern "C" __global__ void cross_entropy_backward(const Real* logits, long long ones, Real scale, Real* dlogits,
                                                  long long n) {
    const long long i = entry();
    if (i < n) dlogits[i] = (logistic(logits[i]) - Real(i < ones)) * scale;
}

// dlogits = scale (logits - [i < ones])      both (n).  A thread an entry, 8 bytes each.
extern "C" __global__ void least_squares_backward(const Real* logits, long long ones, Real scale, Real* dlogits,
                                                  long long n) {
    const long long i = entry();
    if (i < n) dlogits[i] = (logits[i] - Real(i < ones)) * scale;
}

// out = scale (y - target), all (n).  A thread an entry, 12 bytes each in float32.
extern "C" __global__ void residual(const Real* y, const Real* target, Real scale, Real* out, long long n) {
    const long long i = entry();
    if (i < n) out[i] = scale * (y[i] - target[i]);
}
