// CUDA's words for a C++ compiler: the kernels of minigan/backends/cuda/*.cu run on the CPU, one block after the other.
//
// Threads of a block that meet at a barrier or exchange values are fibers, which take turns; others are a plain loop.
// A fiber begins by setcontext and goes on by longjmp, which makes no system call.
// What is shared by a block is static, since there is only one block at a time.

#include <math.h>
#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <functional>
#include <vector>

#define __global__
#define __device__
#define __shared__ static

using std::min;

struct Index {
    unsigned x, y;
};

static Index threadIdx, blockIdx, blockDim, gridDim;

struct Fiber {
    ucontext_t beginning;
    jmp_buf going_on;
    std::vector<char> stack;
    Index index;
    bool begun, done;
};

// Those who have to arrive before anyone goes on: the threads of a block, or of a warp.
struct Meeting {
    unsigned expected = 0, arrived = 0, generation = 0;
    void release() {
        if (expected > 0 && arrived == expected) arrived = 0, ++generation;
    }
};

static jmp_buf scheduler;
static std::vector<Fiber> fibers;
static Fiber* running;
static Meeting block_meeting;
static std::vector<Meeting> warp_meetings;
static std::vector<double> slots;
static std::function<void()>* body;

static unsigned rank() { return threadIdx.y * blockDim.x + threadIdx.x; }

static void arrive(Meeting& meeting) {
    const unsigned generation = meeting.generation;
    ++meeting.arrived;
    meeting.release();
    Fiber* me = running;
    while (meeting.generation == generation) {
        if (_setjmp(me->going_on) == 0) _longjmp(scheduler, 1);
        threadIdx = me->index;
    }
}

static void __syncthreads() { arrive(block_meeting); }

template <class T>
static T __shfl_xor_sync(unsigned, T value, int lane) {
    Meeting& warp = warp_meetings[rank() / 32];
    slots[rank()] = value;
    arrive(warp);
    const T other = (T)slots[rank() ^ lane];
    arrive(warp);
    return other;
}

static void run_fiber() {
    (*body)();
    running->done = true;
    Meeting& warp = warp_meetings[rank() / 32];
    --block_meeting.expected;
    --warp.expected;
    block_meeting.release();
    warp.release();
    _longjmp(scheduler, 1);
}

// Give a fiber its turn, until it has to wait or is done.
static void take_turn(Fiber& fiber) {
    running = &fiber;
    threadIdx = fiber.index;
    if (_setjmp(scheduler) != 0) return;
    if (fiber.begun) _longjmp(fiber.going_on, 1);
    fiber.begun = true;
    setcontext(&fiber.beginning);
}

static void run_meeting_block() {
    const unsigned n = blockDim.x * blockDim.y;
    if (fibers.size() < n) fibers = std::vector<Fiber>(n);
    block_meeting = {n, 0, 0};
    warp_meetings.assign((n + 31) / 32, Meeting{});
    slots.assign(n, 0.0);
    for (unsigned i = 0; i < n; ++i) {
        Fiber& fiber = fibers[i];
        ++warp_meetings[i / 32].expected;
        fiber.index = {i % blockDim.x, i / blockDim.x};
        fiber.begun = fiber.done = false;
        fiber.stack.resize(1 << 15);
        getcontext(&fiber.beginning);
        fiber.beginning.uc_stack.ss_sp = fiber.stack.data();
        fiber.beginning.uc_stack.ss_size = fiber.stack.size();
        fiber.beginning.uc_link = nullptr;
        makecontext(&fiber.beginning, run_fiber, 0);
    }
    for (bool alive = true; alive;) {
        alive = false;
        for (unsigned i = 0; i < n; ++i) {
            if (fibers[i].done) continue;
            alive = true;
            take_turn(fibers[i]);
        }
    }
}

static void run_grid(const unsigned* grid, const unsigned* block, bool meet, std::function<void()> kernel) {
    gridDim = {grid[0], grid[1]};
    blockDim = {block[0], block[1]};
    body = &kernel;
    for (blockIdx.y = 0; blockIdx.y < gridDim.y; ++blockIdx.y)
        for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x) {
            if (meet) run_meeting_block();
            else
                for (threadIdx.y = 0; threadIdx.y < blockDim.y; ++threadIdx.y)
                    for (threadIdx.x = 0; threadIdx.x < blockDim.x; ++threadIdx.x) kernel();
        }
}
