"""Layers around a layer: over sequences in both directions, and over each step of sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import autograd_core as ag
import autograd_core.numpy as anp

from ..config import is_config, made, plain
from ..layer import Layer
from ..shapes import is_shape

_MERGE_MODES = ("concat", "sum", "ave", "mul", None)


class Wrapper(Layer):
    """Base of layers around one other.

    Parameters
    ----------
    layer : Layer
    **options
        Those of every layer.
    """

    supports_masking = True

    def __init__(self, layer: Layer, **options: Any):
        super().__init__(**options)
        self.layer = _checked(type(self).__name__, layer)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, type] | None = None):
        return super().from_config(_with_layers(config, custom_objects), custom_objects)


def _with_layers(config: Mapping[str, Any], custom_objects: Mapping[str, type] | None) -> dict[str, Any]:
    """``config`` with layers in place of theirs."""
    return {
        name: made(Layer, value, custom_objects) if name in ("layer", "backward_layer") and is_config(value) else value
        for name, value in config.items()
    }


def _checked(owner: str, layer: Any) -> Layer:
    if not isinstance(layer, Layer):
        raise ag.ConversionError(f"{owner}: got a {type(layer).__name__}; expected a layer, such as LSTM(32).")
    return layer


class TimeDistributed(Wrapper):
    """A layer applied to each step of sequences on its own, with the same weights.

    Input shape ``(batch, time, ...)``, output shape ``(batch, time, ...)``. All steps go through the layer together, as
    one batch of ``batch * time`` samples.

    Parameters
    ----------
    layer : Layer
        Called on inputs of shape ``(batch * time, ...)``.
    **options
        Those of every layer.
    """

    def build(self, input_shape):
        shape = self._one_step(input_shape)
        if not self.layer.built:
            self.layer._build_symbolically(shape)

    def _one_step(self, shape: Any) -> tuple[int | None, ...]:
        if len(shape) < 3:
            raise self._wrong_input(shape, "(batch, time, ...), with at least one more axis")
        return (None, *shape[2:])

    def call(self, inputs, training=None, mask=None):
        self._one_step(inputs.shape)
        batch, time = inputs.shape[:2]
        given: dict[str, Any] = {}
        if mask is not None:
            mask = ag.convert_to_tensor(mask)
            if mask.shape[:2] != (batch, time):
                raise ag.ShapeError(
                    f"TimeDistributed {self.name!r}: the mask has shape {mask.shape}; expected (batch, time, ...), "
                    f"which begins with {(batch, time)} here."
                )
            given["mask"] = mask.reshape(batch * time, *mask.shape[2:])
        # The layer inside finds `training` in the call that this is.
        outputs = self.layer(inputs.reshape(batch * time, *inputs.shape[2:]), **given)
        return outputs.reshape(batch, time, *outputs.shape[1:])

    def compute_output_shape(self, input_shape):
        inner = self.layer.compute_output_shape(self._one_step(input_shape))
        return (*input_shape[:2], *inner[1:])


class Bidirectional(Layer):
    """A recurrent layer that reads sequences forwards, and one like it that reads them backwards.

    Input shape ``(batch, time, features)``, output shape as that of the layer; twice as long along the last axis for
    ``"concat"``, two outputs for None. With ``return_state``, the states of both follow. Weights: those of the forward
    layer, then those of the backward layer.

    Parameters
    ----------
    layer : recurrent layer
        Two new ones are made from its config; it is not used itself.
    merge_mode : {"concat", "sum", "ave", "mul", None}
        How the two outputs become one.
    weights : list of array_like, optional
        To start with, first those of the forward layer.
    backward_layer : recurrent layer, optional
        To go backwards, instead of one made from ``layer``; its ``go_backwards`` must be the opposite.
    **options
        Those of every layer.

    References
    ----------
    Schuster & Paliwal (1997), "Bidirectional recurrent neural networks".
    """

    supports_masking = True

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Sequence[Any] | None = None,
        backward_layer: Any = None,
        **options: Any,
    ):
        super().__init__(**options)
        _checked("Bidirectional", layer)
        if merge_mode not in _MERGE_MODES:
            raise ag.DomainError(f"Bidirectional: merge_mode is {merge_mode!r}; expected one of {_MERGE_MODES}.")
        self.forward_layer: Any = _like(layer, "forward")
        if backward_layer is None:
            backward_layer = _like(layer, "backward", go_backwards=not layer.go_backwards)
        self.backward_layer: Any = _checked("Bidirectional: backward_layer", backward_layer)
        self.merge_mode = merge_mode
        self._first_weights = None if weights is None else tuple(weights)
        self._check_pair()
        halves: tuple[Any, Any] = (self.forward_layer, self.backward_layer)
        for half in halves:
            if hasattr(half, "zero_output_for_mask"):
                half.zero_output_for_mask = half.return_sequences  # or the repeated outputs would be merged
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.stateful = layer.stateful

    def _check_pair(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ag.DomainError(
                f"Bidirectional: go_backwards is {forward.go_backwards} for both layers; expected opposite values."
            )
        for name in ("stateful", "return_sequences", "return_state"):
            one, other = getattr(forward, name), getattr(backward, name)
            if one != other:
                raise ag.DomainError(
                    f"Bidirectional: {name} is {one} for the forward layer and {other} for the backward layer; "
                    "expected the same."
                )

    def build(self, sequences_shape, initial_state_shape=None):
        halves = (self.forward_layer, self.backward_layer)
        for half in halves:
            if not half.built:
                half._build_for(sequences_shape)
        if self._first_weights is not None:
            self.set_weights(self._first_weights)

    def call(self, sequences, initial_state=None, mask=None, training=None):
        first: tuple[Any, Any] = (None, None)
        if initial_state is not None:
            if not isinstance(initial_state, (list, tuple)) or len(initial_state) % 2:
                raise ag.StructureError(
                    f"Bidirectional {self.name!r}: expected initial_state to be a list of an even number of arrays, "
                    "those of the forward layer first."
                )
            half = len(initial_state) // 2
            first = (list(initial_state[:half]), list(initial_state[half:]))
        forward, backward = (
            layer(sequences, initial_state=states, mask=mask, training=training)
            for layer, states in zip((self.forward_layer, self.backward_layer), first, strict=True)
        )
        states: tuple[Any, ...] = ()
        if self.return_state:
            states = (*forward[1:], *backward[1:])
            forward, backward = forward[0], backward[0]
        if self.return_sequences:
            backward = anp.flip(backward, axis=1)
        merged = self._merged(forward, backward)
        if self.merge_mode is None:
            return (*merged, *states)
        return (merged, *states) if self.return_state else merged

    def _merged(self, forward: Any, backward: Any) -> Any:
        if self.merge_mode == "concat":
            return anp.concatenate([forward, backward], axis=-1)
        if self.merge_mode == "sum":
            return forward + backward
        if self.merge_mode == "ave":
            return (forward + backward) / 2
        return forward * backward if self.merge_mode == "mul" else (forward, backward)

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        states = [] if is_shape(shape) else [*shape[1:], *shape[1:]]
        shape = shape if is_shape(shape) else shape[0]
        if self.merge_mode is None:
            return [shape, shape, *states]
        if self.merge_mode == "concat":
            shape = (*shape[:-1], 2 * shape[-1])
        return [shape, *states] if self.return_state else shape

    def compute_mask(self, inputs, mask=None):
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        mask = mask if self.return_sequences else None
        outputs = [mask] if self.merge_mode is not None else [mask, mask]
        if self.return_state:
            outputs += [None] * (2 * len(self.forward_layer.state_size))
        return outputs[0] if len(outputs) == 1 else outputs

    def reset_state(self) -> None:
        """Forget the states of the last batch, in both directions."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, type] | None = None):
        return super().from_config(_with_layers(config, custom_objects), custom_objects)


def _like(layer: Any, direction: str, **changes: Any) -> Any:
    """A new layer with the config of ``layer``."""
    for name in ("go_backwards", "return_sequences", "return_state", "stateful"):
        if not hasattr(layer, name):
            raise ag.ConversionError(
                f"Bidirectional: {type(layer).__name__} has no {name!r}; expected a recurrent layer, such as LSTM(32)."
            )
    config = {**plain(layer)["config"], **changes}
    config["name"] = f"{direction}_{layer.name.removeprefix(f'{direction}_')}"
    return type(layer).from_config(config)
