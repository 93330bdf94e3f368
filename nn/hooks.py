"""Gradient hooks of layers: functions that are called with the gradient of a layer's output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag

from . import shapes


class Hooked:
    """Base of Layer: the part that has gradient hooks."""

    name: str
    activity_regularizer: Any
    _hands_training_on: bool
    _is_simple: bool
    _gradient_hooks: list[LayerHook] | None = None

    def register_gradient_hook(self, hook: Callable[[ag.Tensor], Any]) -> LayerHook:
        """Have ``hook`` called with the gradient of the layer's output, for each call of the layer from now on.

        Parameters
        ----------
        hook : callable
            ``hook(gradient)``; what it returns goes on in the gradient's place, if not None. See
            ``ag.Tensor.register_gradient_hook``. For each array if the output is a structure of them.

        Returns
        -------
        LayerHook
            Its ``remove()`` takes the hook away.
        """
        if not callable(hook):
            raise TypeError(
                f"{self.name}.register_gradient_hook: got a {type(hook).__name__}; expected a function of the gradient."
            )
        hooks = self._gradient_hooks or []
        # Past our own __setattr__: a list would be looked through for layers from then on.
        object.__setattr__(self, "_gradient_hooks", hooks)
        object.__setattr__(self, "_is_simple", False)
        handle = LayerHook(self, hook)
        hooks.append(handle)
        ag.tracing.outdate_plans()
        return handle

    def _remove_hook(self, handle: LayerHook) -> None:
        hooks = self._gradient_hooks
        if hooks is None or handle not in hooks:
            return
        hooks.remove(handle)
        if not hooks:
            object.__setattr__(self, "_gradient_hooks", None)
            simple = self.activity_regularizer is None and not self._hands_training_on
            object.__setattr__(self, "_is_simple", simple)
        ag.tracing.outdate_plans()

    def _hooked(self, inputs: Any, outputs: Any) -> Any:
        """The outputs, with the hooks registered at each of them."""
        given = [leaf.node for leaf in shapes.leaves(inputs) if isinstance(leaf, ag.Tensor)]

        def hooked(output: Any) -> Any:
            if not isinstance(output, ag.Tensor) or not ag.tracing.is_recorded(output):
                return output
            if any(output.node is node for node in given):  # handed through: others may use the input, too
                output = np.positive(output)  # type: ignore[call-overload]  # NumPy's stubs know no Tensors
            for handle in list(self._gradient_hooks or ()):
                output.register_gradient_hook(handle)
            return output

        return shapes.map_structure(hooked, outputs) if shapes.is_structure(outputs) else hooked(outputs)


class LayerHook:
    """What ``Layer.register_gradient_hook`` returns: takes the hook away again."""

    def __init__(self, layer: Hooked, hook: Callable[[ag.Tensor], Any]):
        self._layer = layer
        self._hook: Callable[[ag.Tensor], Any] | None = hook

    def __call__(self, gradient: ag.Tensor) -> Any:
        """What the hook makes of a gradient; None, which leaves it, once it has been removed."""
        return None if self._hook is None else self._hook(gradient)

    def remove(self) -> None:
        """Take the hook away, from calls that were made already too; nothing happens if it is gone."""
        self._hook = None
        self._layer._remove_hook(self)

    def __repr__(self) -> str:
        return f"<LayerHook of {self._layer.name!r}{'' if self._hook else ', removed'}>"
