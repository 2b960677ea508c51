"""Atomic loads, stores, sums and swaps on an int64 array, for compiled code: sequentially consistent, by LLVM."""

from __future__ import annotations

import platform

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

ORDER, ALIGNMENT = "seq_cst", 8


def slot(context, builder, array_type, array, index):
    """The LLVM pointer to array[index]."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


@intrinsic
def load(typing_context, board, index):
    """board[index]"""

    def codegen(context, builder, signature, values):
        return builder.load_atomic(slot(context, builder, signature.args[0], *values), ORDER, ALIGNMENT)

    return types.int64(board, types.intp), codegen


@intrinsic
def store(typing_context, board, index, value):
    """board[index] <- value"""

    def codegen(context, builder, signature, values):
        builder.store_atomic(values[2], slot(context, builder, signature.args[0], *values[:2]), ORDER, ALIGNMENT)
        return context.get_dummy_value()

    return types.void(board, types.intp, types.int64), codegen


@intrinsic
def add(typing_context, board, index, value):
    """board[index] <- board[index] + value; returns what was there before"""

    def codegen(context, builder, signature, values):
        return builder.atomic_rmw("add", slot(context, builder, signature.args[0], *values[:2]), values[2], ORDER)

    return types.int64(board, types.intp, types.int64), codegen


@intrinsic
def swap(typing_context, board, index, expected, value):
    """board[index] <- value if it holds `expected`; returns whether it did"""

    def codegen(context, builder, signature, values):
        pointer = slot(context, builder, signature.args[0], *values[:2])
        return builder.extract_value(builder.cmpxchg(pointer, *values[2:], ORDER, ORDER), 1)

    return types.boolean(board, types.intp, types.int64, types.int64), codegen


@intrinsic
def relax(typing_context):
    """Tell the processor that this is a waiting loop, where it has a way to be told."""

    def codegen(context, builder, signature, values):
        if platform.machine() in ("x86_64", "AMD64"):
            pause = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, pause, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), codegen
