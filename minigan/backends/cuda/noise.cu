// Random numbers: z and the points of mixtures.  The formulas are those of minigan/rng.py and numpy_ops.py.

// out = limit (2 u - 1)      out (rows, width)   draw_rows (rows)
// A thread four entries, one Philox block, down its rows.  4 bytes a float32 entry.
extern "C" __global__ void uniform(Real limit, Real* out, int n_rows, int width, const unsigned* draw_rows,
                                   const unsigned long long* iteration, unsigned substep, unsigned stream,
                                   unsigned long long seed) {
    const int c = 4 * column(), n = min(4, width - c);
    if (n <= 0) return;
    const Draw draw = {(unsigned)*iteration, substep, stream, seed};
    EACH_ROW(r, n_rows) {
        const Words word = words(draw_rows[r], width, c, draw);
        Four four;
        for (int i = 0; i < 4; ++i) four.of[i] = (Real(2) * Real(unit(word.of[i])) - Real(1)) * limit;
        store(out + at(r, width, c), n, four);
    }
}

// out ~ N(0, 1), in float64 and rounded      out (rows, width)   draw_rows (rows)
// A thread four entries, one Philox block, down its rows.  4 bytes a float32 entry.
extern "C" __global__ void normal(Real* out, int n_rows, int width, const unsigned* draw_rows,
                                  const unsigned long long* iteration, unsigned substep, unsigned stream,
                                  unsigned long long seed) {
    const int c = 4 * column(), n = min(4, width - c);
    if (n <= 0) return;
    const Draw draw = {(unsigned)*iteration, substep, stream, seed};
    EACH_ROW(r, n_rows) {
        double z[4];
        normals(words(draw_rows[r], width, c, draw), z);
        for (int i = 0; i < n; ++i) out[at(r, width, c) + i] = z[i];
    }
}

// out: rows of N(0, 1) over max(1e-7, their length)      out (rows, width)   draw_rows (rows)
// A block a row, drawn once for its length and again to be written.  4 bytes a float32 entry.
extern "C" __global__ void spherical(Real* out, int n_rows, int width, const unsigned* draw_rows,
                                     const unsigned long long* iteration, unsigned substep, unsigned stream,
                                     unsigned long long seed) {
    const Draw draw = {(unsigned)*iteration, substep, stream, seed};
    const int r = blockIdx.x, first = 4 * threadIdx.x;
    double z[4], squares = 0;
    for (int c = first; c < width; c += 4 * BLOCK) {
        normals(words(draw_rows[r], width, c, draw), z);
        for (int i = 0; i < 4 && c + i < width; ++i) squares += z[i] * z[i];
    }
    const double length = fmax(1e-7, sqrt(over_block(squares, Add())));
    for (int c = first; c < width; c += 4 * BLOCK) {
        normals(words(draw_rows[r], width, c, draw), z);
        for (int i = 0; i < 4 && c + i < width; ++i) out[at(r, width, c) + i] = z[i] / length;
    }
}

// out = centres[floor(u K)] + deviation N(0, 1), u one uniform a row      centres (K, width)   out (rows, width)
// modes_rows, draw_rows (rows).  A thread four entries down its rows.  8 bytes a float32 entry.
extern "C" __global__ void mixture(const Real* centres, int n_centres, double deviation, Real* out, int n_rows,
                                   int width, const unsigned* modes_rows, const unsigned long long* modes_iteration,
                                   unsigned modes_substep, unsigned modes_stream, unsigned long long modes_seed,
                                   const unsigned* draw_rows, const unsigned long long* iteration, unsigned substep,
                                   unsigned stream, unsigned long long seed) {
    const int c = 4 * column(), n = min(4, width - c);
    if (n <= 0) return;
    const Draw modes = {(unsigned)*modes_iteration, modes_substep, modes_stream, modes_seed};
    const Draw noise = {(unsigned)*iteration, substep, stream, seed};
    EACH_ROW(r, n_rows) {
        const int mode = (int)(unit(words(modes_rows[r], 1, 0, modes).of[0]) * n_centres);
        double z[4];
        normals(words(draw_rows[r], width, c, noise), z);
        for (int i = 0; i < n; ++i)
            out[at(r, width, c) + i] = (double)centres[at(mode, width, c) + i] + deviation * z[i];
    }
}
