// Philox4x32-10 (Salmon et al. 2011) where its numbers are used: the words of minigan/rng.py, and its rules from words
// to uniforms and normals.

// Where in the run: `Draw` of minigan/rng.py less its rows.
struct Draw {
    unsigned iteration, substep, stream;
    unsigned long long seed;
};

struct Words {
    unsigned of[4];
};

__device__ inline Words philox(unsigned block, const Draw& draw) {
    unsigned c0 = block, c1 = draw.iteration, c2 = draw.substep, c3 = draw.stream;
    unsigned k0 = (unsigned)draw.seed, k1 = (unsigned)(draw.seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const unsigned long long product0 = 0xD2511F53ull * c0, product1 = 0xCD9E8D57ull * c2;
        c0 = (unsigned)(product1 >> 32) ^ c1 ^ k0;
        c1 = (unsigned)product1;
        c2 = (unsigned)(product0 >> 32) ^ c3 ^ k1;
        c3 = (unsigned)product0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return {{c0, c1, c2, c3}};
}

// The words of entries c to c + 3 of a row of so many columns; c is a multiple of four.
__device__ inline Words words(unsigned row, int width, int c, const Draw& draw) {
    return philox(row * (unsigned)((width + 3) / 4) + c / 4, draw);
}

// u = (word >> 8) 2^-24, in [0, 1)
__device__ inline double unit(unsigned word) { return (word >> 8) * (1.0 / 16777216.0); }

// Two pairs of N(0, 1) from four words: sqrt(-2 ln u1) (cos, sin)(2 pi u2), with u1 in (0, 1].
__device__ inline void normals(const Words& word, double z[4]) {
    for (int i = 0; i < 4; i += 2) {
        const double radius = sqrt(-2.0 * log(unit(word.of[i]) + 1.0 / 16777216.0));
        const double angle = 6.283185307179586 * unit(word.of[i + 1]);
        z[i] = radius * cos(angle);
        z[i + 1] = radius * sin(angle);
    }
}
