"""What `engine.jit.instruction` stands for: a few instructions of the machine for which Python has no word.

Only `engine.jit` imports this: it imports numba.
"""

# ruff: noqa: ARG001 (numba hands over all of these, and looks at their number and names)

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_WORD = ir.IntType(64)
_BYTE = ir.IntType(8)
_PREFETCH = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), *3 * [ir.IntType(32)]])
_FLAGS = ir.VectorType(ir.IntType(8), 64)


@intrinsic
def equal_mask(typing: Any, flags: Any, at: Any, value: Any) -> Any:
    """`engine.bits.equal_mask`: one comparison of vectors, whose result is the word."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, given[0])
        place = builder.bitcast(builder.gep(array.data, [given[1]]), _FLAGS.as_pointer())
        lanes = builder.load(place, align=1)  # flags begin at any byte
        blank, zeros = ir.Constant(_FLAGS, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), 64), [0] * 64)
        one = builder.insert_element(blank, builder.trunc(given[2], ir.IntType(8)), ir.IntType(32)(0))
        splat = builder.shuffle_vector(one, blank, zeros)
        return builder.bitcast(builder.icmp_signed("==", lanes, splat), _WORD)

    return types.uint64(flags, types.intp, types.intp), build


@intrinsic
def trailing_zeros(typing: Any, word: Any) -> Any:
    """`engine.bits.trailing_zeros`: one instruction."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.cttz(given[0], ir.IntType(1)(0))

    return types.intp(types.uint64), build


@intrinsic
def popcount(typing: Any, word: Any) -> Any:
    """`engine.bits.popcount`: one instruction."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.ctpop(given[0])

    return types.intp(types.uint64), build


@intrinsic
def prefetch(typing: Any, table: Any, row: Any, column: Any) -> Any:
    """`engine.prefetch.prefetch`: one instruction."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, given[0])
        place = builder.bitcast(array.data, _BYTE.as_pointer())
        for at, number in enumerate(given[1:]):
            step = builder.extract_value(array.strides, at)
            place = builder.gep(place, [builder.mul(step, number)])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [_BYTE.as_pointer()], _PREFETCH)
        builder.call(ask, [place, *(ir.IntType(32)(value) for value in (0, 3, 1))])  # to read, to keep, data
        return context.get_dummy_value()

    return types.none(table, types.intp, types.intp), build
