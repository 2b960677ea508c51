// One tile of a streaming log-sum-exp over Gaussians; `Ops.log_sum_exp` has the formula.
// product (rows, width)   x_norms (rows)   s_norms (width)   precisions (K)   peak, total (K, rows)
// A block a row: the nearest sample's distance first, which is the peak of every precision, then K sums against it.
// The row once from memory and K times from cache.
extern "C" __global__ void log_sum_exp(const Real* product, const Real* x_norms, const Real* s_norms,
                                       const Real* precisions, Real* peak, Real* total, int n_rows, int width,
                                       int n_precisions) {
    const int r = blockIdx.x;
    const Real* row = product + at(r, width, 0);
    const auto distance = [=](int c) {
        const Real d = row[c] * Real(-2) + x_norms[r] + s_norms[c];
        return d < Real(0) ? Real(0) : d;  // NaN stays NaN
    };
    double nearest = distance(0);
    for (int c = threadIdx.x; c < width; c += BLOCK) nearest = fmin(nearest, (double)distance(c));
    nearest = over_block(nearest, Least());
    for (int k = 0; k < n_precisions; ++k) {
        const Real p = precisions[k], before = peak[at(k, n_rows, r)];
        const Real highest = fmax(before, -p * Real(nearest));
        double sum = 0;
        for (int c = threadIdx.x; c < width; c += BLOCK) {
            const Real a = -p * distance(c) - highest;
            if (!(a < Real(-37))) sum += exp(a);  // true of NaN
        }
        sum = over_block(sum, Add());
        if (threadIdx.x > 0) continue;
        peak[at(k, n_rows, r)] = highest;
        total[at(k, n_rows, r)] = Real(total[at(k, n_rows, r)] * exp(before - highest) + sum);
    }
}
