"""Chains of dataset steps whose outcome is no matter of chance; ``k`` is ``tf.data`` or ``nn.data``."""

import numpy as np

X = np.arange(14.0, dtype="float32").reshape(7, 2)
Y = np.arange(7)


def upwards():
    """A generator function whose runs have an end."""
    yield from range(4)


def nothing():
    yield from ()


CASES = {
    "slices": lambda k: k.Dataset.from_tensor_slices((X, Y)),
    "slices of a dict": lambda k: k.Dataset.from_tensor_slices({"a": X, "b": (Y, X)}),
    "slices of a list": lambda k: k.Dataset.from_tensor_slices([X, X + 1]),
    "no slices": lambda k: k.Dataset.from_tensor_slices(X[:0]),
    "tensors": lambda k: k.Dataset.from_tensors((X, Y)),
    "tensors of a list": lambda k: k.Dataset.from_tensors([Y, Y]),
    "range": lambda k: k.Dataset.range(5),
    "range of two": lambda k: k.Dataset.range(2, 5),
    "range of three": lambda k: k.Dataset.range(9, 2, -3),
    "range of none": lambda k: k.Dataset.range(5, 2),
    "batch": lambda k: k.Dataset.from_tensor_slices((X, Y)).batch(3),
    "batch without the rest": lambda k: k.Dataset.from_tensor_slices((X, Y)).batch(3, drop_remainder=True),
    "batch of more": lambda k: k.Dataset.range(3).batch(5),
    "batch of more without the rest": lambda k: k.Dataset.range(3).batch(5, drop_remainder=True),
    "batch of batches": lambda k: k.Dataset.range(8).batch(2).batch(3),
    "batch of nothing": lambda k: k.Dataset.range(0).batch(3),
    "unbatch": lambda k: k.Dataset.from_tensor_slices((X, Y)).batch(3).map(lambda x, y: (x, y)).unbatch(),
    "unbatch whole batches": lambda k: k.Dataset.from_tensor_slices((X, Y)).batch(3, True).unbatch(),
    "unbatch tensors": lambda k: k.Dataset.from_tensors((X, Y)).unbatch(),
    "map": lambda k: k.Dataset.range(5).map(lambda n: n * n),
    "map of a tuple": lambda k: k.Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (x / 2, y + 1)),
    "map of a dict": lambda k: k.Dataset.from_tensor_slices({"a": X, "b": Y}).map(lambda d: {"c": d["a"]}),
    "map of a nested tuple": lambda k: k.Dataset.from_tensor_slices(((X, X), Y)).map(lambda x, y: x[0] + x[1]),
    "map to a list": lambda k: k.Dataset.range(3).map(lambda n: [n, n * 2]),
    "map to a number": lambda k: k.Dataset.range(3).map(lambda n: np.float32(0.5)),
    "map in parallel": lambda k: k.Dataset.range(5).map(lambda n: n + 1, num_parallel_calls=k.AUTOTUNE),
    "map of batches": lambda k: k.Dataset.range(5).batch(2).map(lambda n: n * 10),
    "filter": lambda k: k.Dataset.range(9).filter(lambda n: n % 3 == 0),
    "filter of a tuple": lambda k: k.Dataset.from_tensor_slices((X, Y)).filter(lambda x, y: y > 4),
    "filter everything": lambda k: k.Dataset.range(9).filter(lambda n: n < 0).batch(2),
    "repeat": lambda k: k.Dataset.range(3).repeat(2),
    "repeat never": lambda k: k.Dataset.range(3).repeat(0),
    "repeat without end": lambda k: k.Dataset.range(3).repeat().take(7),
    "repeat minus one": lambda k: k.Dataset.range(3).repeat(-1).take(4),
    "without end": lambda k: k.Dataset.range(3).repeat(),
    "nothing without end": lambda k: k.Dataset.range(0).repeat(),
    "a generator of nothing without end": lambda k: k.Dataset.from_generator(nothing, output_types="int64").repeat(),
    "batch over the end": lambda k: k.Dataset.range(3).repeat(3).batch(4),
    "repeat of batches": lambda k: k.Dataset.range(3).batch(2).repeat(2),
    "take": lambda k: k.Dataset.range(5).take(2),
    "take none": lambda k: k.Dataset.range(5).take(0),
    "take all": lambda k: k.Dataset.range(5).take(-1),
    "take more": lambda k: k.Dataset.range(5).take(9),
    "take of unknown": lambda k: k.Dataset.range(5).filter(lambda n: n > 0).take(2),
    "take of repeated": lambda k: k.Dataset.range(3).repeat(4).take(8).batch(3),
    "take batches": lambda k: k.Dataset.range(7).batch(2).take(2),
    "skip": lambda k: k.Dataset.range(5).skip(2),
    "skip none": lambda k: k.Dataset.range(5).skip(0),
    "skip all": lambda k: k.Dataset.range(5).skip(-1),
    "skip more": lambda k: k.Dataset.range(5).skip(9),
    "skip of repeated": lambda k: k.Dataset.range(3).repeat(4).skip(5).batch(3),
    "skip and take": lambda k: k.Dataset.range(3).repeat().skip(4).take(5).batch(2),
    "zip": lambda k: k.Dataset.zip((k.Dataset.range(3), k.Dataset.range(5, 9))),
    "zip of arguments": lambda k: k.Dataset.zip(k.Dataset.range(3).map(lambda n: n), k.Dataset.range(5, 9)),
    "zip of a dict": lambda k: k.Dataset.zip({"a": k.Dataset.range(3), "b": k.Dataset.range(4).repeat()}),
    "zip in batches": lambda k: k.Dataset.zip((k.Dataset.range(3), k.Dataset.range(5, 9))).batch(2),
    "zip of unknown": lambda k: k.Dataset.zip((k.Dataset.range(3), k.Dataset.range(9).filter(lambda n: n > 3))),
    "concatenate": lambda k: k.Dataset.range(2).concatenate(k.Dataset.range(7, 9)).batch(3),
    "concatenate endless": lambda k: k.Dataset.range(2).concatenate(k.Dataset.range(2).repeat()),
    "cache": lambda k: k.Dataset.range(3).map(lambda n: n * 2).cache().repeat(2),
    "enumerate": lambda k: k.Dataset.range(5, 8).enumerate(),
    "enumerate from": lambda k: k.Dataset.from_tensor_slices((X, Y)).enumerate(start=3),
    "prefetch": lambda k: k.Dataset.range(5).prefetch(2),
    "prefetch, automatic": lambda k: k.Dataset.range(5).batch(2).prefetch(k.AUTOTUNE).map(lambda n: n + 1),
    "generator": lambda k: k.Dataset.from_generator(upwards, output_types="int32").repeat(2).batch(3),
    "generator with arguments": lambda k: k.Dataset.from_generator(
        lambda count: range(int(count)), output_types="int64", args=(3,)
    ),
    "generator of pairs": lambda k: k.Dataset.from_generator(
        lambda: ((n, [n, n]) for n in range(3)), output_types=("int32", "float32")
    ),
    "shuffle of one": lambda k: k.Dataset.range(6).shuffle(1),
}


def outcome(dataset):
    """Cardinality, and elements as nested lists with the dtypes; no elements if there is no end."""
    count = int(dataset.cardinality())
    return {"cardinality": count, "elements": [] if count == -1 else [plain(e) for e in dataset.as_numpy_iterator()]}


def plain(element):
    if isinstance(element, dict):
        return {key: plain(value) for key, value in element.items()}
    if isinstance(element, tuple):
        return ["tuple", *map(plain, element)]
    return [str(element.dtype), element.tolist()]
