// Products that cuBLAS does not make: sums of columns, and matrices of one column, as D's last layer has.

// y[r] = z[r] + b, in place      z (rows, width)   b (width)
// A thread an entry down its rows.  8 bytes a float32 entry.
extern "C" __global__ void add_bias(Real* z, const Real* bias, int n_rows, int width) {
    const int c = column();
    if (c >= width) return;
    const Real b = bias[c];
    EACH_ROW(r, n_rows) z[at(r, width, c)] += b;
}

// out[k, c] <- alpha sum_r weights[r] a[r, c] + beta out[k, c], over the rows r of block k, of so many rows each
// a (rows, width)   weights (rows), or null for ones   out (blocks, width): where there are several, a second launch
// sums them, one after the other
// A block 32 columns by 32 runs of its rows, merged pairwise at the end; a thread asks for eight rows before it needs the
// first.  The matrix once: 4 bytes a float32 entry.
extern "C" __global__ void column_sums(const Real* a, const Real* weights, Real* out, int n_rows, int width,
                                       int rows_a_block, double alpha, const double* alpha_at, double beta,
                                       const double* beta_at) {
    const int runs = 32, at_once = 8;
    __shared__ Real part[runs][32];
    const int c = column(), run = threadIdx.y;
    const long long first = (long long)blockIdx.y * rows_a_block;
    const int end = (int)min((long long)n_rows, first + rows_a_block);
    Real sum = 0;
    if (c < width)
        for (long long r = first + run; r < end; r += at_once * runs) {
            Real asked[at_once], weight[at_once];
#pragma unroll
            for (int i = 0; i < at_once; ++i) {
                const bool there = r + i * runs < end;
                asked[i] = there ? a[at((int)r + i * runs, width, c)] : Real(0);
                weight[i] = there && weights ? weights[r + i * runs] : Real(1);
            }
#pragma unroll
            for (int i = 0; i < at_once; ++i)
                if (r + i * runs < end) sum = fma(weight[i], asked[i], sum);
        }
    part[run][threadIdx.x] = sum;
    __syncthreads();
    for (int half = runs / 2; half > 0; half /= 2) {
        if (run < half) part[run][threadIdx.x] += part[run + half][threadIdx.x];
        __syncthreads();
    }
    if (run > 0 || c >= width) return;
    const Real total = part[0][threadIdx.x] * Real(number(alpha, alpha_at)), keep = Real(number(beta, beta_at));
    Real& result = out[at(blockIdx.y, width, c)];
    result = keep == Real(0) ? total : result * keep + total;
}

// out[r] <- alpha sum_c a[r, c] b[c] + beta out[r] + bias[0]      a (rows, width)   b (width)   bias (1) or null
// A block 8 rows, a warp each, a thread four columns at a time.  The matrix once: 4 bytes a float32 entry.
extern "C" __global__ void row_products(const Real* a, const Real* b, const Real* bias, Real* out, int n_rows,
                                        int width, double alpha, const double* alpha_at, double beta,
                                        const double* beta_at) {
    const int r = blockIdx.x * blockDim.y + threadIdx.y;
    if (r >= n_rows) return;
    Real sum = 0;
    for (int c = 4 * threadIdx.x; c < width; c += 128) {
        const Four x = load(a + at(r, width, c), width - c), y = load(b + c, width - c);
        for (int i = 0; i < 4; ++i) sum = fma(x.of[i], y.of[i], sum);
    }
    for (int half = 16; half > 0; half /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, half);
    if (threadIdx.x > 0) return;
    const Real total = sum * Real(number(alpha, alpha_at)), keep = Real(number(beta, beta_at));
    out[r] = (keep == Real(0) ? total : out[r] * keep + total) + (bias ? bias[0] : Real(0));
}

// out[r, c] <- alpha a[r] b[c] + beta out[r, c]      a (rows)   b (width)   out (rows, width)
// A thread an entry down its rows.  4 bytes a float32 entry, 8 where beta is not 0.
extern "C" __global__ void outer_product(const Real* a, const Real* b, Real* out, int n_rows, int width, double alpha,
                                         const double* alpha_at, double beta, const double* beta_at) {
    const int c = column();
    if (c >= width) return;
    const Real column_of_b = b[c] * Real(number(alpha, alpha_at)), keep = Real(number(beta, beta_at));
    EACH_ROW(r, n_rows) {
        const Real product = a[r] * column_of_b;
        out[at(r, width, c)] = keep == Real(0) ? product : out[at(r, width, c)] * keep + product;
    }
}
