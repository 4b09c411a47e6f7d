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
_FLAGS = ir.VectorType(ir.IntType(8), 64)


@intrinsic
def equal(typing: Any, flags: Any, at: Any, value: Any) -> Any:
    """`engine.bits.equal`: one comparison of vectors, whose result is the word."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, given[0])
        place = builder.bitcast(builder.gep(array.data, [given[1]]), _FLAGS.as_pointer())
        those = builder.load(place, align=1)
        whole = ir.Constant(_FLAGS, ir.Undefined)
        first = builder.insert_element(whole, builder.trunc(given[2], ir.IntType(8)), ir.IntType(32)(0))
        every = builder.shuffle_vector(first, whole, ir.Constant(ir.VectorType(ir.IntType(32), 64), [0] * 64))
        return builder.bitcast(builder.icmp_signed("==", those, every), _WORD)

    return types.uint64(flags, types.intp, types.intp), build


@intrinsic
def lowest(typing: Any, word: Any) -> Any:
    """`engine.bits.lowest`: one instruction."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.cttz(given[0], ir.IntType(1)(0))

    return types.intp(types.uint64), build


@intrinsic
def ones(typing: Any, word: Any) -> Any:
    """`engine.bits.ones`: one instruction."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.ctpop(given[0])

    return types.intp(types.uint64), build
