"""EinsumDense: a dense layer whose axes are named in an equation."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from .. import activations, constraints, initializers, regularizers
from ..layer import Layer
from ..shapes import Shape, positive

_EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


class EinsumDense(Layer):
    """``activation(einsum(equation, inputs, kernel) + bias)``.

    Weights: ``kernel``, whose axes are those of the second operand of the equation, and ``bias``, with 1 along the axes
    that are not among ``bias_axes``.

    Parameters
    ----------
    equation : str
        Of two operands, the inputs and the kernel: ``"ab,bc->ac"``, ``"...x,xy->...y"`` or ``"ab...,bc->ac..."``.
    output_shape : int or tuple of int or None
        Without the batch axis, and without the axes that ``...`` stands for; None along an axis that the inputs have.
    activation : str or callable, optional
        None for none.
    bias_axes : str, optional
        Letters of the output along which there is a bias; None for no bias.
    kernel_initializer, bias_initializer : str or callable
        Of those that look at the number of inputs and outputs the axes in the output count as outputs.
    kernel_regularizer, bias_regularizer, activity_regularizer : str or callable, optional
    kernel_constraint, bias_constraint : str or callable, optional
    **options
        Those of every layer.

    Examples
    --------
    >>> import numpy as np
    >>> import nn
    >>> heads = nn.layers.EinsumDense("btd,dhk->bthk", output_shape=(None, 2, 3), bias_axes="hk")
    >>> heads(np.ones((4, 5, 8))).shape
    (4, 5, 2, 3)
    """

    takes_several = False

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: str | Callable[..., Any] | None = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **options)
        self.equation = equation
        self._parts = _parts(equation)
        lengths = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.partial_output_shape = tuple(
            None if length is None else positive("EinsumDense", "output_shape", length) for length in lengths
        )
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape):
        lengths = self._lengths(input_shape)
        shape = tuple(lengths[letter] for letter in self._parts.kernel)
        self.kernel = self.add_weight(
            shape, self._initializer(lengths), name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.bias = None
        if self.bias_axes is not None:
            self.bias = self.add_weight(
                self._bias_shape(lengths, len(input_shape)), self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip

    def _lengths(self, input_shape: Any) -> dict[str, Any]:
        """Length of each letter of the equation; an error if what is given does not fit it."""
        parts = self._parts
        extra = len(input_shape) - len(parts.inputs)
        if extra < 0 or (extra and not parts.elided):
            raise self._wrong_input(input_shape, f"the axes of the first operand of {self.equation!r}")
        named = input_shape[extra:] if parts.elided == "left" else input_shape[: len(parts.inputs)]
        lengths = dict(zip(parts.inputs, named, strict=True))
        for letter, length in zip(parts.output, self._named_output(input_shape, extra), strict=True):
            if lengths.get(letter) is None:
                lengths[letter] = length
            elif length is not None and length != lengths[letter]:
                raise self._wrong_input(
                    input_shape, f"{length} entries along {letter!r} of {self.equation!r}, as output_shape says"
                )
        for letter in parts.kernel:
            if lengths[letter] is None:
                raise self._wrong_input(
                    input_shape, f"a known length along {letter!r} of {self.equation!r}, an axis of the kernel"
                )
        return lengths

    def _named_output(self, input_shape: Any, extra: int) -> Shape:
        """Lengths of the output, as far as they were given, along the axes that have letters."""
        # The batch axis is the first of those that "..." stands for, if it is on the left.
        elided_batch = self._parts.elided == "left" and extra > 0
        found = self.partial_output_shape if elided_batch else (input_shape[0], *self.partial_output_shape)
        if len(found) != len(self._parts.output):
            raise ag.ShapeError(
                f"EinsumDense {self.name!r}: output_shape is {self.partial_output_shape}; the output of "
                f"{self.equation!r} has {len(self._parts.output) - (not elided_batch)} axes with letters besides the "
                "batch axis."
            )
        return found

    def _initializer(self, lengths: dict[str, Any]) -> Callable[..., Any]:
        """The kernel's initializer, told which axes are inputs and which outputs if it asks for their number."""
        maker = self.kernel_initializer
        if not isinstance(maker, initializers.VarianceScaling):
            return maker
        outputs = math.prod(lengths[letter] for letter in self._parts.kernel if letter in self._parts.output)
        inputs = math.prod(lengths[letter] for letter in self._parts.kernel if letter not in self._parts.output)
        return lambda shape, dtype=None: anp.reshape(maker((inputs, outputs), dtype=dtype), shape)

    def _bias_shape(self, lengths: dict[str, Any], ndim: int) -> tuple[Any, ...]:
        output, axes = self._parts.output, self.bias_axes or ""
        if not axes or any(letter not in output for letter in axes):
            raise ag.DomainError(
                f"EinsumDense {self.name!r}: bias_axes is {self.bias_axes!r}; expected letters of the output "
                f"{output!r}."
            )
        first = min(output.index(letter) for letter in axes)
        shape = tuple(lengths[letter] if letter in axes else 1 for letter in output[first:])
        return shape if self._parts.elided != "right" else shape + (1,) * (ndim - len(self._parts.inputs))

    def call(self, inputs):
        inputs = self._floating(inputs)
        lengths = self._lengths(inputs.shape)
        if tuple(lengths[letter] for letter in self._parts.kernel) != self.kernel.shape:
            raise self._wrong_input(inputs.shape, f"lengths that fit the kernel of shape {self.kernel.shape}")
        outputs = self._product(inputs)
        return self.activation(outputs if self.bias is None else outputs + self.bias)

    def _product(self, inputs: Any) -> Any:
        """``einsum`` of the inputs and the kernel; by matrix products, which are faster, where one sum is all."""
        parts = self._parts
        if not parts.is_product:
            return anp.einsum(self.equation, inputs, self.kernel)
        extra = inputs.ndim - len(parts.inputs)
        first = extra if parts.elided == "left" else 0
        summed = [letter for letter in parts.inputs if letter in parts.kernel]
        axes = [first + parts.inputs.index(letter) for letter in summed], [parts.kernel.index(x) for x in summed]
        found = anp.tensordot(inputs, self.kernel, axes=axes)
        # Its axes: those of the inputs that stay, in order, then those of the kernel; "." is one that has no letter.
        letters = _without("." * first + parts.inputs + "." * (extra - first) + parts.kernel, summed)
        unnamed = [place for place, letter in enumerate(letters) if letter == "."]
        order = [letters.index(letter) for letter in parts.output]
        order = [*order, *unnamed] if parts.elided == "right" else [*unnamed, *order]
        return found if order == sorted(order) else anp.transpose(found, order)

    def compute_output_shape(self, input_shape):
        lengths = self._lengths(input_shape)
        named = tuple(lengths[letter] for letter in self._parts.output)
        count = len(self._parts.inputs)
        if self._parts.elided == "left":
            return (*input_shape[: len(input_shape) - count], *named)
        return (*named, *input_shape[count:])


@dataclass(frozen=True)
class _Equation:
    inputs: str
    kernel: str
    output: str
    elided: str  # where "..." stands: "left", "right", or "" for nowhere

    @property
    def is_product(self) -> bool:
        """Whether all that is summed is in both operands, and no axis of the output is."""
        both, out = set(self.inputs) & set(self.kernel), set(self.output)
        repeated = any(len(set(letters)) < len(letters) for letters in (self.inputs, self.kernel, self.output))
        return not repeated and not both & out and (set(self.inputs) | set(self.kernel)) - both == out


def _without(letters: str, others: Sequence[str]) -> str:
    return "".join(letter for letter in letters if letter not in others)


def _parts(equation: Any) -> _Equation:
    found = _EQUATION.fullmatch(equation.replace(" ", "")) if isinstance(equation, str) else None
    if found is None or found[1] != found[5] or found[3] != found[7] or (found[1] and found[3]):
        raise ag.DomainError(
            f"EinsumDense: equation is {equation!r}; expected 'ab,bc->ac', '...b,bc->...c' or 'ab...,bc->ac...': one "
            "letter for each axis of the inputs, of the kernel, and of the output."
        )
    inputs, kernel, output = found[2], found[4], found[6]
    for letter in kernel:
        if letter not in inputs + output:
            raise ag.DomainError(f"EinsumDense: {letter!r} in {equation!r} is an axis of the kernel alone.")
    for letter in output:
        if letter not in inputs + kernel:
            raise ag.DomainError(f"EinsumDense: {letter!r} in {equation!r} is an axis of the output alone.")
    return _Equation(inputs, kernel, output, "left" if found[1] else "right" if found[3] else "")
