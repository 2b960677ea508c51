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

// Where entry (r, c) of a matrix lies: 64 bits, since a matrix may have more than 2^31 of them.
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
