"""Files: weights, whole models and trainings, as safetensors. Never pickle: reading a file runs no code.

A file holds arrays by name, and beside them, as JSON, everything else. It is written under another name first, flushed
to the disk, and then put in its place, so that at any moment there is either the old file or the new one, complete.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag

from .randomness import dump_state, load_state
from .shapes import map_structure

FORMAT = "autograd-core 1"

_FloatAsText = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


# -- files -------------------------------------------------------------------------------------------------------------


def write(path: str | os.PathLike[str], kind: str, state: Any) -> None:
    """Write a structure of dicts, lists, numbers, strings and arrays.

    Parameters
    ----------
    path : path
    kind : str
        What it is: "weights", "model" or "training".
    state : structure

    Raises
    ------
    UnsupportedError
        For something else in the structure.
    DataError
        If the file cannot be written; what was there before is there still.
    """
    from_safetensors = _safetensors()
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise ag.DomainError(f"the file name is {path!r}; expected a path.")
    arrays: dict[str, Any] = {}
    text = json.dumps(_taken_apart(state, arrays, ""))
    data = from_safetensors.save(arrays, metadata={"format": FORMAT, "kind": kind, "state": text})
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, _permissions(target))
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _flush_folder(target.parent)
    except OSError as error:
        raise ag.DataError(
            f"{target} cannot be written: {error.strerror}. What was there before is unchanged."
        ) from error


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what a ``write`` to this file left that was killed in the middle."""
    target = Path(path)
    for part in target.parent.glob(f".{target.name}.*.part"):
        part.unlink(missing_ok=True)


def _permissions(target: Path) -> int:
    """Those of the file that is replaced, or what a new file gets."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _flush_folder(folder: Path) -> None:
    """Have the new name on the disk, too, where the system can do that."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: str | os.PathLike[str], kind: str) -> Any:
    """What ``write`` has written.

    Raises
    ------
    DataError
        If there is no such file, if it is damaged, of another program, or of another kind.
    """
    from_safetensors = _safetensors()
    target = Path(path)
    try:
        data = target.read_bytes()
    except OSError as error:
        raise ag.DataError(f"{target} cannot be read: {error.strerror}.") from error
    try:
        arrays = from_safetensors.load(data)
        metadata = _metadata(data)
    except Exception as error:  # safetensors has no one class for what can be wrong with a file
        raise ag.DataError(
            f"{target} is damaged, or is no safetensors file ({error}). Nothing was changed; use another copy."
        ) from error
    if metadata.get("format") != FORMAT:
        names = ", ".join(sorted(arrays)[:5])
        raise ag.DataError(
            f"{target} was not written by this library (or by another version of it); it has {len(arrays)} arrays: "
            f"{names}{', ...' if len(arrays) > 5 else ''}. Read it with safetensors.numpy.load_file, and give the "
            "arrays to set_weights."
        )
    if metadata["kind"] != kind and (metadata["kind"], kind) != ("model", "weights"):
        raise ag.DataError(f"{target} holds {metadata['kind']!r}; expected {kind!r}.")
    return _put_together(json.loads(metadata["state"]), arrays)


def _metadata(data: bytes) -> dict[str, str]:
    """The text part of a safetensors file: 8 bytes with the length of the header, then the header as JSON."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]).get("__metadata__", {})


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise ag.MissingExtraError(
            'files need the package "safetensors", which is not installed; install it with: '
            'pip install "autograd-core[nn]"'
        ) from None
    return safetensors.numpy


def _taken_apart(value: Any, arrays: dict[str, Any], name: str) -> Any:
    """``value`` without its arrays, which go into ``arrays``."""
    if isinstance(value, (ag.Tensor, ag.Variable)):
        value = value.array
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        # safetensors has no complex numbers: they go in as pairs of real ones.
        arrays[name] = (
            array.reshape(-1).view(array.real.dtype) if array.dtype.kind == "c" else np.ascontiguousarray(array)
        )
        return {"__array__": name, "shape": list(array.shape), "dtype": array.dtype.name}
    if isinstance(value, Mapping):
        return {str(key): _taken_apart(entry, arrays, f"{name}/{key}".lstrip("/")) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_taken_apart(entry, arrays, f"{name}/{number}") for number, entry in enumerate(value)]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"__float__": repr(value)}
    raise ag.UnsupportedError(
        f"{name!r} is a {type(value).__name__}, which cannot be written to a file: only numbers, strings, lists, dicts "
        "and arrays can. Give functions by name, or make them classes with get_config."
    )


def _put_together(value: Any, arrays: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_put_together(entry, arrays) for entry in value]
    if not isinstance(value, dict):
        return value
    if "__array__" in value:
        return arrays[value["__array__"]].view(value["dtype"]).reshape(value["shape"])
    if "__float__" in value:
        return _FloatAsText[value["__float__"]]
    return {key: _put_together(entry, arrays) for key, entry in value.items()}


# -- weights -----------------------------------------------------------------------------------------------------------


def weights_state(model: Any) -> list[dict[str, Any]]:
    """All weights in order: the layer's name and class, the weight's own name, and the value."""
    return [
        {"layer": layer.name, "class": type(layer).__name__, "name": name, "value": weight.array}
        for layer, name, weight in named_weights(model)
    ]


def named_weights(model: Any) -> Iterator[tuple[Any, str, ag.Variable]]:
    """Weights in order, with the layer that each belongs to and its name there."""
    owners: dict[ag.Variable, Any] = {}
    for layer in model._flatten_layers():
        for value in vars(layer).values():
            for item in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(item, ag.Variable):
                    owners[item] = layer
    for weight in model.weights:
        yield owners.get(weight, model), (weight.name or "weight").rpartition("/")[2], weight


def set_weights(model: Any, state: list[dict[str, Any]], path: str, skip_mismatch: bool = False) -> None:
    """Assign what ``weights_state`` gave, if it fits; otherwise nothing is changed.

    Raises
    ------
    StructureError
        If the weights are those of another architecture; it names the first layer that differs.
    """
    mine = list(named_weights(model))
    unbuilt = [layer for layer in model._flatten_layers() if not layer.built and layer is not model]
    if not model.built and (unbuilt or not mine):
        raise ag.StructureError(
            f"{model.name}: the model, or a layer in it, has no weights yet; {path} has {len(state)}. Call the model "
            "on data, or build(shape), first."
        )
    pairs = []
    for number, ((layer, name, weight), entry) in enumerate(zip(mine, state, strict=False)):
        kind, value = type(layer).__name__, entry["value"]
        if (entry["class"], entry["name"], tuple(value.shape)) == (kind, name, weight.shape):
            pairs.append((weight, value))
        elif not skip_mismatch:
            raise ag.StructureError(
                f"{path} does not fit {model.name!r}: weight {number + 1} is, in the model, {name!r} of shape "
                f"{weight.shape} in layer {layer.name!r} ({kind}), and in the file {entry['name']!r} of shape "
                f"{tuple(value.shape)} in layer {entry['layer']!r} ({entry['class']}). {_told_unbuilt(unbuilt)}"
                "Nothing was changed."
            )
    if len(mine) != len(state) and not skip_mismatch:
        longer = "the model" if len(mine) > len(state) else "the file"
        extra = mine[len(state)][0].name if len(mine) > len(state) else state[len(mine)]["layer"]
        raise ag.StructureError(
            f"{path} does not fit {model.name!r}: the model has {len(mine)} weights, the file {len(state)}; the first "
            f"that only {longer} has is in layer {extra!r}. {_told_unbuilt(unbuilt)}Nothing was changed."
        )
    for weight, value in pairs:
        weight.assign(value.astype(weight.dtype))


def _told_unbuilt(layers: list[Any]) -> str:
    if not layers:
        return ""
    names = ", ".join(repr(layer.name) for layer in layers)
    return f"Not built yet in the model: {names}; call the model on data first. "


# -- models and trainings ----------------------------------------------------------------------------------------------


def training_state(model: Any) -> dict[str, Any]:
    """Weights, optimizer, metrics and random generators of a model."""
    optimizer = model.optimizer
    return {
        "weights": weights_state(model),
        "optimizer": None
        if optimizer is None
        else {"class": type(optimizer).__name__, "state": optimizer.state_arrays()},
        "metrics": [[variable.array for variable in metric.variables] for metric in model.metrics],
        "generators": [dump_state(source) for source in generators(model)],
        "states": [vars(layer).get("states") for layer in _stateful(model)],
    }


def restore_training(model: Any, state: dict[str, Any], path: str) -> None:
    """Give a model what ``training_state`` gave; if it does not fit, nothing is changed."""
    optimizer, saved = model.optimizer, state["optimizer"]
    if (saved is None) != (optimizer is None) or (saved and saved["class"] != type(optimizer).__name__):
        raise ag.StructureError(
            f"{path} was written with the optimizer {saved and saved['class']}; this model has "
            f"{None if optimizer is None else type(optimizer).__name__}."
        )
    sources = generators(model)
    if len(sources) != len(state["generators"]):
        raise ag.StructureError(
            f"{path} has the states of {len(state['generators'])} random generators; the model has {len(sources)} "
            "layers that draw random numbers."
        )
    before = model.get_weights()
    set_weights(model, state["weights"], path)
    try:
        if optimizer is not None:
            if not optimizer.built and any("/" in name for name in saved["state"]):  # something for each variable
                optimizer.build(model.trainable_variables)
            optimizer.load_state_arrays(saved["state"])
        for source, values in zip(sources, state["generators"], strict=True):
            load_state(source, values)
    except BaseException:
        model.set_weights(before)
        raise
    for layer, values in zip(_stateful(model), state["states"], strict=False):
        kept = None if values is None else map_structure(lambda array: ag.Tensor(array, None), values)
        object.__setattr__(layer, "states", kept)
    for metric, values in zip(model.metrics, state["metrics"], strict=False):
        for variable, value in zip(metric.variables, values, strict=False):
            variable.assign(value)


def _stateful(model: Any) -> list[Any]:
    """Recurrent layers that begin a batch where they ended the last one."""
    return [layer for layer in model._flatten_layers() if getattr(layer, "stateful", False)]


def generators(model: Any) -> list[np.random.Generator]:
    """Random generators of the layers of a model, in order."""
    found = (getattr(layer, "generator", None) for layer in model._flatten_layers())
    return [source for source in found if isinstance(source, np.random.Generator)]
