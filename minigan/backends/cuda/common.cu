// What the kernels share.  Real is float or double; every .cu file is compiled once for each (-DReal=...).
//
// A sum and a product round one after the other, as in NumPy (-fmad=false); where they may be fused, it says fma.
//
// Matrices are walked by a grid of two dimensions: x goes along the columns, y down the rows, and y goes round again
// where there are more rows than threads.  Vectors are walked by x alone, one entry a thread.

#define EACH_ROW(r, n_rows) \
    for (int r = blockIdx.y * blockDim.y + threadIdx.y; r < (n_rows); r += gridDim.y * blockDim.y)

__device__ inline int column() { return blockIdx.x * blockDim.x + threadIdx.x; }

__device__ inline long long entry() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }

// Where entry (r, c) of a matrix lies: 64 bits, for a matrix may have more than 2^31 of them.
__device__ inline long long at(int r, int width, int c) { return (long long)r * width + c; }

// Four neighbours in a row, one access to memory where all of them are there and aligned.
struct alignas(4 * sizeof(Real)) Four {
    Real of[4];
};

__device__ inline bool whole(const void* x, int n) { return n >= 4 && (unsigned long long)x % sizeof(Four) == 0; }

__device__ inline Four load(const Real* x, int n) {
    if (whole(x, n)) return *reinterpret_cast<const Four*>(x);
    Four four = {};
    for (int i = 0; i < 4; ++i)
        if (i < n) four.of[i] = x[i];
    return four;
}

__device__ inline void store(Real* y, int n, const Four& four) {
    if (whole(y, n)) *reinterpret_cast<Four*>(y) = four;
    else
        for (int i = 0; i < 4; ++i)
            if (i < n) y[i] = four.of[i];
}

// A number that is fixed, or one of the clock's, read now.
__device__ inline double number(double fixed, const double* of_clock) { return of_clock ? *of_clock : fixed; }

struct Add {
    __device__ double operator()(double a, double b) const { return a + b; }
};

struct Least {  // of numbers; NaN gives way to them
    __device__ double operator()(double a, double b) const { return fmin(a, b); }
};

const int BLOCK = 256;

// x of all BLOCK threads of a block merged pairwise, in an order that never changes; every thread gets the result.
template <class Merge>
__device__ double over_block(double x, Merge merge) {
    __shared__ double part[BLOCK];
    part[threadIdx.x] = x;
    __syncthreads();
    for (int half = BLOCK / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) part[threadIdx.x] = merge(part[threadIdx.x], part[threadIdx.x + half]);
        __syncthreads();
    }
    const double result = part[0];
    __syncthreads();
    return result;
}

const int RUNS = 32, AT_ONCE = 8;

// out[k, c] <- alpha sum_r use(r, c) + beta out[k, c], over the rows r of block k, of so many rows each
// out (blocks, width): where there are several, a second launch sums them, one after the other
// A block 32 columns by 32 runs of its rows, merged pairwise at the end.  A thread asks memory for eight rows before it
// needs the first: load(r, c) asks, and use(r, c, asked, sum) adds to the sum.
template <class Load, class Use>
__device__ void sum_columns(Real* out, int n_rows, int width, int rows_a_block, double alpha, const double* alpha_at,
                            double beta, const double* beta_at, Load load, Use use) {
    __shared__ Real part[RUNS][32];
    const int c = column(), run = threadIdx.y;
    const long long first = (long long)blockIdx.y * rows_a_block;
    const int end = (int)min((long long)n_rows, first + rows_a_block);
    Real sum = 0;
    if (c < width)
        for (long long r = first + run; r < end; r += AT_ONCE * RUNS) {
            decltype(load(0, 0)) asked[AT_ONCE];
#pragma unroll
            for (int i = 0; i < AT_ONCE; ++i)
                if (r + i * RUNS < end) asked[i] = load((int)r + i * RUNS, c);
#pragma unroll
            for (int i = 0; i < AT_ONCE; ++i)
                if (r + i * RUNS < end) sum = use((int)r + i * RUNS, c, asked[i], sum);
        }
    part[run][threadIdx.x] = sum;
    __syncthreads();
    for (int half = RUNS / 2; half > 0; half /= 2) {
        if (run < half) part[run][threadIdx.x] += part[run + half][threadIdx.x];
        __syncthreads();
    }
    if (run > 0 || c >= width) return;
    const Real total = part[0][threadIdx.x] * Real(number(alpha, alpha_at)), keep = Real(number(beta, beta_at));
    Real& result = out[at(blockIdx.y, width, c)];
    result = keep == Real(0) ? total : result * keep + total;
}
