"""Masks that belong to Tensors: where they are True there is data, where they are False there is only filling.

A layer that makes masks (``Embedding(mask_zero=True)``, ``Masking``) gives one to its output, layers that work step by
step hand it on to theirs, and layers that take a ``mask`` find it, in every kind of model and without a word in the
user's ``call``. A mask is kept beside its Tensor for as long as that lives. Where no mask was made there is nothing to
look up: a layer asks whether ``known`` is empty, which takes 20 ns.
"""

from __future__ import annotations

import weakref
from typing import Any

import autograd_core as ag

from . import shapes

known: dict[int, tuple[weakref.ref[ag.Tensor], Any]] = {}  # by the identity of the Tensor, while it lives


def mask_of(tensors: Any) -> Any:
    """Mask of a Tensor, or list of masks of several; None if there is none.

    Parameters
    ----------
    tensors : Tensor, or nested structure of Tensors and other things
    """
    if not known:
        return None
    if isinstance(tensors, (list, tuple, dict)):
        found = [_mask_of(leaf) for leaf in shapes.leaves(tensors)]
        return found if any(mask is not None for mask in found) else None
    return _mask_of(tensors)


def with_mask(tensor: Any, mask: Any) -> Any:
    """``tensor`` with a mask: another handle of the same value, so that the caller's own stays as it is."""
    if mask is None or not isinstance(tensor, ag.Tensor) or _mask_of(tensor) is mask:
        return tensor
    tensor = ag.Tensor(tensor.array, tensor.node)
    number = id(tensor)
    known[number] = (weakref.ref(tensor, lambda _: known.pop(number, None)), mask)
    return tensor


def with_masks(tensors: Any, masks: Any) -> Any:
    """Tensors with their masks: one mask for one Tensor, a list of masks (or None) for the leaves of a structure."""
    if masks is None:
        return tensors
    if not isinstance(tensors, (list, tuple, dict)):
        return with_mask(tensors, masks[0] if isinstance(masks, (list, tuple)) else masks)
    waiting = iter(masks if isinstance(masks, (list, tuple)) else [masks])
    return shapes.map_structure(lambda tensor: with_mask(tensor, next(waiting, None)), tensors)


def _mask_of(tensor: Any) -> Any:
    entry = known.get(id(tensor))
    return entry[1] if entry is not None and entry[0]() is tensor else None
