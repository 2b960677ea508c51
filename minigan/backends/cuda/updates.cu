// The optimisers' updates, on the flat buffer of a network, and the clock.

// theta <- theta + step      both (n).  A thread four entries, 12 bytes a float32 entry.
extern "C" __global__ void add(Real* theta, const Real* step, long long n) {
    const long long i = 4 * entry();
    if (i >= n) return;
    const int here = (int)min(n - i, 4ll);
    Four moved = load(theta + i, here);
    const Four by = load(step + i, here);
    for (int j = 0; j < 4; ++j) moved.of[j] += by.of[j];
    store(theta + i, here, moved);
}

// theta <- theta - lr (first / (1 - beta1^t)) / (sqrt(second / (1 - beta2^t)) + epsilon), after
// first <- beta1 first + (1 - beta1) g   and   second <- beta2 second + (1 - beta2) g^2
// theta, gradient, first, second (n);   corrections (2): 1 - beta1^t and 1 - beta2^t, which `tick` has left
// A thread an entry, 28 bytes each in float32.
extern "C" __global__ void adam(Real* theta, const Real* gradient, Real* first, Real* second, long long n,
                                const double* corrections, const double* lr, double beta1, double beta2,
                                double epsilon) {
    const long long i = entry();
    if (i >= n) return;
    const Real correction1 = corrections[0], correction2 = corrections[1];
    const Real g = gradient[i];
    const Real m = first[i] * Real(beta1) + Real(1 - beta1) * g;
    const Real v = second[i] * Real(beta2) + Real(1 - beta2) * (g * g);
    first[i] = m;
    second[i] = v;
    theta[i] -= m / correction1 / (sqrt(v / correction2) + Real(epsilon)) * Real(*lr);
}

// mean <- mean + r (theta - mean),   r = max(1 / horizon, (1 + eta) / (count + 1 + eta)),
// count = iteration * per_iteration + offset
// mean, theta (n).  A thread an entry, 12 bytes each in float32.
extern "C" __global__ void average(Real* mean, const Real* theta, long long n, const unsigned long long* iteration,
                                   unsigned long long per_iteration, unsigned long long offset, double horizon,
                                   double eta) {
    const long long i = entry();
    if (i >= n) return;
    const double count = (double)(*iteration * per_iteration + offset);
    const Real rate = fmax(1 / horizon, (1 + eta) / (count + 1 + eta));
    mean[i] += rate * (theta[i] - mean[i]);
}

// W[:, c] <- W[:, c] min(1, limit / |W[:, c]|)      W (rows, width), lengths in float64
// A block 16 columns by 32 runs of rows, in two passes: 12 bytes a float32 entry, the second pass from L2.
extern "C" __global__ void limit_column_norms(Real* W, double limit, int n_rows, int width) {
    __shared__ double part[32][16];
    const int c = column(), run = threadIdx.y;
    double squares = 0;
    if (c < width)
        for (int r = run; r < n_rows; r += 32) squares += (double)W[at(r, width, c)] * W[at(r, width, c)];
    part[run][threadIdx.x] = squares;
    __syncthreads();
    for (int half = 16; half > 0; half /= 2) {
        if (run < half) part[run][threadIdx.x] += part[run + half][threadIdx.x];
        __syncthreads();
    }
    if (c >= width) return;
    const double length = sqrt(part[0][threadIdx.x]);
    const Real factor = length <= limit ? 1.0 : limit / length;  // NaN makes the whole column NaN
    for (int r = run; r < n_rows; r += 32) W[at(r, width, c)] *= factor;
}

// The schedules of minigan/game/schedules.py in one form, float64: max(ramp(t) factor^-t, floor), where the ramp goes
// from `initial` in epoch 1 to `final` in epoch `epochs`.
__device__ inline double scheduled(unsigned long long t, double initial, double final, unsigned long long epochs,
                                   unsigned long long iterations_per_epoch, double factor, double floor) {
    double done = 1.0;
    if (epochs > 1) done = fmin((double)(t / iterations_per_epoch) / (double)(epochs - 1), 1.0);
    return fmax((initial * (1.0 - done) + final * done) * pow(factor, -(double)t), floor);
}

// A number of the clock and, beside it, the same in float32, as cuBLAS wants its alpha and beta.
__device__ inline void set(double* number, double value) {
    *number = value;
    *reinterpret_cast<float*>(number + 1) = (float)value;
}

// One of Adam's updates in every iteration: t = iteration * per_iteration + offset + 1.  Whole numbers, in float64.
struct Powers {
    double per_iteration, offset, beta1, beta2;
    double corrections[2];  // 1 - beta1^t, 1 - beta2^t
};

// The clock moves on by `ticks` iterations, 0 or 1, and its numbers follow, Adam's powers among them.
// powers (n_powers, 6): rows of `Powers`, those in use first; the others have per_iteration 0
// Two warps: a thread of the one for the clock, the other's threads a row of powers each, as often as it takes.
// Some hundred bytes.
extern "C" __global__ void tick(unsigned long long* iteration, double* lr, double* minus_lr,
                                double* momentum, double* powers, int n_powers, unsigned long long ticks,
                                double lr_initial, double lr_final, unsigned long long lr_epochs,
                                unsigned long long lr_iterations_per_epoch, double lr_factor, double lr_floor,
                                double mu_initial, double mu_final, unsigned long long mu_epochs,
                                unsigned long long mu_iterations_per_epoch, double mu_factor, double mu_floor) {
    const unsigned long long t = *iteration + ticks;
    __syncthreads();  // all have read the iteration before one thread moves it on
    if (threadIdx.y == 0) {
        if (threadIdx.x > 0) return;
        const double now = scheduled(t, lr_initial, lr_final, lr_epochs, lr_iterations_per_epoch, lr_factor, lr_floor);
        *iteration = t;
        set(lr, now);
        set(minus_lr, -now);
        set(momentum, scheduled(t, mu_initial, mu_final, mu_epochs, mu_iterations_per_epoch, mu_factor, mu_floor));
        return;
    }
    for (int i = threadIdx.x; i < n_powers; i += blockDim.x) {
        Powers& of = reinterpret_cast<Powers*>(powers)[i];
        if (of.per_iteration == 0) return;
        const double update = (double)(t * (unsigned long long)of.per_iteration + (unsigned long long)(long long)of.offset + 1);
        of.corrections[0] = 1 - pow(of.beta1, update);
        of.corrections[1] = 1 - pow(of.beta2, update);
    }
}

// sums[b] = block b's share of |a - times less|^2, in float64      a, less (n), less or null   sums (blocks)
// A grid of blocks that go round and round.  8 bytes a float32 entry.
extern "C" __global__ void squared_length(const Real* a, const Real* less, Real times, double* sums, long long n) {
    double sum = 0;
    for (long long i = entry(); i < n; i += (long long)gridDim.x * blockDim.x) {
        const double x = less ? a[i] - times * less[i] : a[i];
        sum += x * x;
    }
    sum = over_block(sum, Add());
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}
