"""Sums over chosen rows, in the processor's vectors: the inner loops of `sparse.py`, as LLVM's instructions.

Numba keeps the partial sums of such a loop in memory, and so spends three instructions where one would do.  Here they
are variables of vector type, which LLVM keeps in registers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import llvmlite.binding as llvm
from llvmlite import ir
from numba import njit
from numba.core import cgutils, config, types
from numba.extending import intrinsic, overload

INDEX = ir.IntType(64)
BYTES = 64 if config.CPU_NAME is None and llvm.get_host_cpu_features().get("avx512f") else 32
"""of a vector.  Sums are rounded lane by lane, so this decides their last bits."""
MOST = 8
"""vectors of columns that are summed at once"""
ROWS = 4
"""rows of x that share one load of W"""


class Vectors:
    """Vectors of one array type's numbers, as many as fit or `lanes`, in one function that is being compiled."""

    def __init__(self, context, builder, array_type, lanes: int | None = None):
        self.builder, self.bytes = builder, array_type.dtype.bitwidth // 8
        self.lanes = lanes or lanes_of(array_type.dtype)
        self.type = ir.VectorType(context.get_value_type(array_type.dtype), self.lanes)
        self.zero = ir.Constant(self.type, [0.0] * self.lanes)
        name = f"llvm.fmuladd.v{self.lanes}f{array_type.dtype.bitwidth}"
        self._fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(self.type, [self.type] * 3), name)

    def load(self, pointer):
        return self.builder.load(self.builder.bitcast(pointer, self.type.as_pointer()), align=self.bytes)

    def load_first(self, n, pointer):
        """The first n lanes from memory, zeros in the others: nothing behind them is touched."""
        word = ir.VectorType(ir.IntType(32), self.lanes)
        lanes = ir.Constant(word, list(range(self.lanes)))
        mask = self.builder.icmp_signed("<", lanes, self.splat(self.builder.trunc(n, ir.IntType(32)), word))
        bits = self.bytes * 8
        kind = ir.FunctionType(self.type, [pointer.type, ir.IntType(32), mask.type, self.type])
        load = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.masked.load.v{self.lanes}f{bits}.p0")
        return self.builder.call(load, [pointer, ir.IntType(32)(self.bytes), mask, self.zero])

    def store(self, vector, pointer):
        self.builder.store(vector, self.builder.bitcast(pointer, vector.type.as_pointer()), align=self.bytes)

    def prefetch(self, pointer, writing: bool = False):
        """Ask for the memory there, if there is any, to be brought to the cache."""
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        ask = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0")
        self.builder.call(ask, [self.builder.bitcast(pointer, byte), word(int(writing)), word(3), word(1)])

    def splat(self, number, kind=None):
        """The number in every lane."""
        nothing = ir.Constant(kind or self.type, ir.Undefined)
        one = self.builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, nothing, lanes)

    def multiply_add(self, a, b, c):
        """a b + c, rounded once where the processor can."""
        return self.builder.call(self._fma, [a, b, c])

    def totals(self, four: list):
        """The sums over the lanes of four vectors, as one vector of four: halves are added until one lane is left."""
        lanes, half, quarter = self.lanes, self.lanes // 2, self.lanes // 4
        low = [*range(half), *range(lanes, lanes + half)]
        pairs = [self._folded(four[i], four[i + 1], low, half) for i in (0, 2)]
        low = [i + j for i in (0, half, lanes, lanes + half) for j in range(quarter)]
        sums, step = self._folded(pairs[0], pairs[1], low, quarter), quarter // 2
        while step:
            sums = self.builder.fadd(sums, self._shuffled(sums, sums, [i ^ step for i in range(lanes)]))
            step //= 2
        return self._shuffled(sums, sums, range(0, lanes, quarter))

    def over(self, n, carried: list, body: Callable) -> list:
        """for i in range(n / lanes): carried = body(i, carried, load)      `load` reads a vector, the last a rest"""
        whole, rest = (divide(n, INDEX(self.lanes)) for divide in (self.builder.sdiv, self.builder.srem))
        end = self.builder.add(whole, self.builder.zext(self.builder.icmp_signed(">", rest, INDEX(0)), INDEX))
        carried = loop(self.builder, INDEX(0), whole, carried, partial(body, load=self.load))
        return loop(self.builder, whole, end, carried, partial(body, load=partial(self.load_first, rest)))

    def _folded(self, a, b, low: list[int], step: int):
        """Lanes `low` of a and b together, plus those `step` above them."""
        return self.builder.fadd(self._shuffled(a, b, low), self._shuffled(a, b, [i + step for i in low]))

    def _shuffled(self, a, b, lanes):
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes)))


def lanes_of(dtype: types.Type) -> int:
    """How many numbers of a type fit into a vector."""
    return BYTES * 8 // dtype.bitwidth


@intrinsic
def prefetch(typing_context, array, index):
    """Ask for the array's flat entry `index`, wherever that is, to be brought to the cache for writing."""

    def codegen(context, builder, signature, values):
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        Vectors(context, builder, signature.args[0]).prefetch(builder.gep(data, [values[1]]), writing=True)
        return context.get_dummy_value()

    return types.void(array, types.int64), codegen


def lanes(array):
    """How many of an array's numbers fit into a vector; inside compiled kernels only."""


@overload(lanes, inline="always")
def _lanes(array):
    number = lanes_of(array.dtype)
    return lambda array: number


@intrinsic
def power_of_two(typing_context, n):
    """2^n of a whole number n, in its floating type: n becomes the exponent's bits."""
    mantissa, bias = {32: (23, 127), 64: (52, 1023)}[n.bitwidth]

    def codegen(context, builder, signature, values):
        bits = ir.IntType(n.bitwidth)
        exponent = builder.add(builder.fptosi(values[0], bits), bits(bias))
        return builder.bitcast(builder.shl(exponent, bits(mantissa)), values[0].type)

    return n(n), codegen


def loop(builder, start, stop, carried: list, body) -> list:
    """for i in range(start, stop): carried = body(i, carried)      in LLVM; returns what is carried at the end"""
    before = builder.block
    head, inside, after = (builder.append_basic_block(name) for name in ("sum.head", "sum.body", "sum.end"))
    builder.branch(head)
    builder.position_at_end(head)
    i = builder.phi(INDEX)
    variables = [builder.phi(value.type) for value in carried]
    for variable, value in zip([i, *variables], [start, *carried]):
        variable.add_incoming(value, before)
    builder.cbranch(builder.icmp_signed("<", i, stop), inside, after)
    builder.position_at_end(inside)
    results = body(i, variables)
    step = builder.add(i, INDEX(1))
    for variable, value in zip([i, *variables], [step, *results]):
        variable.add_incoming(value, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return variables


def _weighted_sum(n: int, lanes: int | None = None):
    @intrinsic
    def weighted_sum(typing_context, x, stride, column, rows, weights, start, stop, out, at):
        """out[at:] <- sum_{start <= e < stop} weights[e] x[rows[e] stride + column:], n vectors of it."""

        def codegen(context, builder, signature, values):
            x, rows, weights, out = (
                context.make_array(signature.args[i])(context, builder, values[i]).data for i in (0, 3, 4, 7)
            )
            stride, column, start, stop, at = (values[i] for i in (1, 2, 5, 6, 8))
            vectors = Vectors(context, builder, signature.args[0], lanes)
            columns = [builder.add(column, INDEX(i * vectors.lanes)) for i in range(n)]

            def add_row(e, sums):
                row = builder.mul(builder.sext(builder.load(builder.gep(rows, [e])), INDEX), stride)
                weight = vectors.splat(builder.load(builder.gep(weights, [e])))
                here = builder.gep(x, [row])
                return [
                    vectors.multiply_add(weight, vectors.load(builder.gep(here, [c])), total)
                    for c, total in zip(columns, sums)
                ]

            for i, total in enumerate(loop(builder, start, stop, [vectors.zero] * n, add_row)):
                vectors.store(total, builder.gep(out, [builder.add(at, INDEX(i * vectors.lanes))]))
            return context.get_dummy_value()

        i = types.int64
        return types.void(x, i, i, rows, weights, i, i, out, i), codegen

    return weighted_sum


weighted_sum_8, weighted_sum_4, weighted_sum_2, weighted_sum_1 = map(_weighted_sum, (MOST, 4, 2, 1))
weighted_number = _weighted_sum(1, lanes=1)


@njit(inline="always")
def weighted_rows(x, stride, column, width, rows, weights, start, stop, out, at):
    """out[at : at + width] <- sum of weights[e] x[rows[e] stride + column : ... + width] over start <= e < stop

    x and out by their flat index, rows int32.  A rest of columns is summed with some before it once more, where there
    are any.
    """
    n, c = lanes(x), 0
    while width - c >= MOST * n:
        weighted_sum_8(x, stride, column + c, rows, weights, start, stop, out, at + c)
        c += MOST * n
    if width - c >= 4 * n:
        weighted_sum_4(x, stride, column + c, rows, weights, start, stop, out, at + c)
        c += 4 * n
    if width - c >= 2 * n:
        weighted_sum_2(x, stride, column + c, rows, weights, start, stop, out, at + c)
        c += 2 * n
    if width - c >= n:
        weighted_sum_1(x, stride, column + c, rows, weights, start, stop, out, at + c)
        c += n
    if c < width and width >= n:
        c = width - n
        weighted_sum_1(x, stride, column + c, rows, weights, start, stop, out, at + c)
        c = width
    while c < width:
        weighted_number(x, stride, column + c, rows, weights, start, stop, out, at + c)
        c += 1


def _dots(pieces: int):
    @intrinsic
    def dots(typing_context, x, r0, r1, r2, r3, W, w, apart, k, z, at, room):
        """z[at + i + p room] <- x[r_i : r_i + k] . W[w + p apart : ... + k] for four rows and all pieces"""

        def codegen(context, builder, signature, values):
            x, W, z = (context.make_array(signature.args[i])(context, builder, values[i]).data for i in (0, 5, 9))
            w, apart, k, at, room = (values[i] for i in (6, 7, 8, 10, 11))
            vectors = Vectors(context, builder, signature.args[0])
            x_rows = [builder.gep(x, [row]) for row in values[1:5]]
            W_rows = [builder.gep(W, [builder.add(w, builder.mul(apart, INDEX(p)))]) for p in range(pieces)]

            def add_vector(step, sums, load):
                here = builder.mul(step, INDEX(vectors.lanes))
                weights = [load(builder.gep(row, [here])) for row in W_rows]
                numbers = [load(builder.gep(row, [here])) for row in x_rows]
                pairs = [(number, weight) for weight in weights for number in numbers]
                return [vectors.multiply_add(*pair, total) for pair, total in zip(pairs, sums)]

            sums = vectors.over(k, [vectors.zero] * ROWS * pieces, add_vector)
            for p in range(pieces):
                to = builder.gep(z, [builder.add(at, builder.mul(room, INDEX(p)))])
                vectors.store(vectors.totals(sums[ROWS * p : ROWS * (p + 1)]), to)
            return context.get_dummy_value()

        i = types.int64
        return types.void(x, i, i, i, i, W, i, i, i, z, i, i), codegen

    return dots


dots_of_3, dots_of_2, dots_of_1 = map(_dots, (3, 2, 1))


@njit(inline="always")
def products_of_rows(x, rows, first, n, width, W, unit, apart, pieces, z, at, room):
    """z[at + p room + e] <- x[rows[first + e]] . W[unit + p apart]  over `width` numbers, for e < n and all pieces.

    x (B, width), W (pieces apart, width); rows int32; z flat, with room for n rounded up to a multiple of ROWS.
    """
    for e in range(0, n, ROWS):
        last = first + n - 1
        r0, r1 = rows[first + e] * width, rows[min(first + e + 1, last)] * width
        r2, r3 = rows[min(first + e + 2, last)] * width, rows[min(first + e + 3, last)] * width
        p = 0
        while p < pieces:
            w, step, here = (unit + p * apart) * width, apart * width, at + p * room + e
            if pieces - p >= 3 and pieces - p != 4:
                dots_of_3(x, r0, r1, r2, r3, W, w, step, width, z, here, room)
                p += 3
            elif pieces - p >= 2:
                dots_of_2(x, r0, r1, r2, r3, W, w, step, width, z, here, room)
                p += 2
            else:
                dots_of_1(x, r0, r1, r2, r3, W, w, step, width, z, here, room)
                p += 1
