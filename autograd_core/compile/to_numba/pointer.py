"""Pointers in compiled code: arrays without shape, indexed by entries, that need not be assumed to overlap.

A ``Pointer`` is what emitted kernels read and write: ``V3[i * 128 + j]``. It is one machine word: nothing is counted,
nothing is checked. In a kernel::

    V3, V4 = distinct(V3, V4)

promises that no two of them overlap. Each access is then marked so (LLVM's scoped ``alias.scope`` and ``noalias``
metadata), and loops over any number of arrays vectorise without overlap checks at run time: 21 arrays in one loop take
1.2 ns per entry and not 3.3.
"""

from __future__ import annotations

import ctypes
import operator
import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, njit, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model
from numba.np.numpy_support import from_dtype

BYTES = ir.IntType(8).as_pointer()


class Pointer(types.Type):
    """Where entries of ``dtype`` lie one after another.

    Parameters
    ----------
    dtype : numba type
    scope, scopes : int
        This is number ``scope`` of ``scopes`` pointers that do not overlap; 0 of 0: nothing is known.
    """

    def __init__(self, dtype: Any, scope: int = 0, scopes: int = 0):
        self.dtype, self.scope, self.scopes = dtype, scope, scopes
        super().__init__(f"Pointer({dtype}, {scope}, {scopes})")


@register_model(Pointer)
class _PointerModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, BYTES)


# -- where pointers come from ------------------------------------------------------------------------------------------


def _maker(dtype: str):
    kind = Pointer(from_dtype(np.dtype(dtype)))

    @intrinsic
    def at(typingctx, address):
        """Pointer to an address."""

        def codegen(context, builder, sig, args):
            return builder.inttoptr(args[0], BYTES)

        return kind(types.int64), codegen

    return at


DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
)
AT = {np.dtype(name): f"{name}_at" for name in DTYPES}
"""Name of the function that makes a pointer of an address, by dtype."""

bool_at, int8_at, int16_at, int32_at, int64_at = map(_maker, DTYPES[:5])
uint8_at, uint16_at, uint32_at, uint64_at, float32_at, float64_at = map(_maker, DTYPES[5:11])
complex64_at, complex128_at = map(_maker, DTYPES[11:])


@intrinsic
def start_of(typingctx, array):
    """Pointer to the first entry of an array."""

    def codegen(context, builder, sig, args):
        return builder.bitcast(context.make_array(array)(context, builder, args[0]).data, BYTES)

    return Pointer(array.dtype)(array), codegen


@intrinsic
def shifted(typingctx, pointer, entries):
    """Pointer so many entries further on."""

    def codegen(context, builder, sig, args):
        offset = context.cast(builder, args[1], entries, types.int64)
        return builder.bitcast(_address(context, builder, pointer, args[0], offset), BYTES)

    return Pointer(pointer.dtype)(pointer, entries), codegen


@intrinsic
def distinct(typingctx, *pointers):
    """The same pointers, none of which overlaps another one."""
    kinds = [Pointer(p.dtype, at, len(pointers)) for at, p in enumerate(pointers)]
    result = types.Tuple(kinds)

    def codegen(context, builder, sig, args):
        parts = [builder.extract_value(args[0], at) for at in range(len(pointers))]
        return context.make_tuple(builder, result, parts)

    return result(types.StarArgTuple(pointers)), codegen


@intrinsic
def _plain(typingctx, pointer):
    kind = types.CPointer(pointer.dtype)

    def codegen(context, builder, sig, args):
        return builder.bitcast(args[0], context.get_value_type(kind))

    return kind(pointer), codegen


@njit(inline="always")
def as_array(pointer, shape):
    """C-contiguous array of ``shape`` over what a pointer points to."""
    return carray(_plain(pointer), shape)


# -- reading and writing -----------------------------------------------------------------------------------------------


def _address(context, builder, pointer, value, index):
    entry = context.get_data_type(pointer.dtype)
    return builder.gep(builder.bitcast(value, entry.as_pointer()), [index], inbounds=True)


def _mark(builder, access, pointer):
    """Attach the promise of ``distinct`` to a load or store."""
    if not pointer.scopes:
        return
    module = builder.module
    # Of this function alone: under one name for all, kernels that are inlined into one function would promise something
    # about each other's pointers, and a kernel's reads could move before another one's writes.
    name = builder.function.name
    domain = module.add_metadata([name])
    scopes = [module.add_metadata([f"{name} {at} of {pointer.scopes}", domain]) for at in range(pointer.scopes)]
    access.set_metadata("alias.scope", module.add_metadata([scopes[pointer.scope]]))
    others = scopes[: pointer.scope] + scopes[pointer.scope + 1 :]
    if others:
        access.set_metadata("noalias", module.add_metadata(others))


@infer_global(operator.getitem)
class _PointerGetItem(AbstractTemplate):
    def generic(self, args, kws):
        pointer, index = args
        if isinstance(pointer, Pointer) and isinstance(index, types.Integer):
            return signature(pointer.dtype, pointer, types.int64)
        return None


@infer_global(operator.setitem)
class _PointerSetItem(AbstractTemplate):
    def generic(self, args, kws):
        pointer, index, _ = args
        if isinstance(pointer, Pointer) and isinstance(index, types.Integer):
            return signature(types.none, pointer, types.int64, pointer.dtype)
        return None


@lower_builtin(operator.getitem, Pointer, types.int64)
def _getitem(context, builder, sig, args):
    pointer = sig.args[0]
    access = builder.load(_address(context, builder, pointer, *args))
    _mark(builder, access, pointer)
    return context.data_model_manager[pointer.dtype].from_data(builder, access)


@lower_builtin(operator.setitem, Pointer, types.int64, types.Any)
def _setitem(context, builder, sig, args):
    pointer = sig.args[0]
    value = context.data_model_manager[pointer.dtype].as_data(builder, args[2])
    access = builder.store(value, _address(context, builder, pointer, *args[:2]))
    _mark(builder, access, pointer)
    return context.get_dummy_value()


# -- reductions --------------------------------------------------------------------------------------------------------


def _reordered(operation: str):
    """A sum or product of floats that LLVM may do in any order: in vector registers."""

    @intrinsic
    def step(typingctx, total, entry):
        """``total`` with one more entry."""

        def codegen(context, builder, sig, args):
            real = isinstance(total, types.Float)
            if real:
                return getattr(builder, f"f{operation}")(*args, flags=("reassoc", "nsz", "contract"))
            return getattr(builder, operation)(*args)

        return total(total, total), codegen

    return step


plus = _reordered("add")
times = _reordered("mul")


def _extreme(name: str, predicate: str):
    @intrinsic
    def step(typingctx, best, entry):
        """The more extreme of the two; NaN if either is."""

        def codegen(context, builder, sig, args):
            if isinstance(best, types.Float):
                kind = context.get_value_type(best)
                bits = best.bitwidth
                function = cgutils.get_or_insert_function(
                    builder.module, ir.FunctionType(kind, [kind, kind]), f"llvm.{name}.f{bits}"
                )
                return builder.call(function, args)
            compare = builder.icmp_signed if getattr(best, "signed", False) else builder.icmp_unsigned
            return builder.select(compare(predicate, *args), *args)

        return best(best, best), codegen

    return step


largest = _extreme("maximum", ">")
smallest = _extreme("minimum", "<")


@njit(error_model="numpy")
def wrapped(index, side):
    """An index that may count from the end, as one that does not."""
    return index + side if index < 0 else index


# -- arrays as Python objects ------------------------------------------------------------------------------------------


def _data_offset() -> int:
    """Where an array object keeps the address of its data (``PyArrayObject.data`` in NumPy's C interface), or -1."""
    probes = [np.empty(size) for size in (1, 3)]
    if sys.implementation.name != "cpython":
        return -1
    for offset in range(2 * ctypes.sizeof(ctypes.c_void_p), 64, ctypes.sizeof(ctypes.c_void_p)):
        if all(ctypes.c_void_p.from_address(id(each) + offset).value == address_of(each) for each in probes):
            return offset
    return -1


def address_of(array: Any) -> int:
    """Address of the first entry."""
    return array.__array_interface__["data"][0]


DATA_OFFSET = _data_offset()
"""An integer is handed to compiled code four times as fast as an array, and says nothing of writeable or not."""

IS_TUPLE = DATA_OFFSET >= 0
"""Whether compiled code is given the tuple of its arrays, in which it finds them; else an array of their addresses."""

ITEMS_OFFSET = tuple.__basicsize__ if IS_TUPLE else 0
"""Where these begin."""

handle = id if IS_TUPLE else address_of
"""What compiled code is given in place of that tuple or array: one integer, whatever the number of arrays."""


def addresses(arrays: Any) -> Any:
    """Addresses of arrays, as an array."""
    return np.array([address_of(array) for array in arrays], np.int64)


@intrinsic
def data_of(typingctx, given):
    """Address of the first entry of an array, of which ``given`` is what the tuple or array of ``handle`` has."""

    def codegen(context, builder, sig, args):
        if DATA_OFFSET < 0:
            return args[0]
        field = builder.add(args[0], ir.Constant(args[0].type, DATA_OFFSET))
        return builder.load(builder.inttoptr(field, args[0].type.as_pointer()))

    return types.int64(types.int64), codegen
