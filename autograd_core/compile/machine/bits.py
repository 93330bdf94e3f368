"""What the vector math needs that Numba does not offer: constants and polynomials of either float type, bits, selects.

Each name is a Numba intrinsic that becomes one or a few LLVM instructions, for float32 and for float64, so that one
text serves both types and holds no branch: LLVM then turns the loop around it into vector instructions.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba import extending, njit, types

intrinsic: Any = extending.intrinsic  # whose stub takes the typing context, which callers do not give, for an argument

# Products and sums may become one fused operation; nothing else may change: the error bounds and the signed zeros
# depend on the order written. The flags stay with the instructions wherever the function is inlined.
# `forceinline`: LLVM's own limit may leave longer functions as calls, and a loop with a call is not vectorised; it
# also compiles in half the time of `inline="always"`, which types the text anew at each use.
_OPTIONS = {"fastmath": {"contract"}, "error_model": "numpy", "forceinline": True}
vector: Any = njit(**_OPTIONS)
# For the parts of these functions: without the wrappers by which Python and C would call them, the first use of sin and
# cos takes 0.4 s, not 0.8. Python must not call them: it would crash.
vector_part: Any = njit(**_OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True)


class Layout(NamedTuple):
    """How the bits of a float type lie."""

    integer: Any  # LLVM's integer of the same width
    width: int
    mantissa: int  # bits of the mantissa
    bias: int  # of the exponent
    root_half: int  # the bits of sqrt(1/2)


FLOAT32 = Layout(ir.IntType(32), 32, 23, 127, 0x3F3504F3)
FLOAT64 = Layout(ir.IntType(64), 64, 52, 1023, 0x3FE6A09E667F3BCD)
_LAYOUTS = {types.float32: FLOAT32, types.float64: FLOAT64}


def constant(value32: float, value64: float | None = None) -> Callable[..., Any]:
    """Return a function ``f(x)``: the constant ``value32`` or ``value64`` (the same by default), as ``x`` has it."""
    values = {types.float32: value32, types.float64: value32 if value64 is None else value64}

    @intrinsic
    def like(typing_context: Any, x: Any) -> Any:
        return x(x), lambda context, builder, signature, args: args[0].type(values[x])

    return like


def polynomial(coefficients32: tuple[float, ...], coefficients64: tuple[float, ...]) -> Callable[..., Any]:
    """Return a function ``p(x)``: the polynomial by Horner's rule, highest power first, for the type of ``x``."""
    coefficients = {types.float32: coefficients32, types.float64: coefficients64}

    @intrinsic
    def evaluate(typing_context: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            (value,) = args
            first, *rest = coefficients[x]
            total = value.type(first)
            for c in rest:
                total = builder.fadd(builder.fmul(total, value), value.type(c))
            return total

        return x(x), generate

    return evaluate


def _on_bits(instructions: Callable[..., Any]) -> Callable[..., Any]:
    """Make an intrinsic float -> float of ``instructions(builder, integer constant, bits of x, layout) -> bits``."""

    @intrinsic
    def on_bits(typing_context: Any, x: Any) -> Any:
        layout = _LAYOUTS[x]

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            bits = builder.bitcast(args[0], layout.integer)
            return builder.bitcast(instructions(builder, layout.integer, bits, layout), args[0].type)

        return x(x), generate

    return on_bits


# A sum t = n + 1.5 * 2**mantissa + offset has the integer n + offset in its low bits: no conversion is needed, which
# AVX2 lacks for 64 bits and which is undefined for NaN.
def _power(b: Any, i: Any, bits: Any, layout: Layout) -> Any:
    return b.shl(bits, i(layout.mantissa))


def _halved(b: Any, i: Any, bits: Any) -> Any:
    return b.and_(bits, i(0xFFF)), b.lshr(b.and_(bits, i(0xFFF)), i(1))


def _first_half(b: Any, i: Any, bits: Any, layout: Layout) -> Any:
    _, half = _halved(b, i, bits)
    return b.shl(b.sub(half, i(1)), i(layout.mantissa))


def _second_half(b: Any, i: Any, bits: Any, layout: Layout) -> Any:
    whole, half = _halved(b, i, bits)
    return b.shl(b.sub(b.sub(whole, half), i(1)), i(layout.mantissa))


def _above_root_half(b: Any, i: Any, bits: Any, layout: Layout) -> Any:
    return b.sub(bits, i(layout.root_half))


def _mantissa(b: Any, i: Any, bits: Any, layout: Layout) -> Any:
    exponent = b.and_(_above_root_half(b, i, bits, layout), i(-1 << layout.mantissa))
    return b.sub(bits, exponent)


def _exponent_sum(b: Any, i: Any, bits: Any, layout: Layout) -> Any:
    positive = b.add(_above_root_half(b, i, bits, layout), i(layout.bias << layout.mantissa))
    magic = (layout.bias + layout.mantissa) << layout.mantissa  # the bits of 2**mantissa
    return b.or_(b.lshr(positive, i(layout.mantissa)), i(magic))


power_of_low_bits = _on_bits(_power)  # 2**(low bits - bias)
first_half_power = _on_bits(_first_half)  # two factors whose product is 2**(low bits - 2 * (bias + 1))
second_half_power = _on_bits(_second_half)
mantissa = _on_bits(
    _mantissa
)  # x = mantissa * 2**exponent, the mantissa in [sqrt(1/2), sqrt(2)), x positive and normal
exponent_sum = _on_bits(_exponent_sum)  # exponent + bias + 2**mantissa


@intrinsic
def exponent_steps(typing_context: Any, x: Any) -> Any:
    """Return how many times four the exponent of a float64 lies above 52, rounded down; 0 if it lies below."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i = FLOAT64.integer
        field = builder.and_(builder.lshr(builder.bitcast(args[0], i), i(52)), i(0x7FF))
        above = builder.sub(field, i(1023 + 52))
        above = builder.select(builder.icmp_signed("<", above, i(0)), i(0), above)
        return builder.lshr(above, i(2))

    return types.uintp(x), generate


@intrinsic
def low_bit(typing_context: Any, x: Any) -> Any:
    """Return whether the lowest bit of ``x`` is set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.trunc(builder.bitcast(args[0], _LAYOUTS[x].integer), ir.IntType(1))

    return types.boolean(x), generate


@intrinsic
def flip_sign(typing_context: Any, x: Any, by: Any) -> Any:
    """Return ``-x`` where the second lowest bit of ``by`` is set, else ``x``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        layout = _LAYOUTS[x]
        bits, flags = (builder.bitcast(value, layout.integer) for value in args)
        sign = builder.and_(
            builder.shl(flags, layout.integer(layout.width - 2)), layout.integer(1 << (layout.width - 1))
        )
        return builder.bitcast(builder.xor(bits, sign), args[0].type)

    return x(x, by), generate


@intrinsic
def select(typing_context: Any, condition: Any, x: Any, y: Any) -> Any:
    """Return ``x if condition else y``, both computed, without a branch."""
    return x(condition, x, y), lambda context, builder, signature, args: builder.select(*args)


def _llvm(name: str) -> Callable[..., Any]:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        function = builder.module.declare_intrinsic(f"llvm.{name}", [kind], ir.FunctionType(kind, [kind] * len(args)))
        return builder.call(function, args)

    return generate


@intrinsic
def fma(typing_context: Any, x: Any, y: Any, z: Any) -> Any:
    """Return ``x * y + z``, rounded once."""
    return x(x, y, z), _llvm("fma")


@intrinsic
def maximum(typing_context: Any, x: Any, y: Any) -> Any:
    """Return the larger of two floats of one type, NaN if either is; unlike ``max``, reductions vectorise."""
    return x(x, y), _llvm("maximum")


@intrinsic
def minimum(typing_context: Any, x: Any, y: Any) -> Any:
    """Return the smaller of two floats of one type, NaN if either is."""
    return x(x, y), _llvm("minimum")


@intrinsic
def use_wide_registers(typing_context: Any) -> Any:
    """Let LLVM use 512-bit registers, where there are any, in the function that calls this.

    LLVM prefers 256 bits on most machines: the widest registers lowered the clock of the first that had them. Loops
    of `exp` and the like gain about a third (see `docs/vector_math.rst`), loops bound by memory nothing.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # The set's own `add` knows only LLVM's attributes without a value.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.none(), generate
