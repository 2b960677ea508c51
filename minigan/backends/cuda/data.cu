// Minibatches: bytes or floats gathered by an epoch's order, and the keys of that order; columns beside columns.

// out[j] = scale[i] examples[i] + shift[i],  i = order[epoch mod 2, batch m + rows[j]]
// examples (N, F)   order (2, N)   rows (B)   scale, shift (N) or null   out (B, F)
// epoch = count div n and batch = count mod n, with n = N div m and count = iteration * per_iteration + offset
// A thread an entry down its rows.  5 bytes an entry from uint8 to float32.
template <class Example>
__device__ void gather_from(const Example* examples, const int* order, const unsigned* rows, const Real* scale,
                            const Real* shift, Real* out, int n_rows, int width, int n_examples, int batch_size,
                            unsigned long long count) {
    const int c = column();
    if (c >= width) return;
    const unsigned long long n = n_examples / batch_size;
    const int* in_order = order + (count / n % 2) * n_examples + (count % n) * batch_size;
    EACH_ROW(j, n_rows) {
        const int i = in_order[rows[j]];
        Real x = examples[at(i, width, c)];
        if (scale) x *= scale[i];
        if (shift) x += shift[i];
        out[at(j, width, c)] = x;
    }
}

extern "C" __global__ void gather_uint8(const unsigned char* examples, const int* order, const unsigned* rows,
                                        const Real* scale, const Real* shift, Real* out, int n_rows, int width,
                                        int n_examples, int batch_size, const unsigned long long* iteration,
                                        unsigned long long per_iteration, unsigned long long offset) {
    gather_from(examples, order, rows, scale, shift, out, n_rows, width, n_examples, batch_size,
                *iteration * per_iteration + offset);
}

extern "C" __global__ void gather_float32(const float* examples, const int* order, const unsigned* rows,
                                          const Real* scale, const Real* shift, Real* out, int n_rows, int width,
                                          int n_examples, int batch_size, const unsigned long long* iteration,
                                          unsigned long long per_iteration, unsigned long long offset) {
    gather_from(examples, order, rows, scale, shift, out, n_rows, width, n_examples, batch_size,
                *iteration * per_iteration + offset);
}

extern "C" __global__ void gather_float64(const double* examples, const int* order, const unsigned* rows,
                                          const Real* scale, const Real* shift, Real* out, int n_rows, int width,
                                          int n_examples, int batch_size, const unsigned long long* iteration,
                                          unsigned long long per_iteration, unsigned long long offset) {
    gather_from(examples, order, rows, scale, shift, out, n_rows, width, n_examples, batch_size,
                *iteration * per_iteration + offset);
}

// out = [left; right]      left (B, n)   right (B, width - n)   out (B, width).  A thread a column, down its rows: each
// entry's bytes are read once and written once.
extern "C" __global__ void beside(const Real* left, const Real* right, Real* out, int n_rows, int width, int n) {
    const int c = column();
    if (c >= width) return;
    EACH_ROW(j, n_rows) out[at(j, width, c)] = c < n ? left[at(j, n, c)] : right[at(j, width - n, c - n)];
}

// out = the first columns of a      a (B, width)   out (B, n).  A thread a column, down its rows: each entry's bytes are
// read once and written once.
extern "C" __global__ void leading(const Real* a, Real* out, int n_rows, int n, int width) {
    const int c = column();
    if (c >= n) return;
    EACH_ROW(j, n_rows) out[at(j, n, c)] = a[at(j, width, c)];
}

// keys[i] = the 64 random bits that example i is sorted by in an epoch.      keys (n).  A thread a key, 8 bytes each.
extern "C" __global__ void order_keys(unsigned long long* keys, int n, unsigned epoch, unsigned stream,
                                      unsigned long long seed) {
    const long long i = entry();
    if (i >= n) return;
    const Words word = words((unsigned)i, 2, 0, {epoch, 0, stream, seed});
    keys[i] = word.of[0] | (unsigned long long)word.of[1] << 32;
}
