"""Small trainings to compare with Keras: a model, how it is compiled, data, and what is asked of ``fit``.

Everything that is made is made from a namespace ``k``, which is Keras or ours: ``layers``, ``optimizers``, ``losses``,
``metrics``, ``callbacks``, ... ``make_training.py`` runs the trainings in Keras and writes ``training.npz``;
``tests/nn/test_training_keras.py`` runs them here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Make = Callable[[Any], Any]

RANDOM = np.random.RandomState(0)
COUNT = 22  # with batches of 8 the last one is smaller
DOUBLE: dict[str, Any] = {"dtype": "float64"}

POINTS = RANDOM.normal(size=(COUNT, 3))
LABELS = RANDOM.randint(0, 4, COUNT)
ONE_HOT = np.eye(4)[LABELS]
BITS = (POINTS[:, :1] + 0.3 * RANDOM.normal(size=(COUNT, 1)) > 0) * 1.0
MANY_BITS = (RANDOM.uniform(size=(COUNT, 4)) > 0.5) * 1.0
VALUES = POINTS @ RANDOM.normal(size=(3, 2)) + 0.1 * RANDOM.normal(size=(COUNT, 2))
WEIGHTS = RANDOM.uniform(0.2, 2, COUNT)
IMAGES = RANDOM.normal(size=(COUNT, 6, 6, 2))
STEPS = RANDOM.normal(size=(COUNT, 5, 3))
WORDS = RANDOM.randint(1, 7, (COUNT, 5)) * (np.arange(5) < RANDOM.randint(1, 6, (COUNT, 1)))
STEP_LABELS = RANDOM.randint(0, 4, (COUNT, 5))
STEP_WEIGHTS = RANDOM.uniform(size=(COUNT, 5))
OTHERS = RANDOM.normal(size=(10, 3))
OTHER_LABELS = RANDOM.randint(0, 4, 10)
OTHER_WEIGHTS = RANDOM.uniform(size=10)


@dataclass(frozen=True)
class Case:
    """One training.

    Parameters
    ----------
    build : callable
        ``build(k)`` gives the model; its weights are replaced.
    compile : callable
        ``compile(k)`` gives the arguments of ``compile``.
    x, y : arrays, or structures of arrays
    fit : callable
        ``fit(k)`` gives further arguments of ``fit``.
    sample_weight : array, optional
        For ``fit`` and for ``evaluate``.
    left_out : tuple of str
        What is not compared: with JAX, Keras loses masks on the way from the gradient to the metrics of a training step
        (in ``evaluate`` it does not, nor does it with TensorFlow). And where two figures are called the same, the list
        that it gives for ``evaluate`` has some of them twice.
    """

    name: str
    build: Make
    compile: Make
    x: Any
    y: Any
    fit: Make = field(default=lambda k: {})
    sample_weight: Any = None
    left_out: tuple[str, ...] = ()

    def __str__(self):
        return self.name


def dense(last: str = "softmax", units: int = 4, **options: Any) -> Make:
    """A hidden layer and an output; the options are those of the hidden layer, made from ``k`` where callable."""

    def build(k):
        made = {name: value(k) if callable(value) else value for name, value in options.items()}
        return k.Sequential(
            [
                k.Input((3,), dtype="float64"),
                k.layers.Dense(5, activation="tanh", **DOUBLE, **made),
                k.layers.Dense(units, activation=last, **DOUBLE),
            ]
        )

    return build


def chain(shape: tuple[int, ...], layers: Make, dtype: str = "float64") -> Make:
    """A Sequential of what ``layers(k)`` gives."""
    return lambda k: k.Sequential([k.Input(shape, dtype=dtype), *layers(k)])


def asked(optimizer: Any, loss: Any, metrics: Any = None, **options: Any) -> Make:
    """Arguments of ``compile``; those that are callable are made from ``k``."""
    given = {"optimizer": optimizer, "loss": loss, "metrics": metrics, **options}
    return lambda k: {name: value(k) if callable(value) else value for name, value in given.items()}


def optimizer(name: str, *args: Any, **options: Any) -> Make:
    """An optimizer by its class's name."""
    return lambda k: getattr(k.optimizers, name)(*args, **options)


def two_headed(k):
    """One input, a classification and a regression."""
    x = k.Input((3,), dtype="float64", name="x")
    hidden = k.layers.Dense(5, activation="tanh", name="hidden", **DOUBLE)(x)
    kind = k.layers.Dense(4, activation="softmax", name="kind", **DOUBLE)(hidden)
    place = k.layers.Dense(2, name="place", **DOUBLE)(hidden)
    return k.Model(x, [kind, place])


def two_headed_dict(k):
    """The same with a dict of outputs."""
    x = k.Input((3,), dtype="float64", name="x")
    hidden = k.layers.Dense(5, activation="tanh", name="hidden", **DOUBLE)(x)
    kind = k.layers.Dense(4, activation="softmax", name="kind", **DOUBLE)(hidden)
    place = k.layers.Dense(2, name="place", **DOUBLE)(hidden)
    return k.Model(x, {"kind": kind, "place": place})


def two_inputs(k):
    """Two inputs in a dict, and a shared layer."""
    a, b = k.Input((3,), dtype="float64", name="a"), k.Input((3,), dtype="float64", name="b")
    shared = k.layers.Dense(4, activation="tanh", name="shared", **DOUBLE)
    joined = k.layers.Concatenate(**DOUBLE)([shared(a), shared(b)])
    return k.Model({"a": a, "b": b}, k.layers.Dense(4, activation="softmax", **DOUBLE)(joined))


def nested(k):
    """A model in a model, and a shortcut."""
    x = k.Input((3,), dtype="float64")
    inner = k.Sequential([k.Input((3,), dtype="float64"), k.layers.Dense(3, activation="tanh", **DOUBLE)])
    joined = k.layers.Add(**DOUBLE)([inner(x), x])
    return k.Model(x, k.layers.Dense(4, activation="softmax", **DOUBLE)(joined))


def frozen(k):
    """The first layer, and a normalization behind it, are not trained."""
    model = k.Sequential(
        [
            k.Input((3,), dtype="float64"),
            k.layers.Dense(5, activation="tanh", **DOUBLE),
            k.layers.BatchNormalization(**DOUBLE),
            k.layers.Dense(4, activation="softmax", **DOUBLE),
        ]
    )
    model.layers[0].trainable = False
    model.layers[1].trainable = False
    return model


SPARSE, CATEGORICAL, BINARY = "sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy"
ACCURACY = ["accuracy"]


def sequence(k, mask_zero: bool):
    """Words, a recurrent layer, and an output for every step."""
    return [
        k.layers.Embedding(7, 3, mask_zero=mask_zero, **DOUBLE),
        k.layers.LSTM(4, return_sequences=True, **DOUBLE),
        k.layers.Dense(4, activation="softmax", **DOUBLE),
    ]


CASES = [
    Case("SGD", dense(), asked(optimizer("SGD", 0.3), SPARSE, ACCURACY), POINTS, LABELS),
    Case("SGD momentum", dense(), asked(optimizer("SGD", 0.1, momentum=0.9, nesterov=True), SPARSE), POINTS, LABELS),
    Case("Adam", dense(), asked(optimizer("Adam", 0.05), SPARSE, ACCURACY), POINTS, LABELS),
    Case("RMSprop", dense("linear", 2), asked(optimizer("RMSprop", 0.02), "mse", ["mae"]), POINTS, VALUES),
    Case("AdamW", dense("linear", 2), asked(optimizer("AdamW", 0.02, weight_decay=0.1), "mae", ["mse"]), POINTS,
         VALUES),
    Case("one batch", dense(), asked("adam", SPARSE), POINTS, LABELS, lambda k: {"batch_size": 100}),
    Case("single samples", dense(), asked("sgd", SPARSE, ACCURACY), POINTS, LABELS, lambda k: {"batch_size": 1}),
    Case("column of labels", dense(), asked("sgd", SPARSE, ACCURACY), POINTS, LABELS[:, None] * 1.0),
    Case("validation_data", dense(), asked(optimizer("SGD", 0.3), SPARSE, ACCURACY), POINTS, LABELS,
         lambda k: {"validation_data": (OTHERS, OTHER_LABELS), "validation_batch_size": 3}),
    Case("validation_data weighted", dense(),
         asked("sgd", SPARSE, ACCURACY, weighted_metrics=lambda k: [k.metrics.SparseCategoricalAccuracy("weighed")]),
         POINTS, LABELS, lambda k: {"validation_data": (OTHERS, OTHER_LABELS, OTHER_WEIGHTS)}),
    Case("validation_split", dense(), asked("adam", SPARSE, ACCURACY), POINTS, LABELS,
         lambda k: {"validation_split": 0.3, "validation_freq": 2}),
    Case("class_weight", dense(), asked(optimizer("SGD", 0.3), SPARSE, ACCURACY, weighted_metrics=["accuracy"]),
         POINTS, LABELS, lambda k: {"class_weight": {0: 3.0, 2: 0.1}}, left_out=("evaluate",)),
    Case("class_weight one-hot", dense(), asked("adam", CATEGORICAL, ACCURACY), POINTS, ONE_HOT,
         lambda k: {"class_weight": {0: 3.0, 1: 0.5, 2: 0.1, 3: 1.0}}),
    Case("class_weight bits", dense("sigmoid", 1), asked("adam", BINARY, ACCURACY), POINTS, BITS,
         lambda k: {"class_weight": {0: 3.0, 1: 0.5}}),
    Case("sample_weight", dense(),
         asked("adam", SPARSE, ACCURACY,
               weighted_metrics=lambda k: ["accuracy", k.metrics.SparseTopKCategoricalAccuracy(2, name="two")]),
         POINTS, LABELS, sample_weight=WEIGHTS, left_out=("evaluate",)),
    Case("regularizers",
         dense(kernel_regularizer=lambda k: k.regularizers.L1L2(0.01, 0.02), bias_regularizer="l2",
               activity_regularizer=lambda k: k.regularizers.L2(0.03)),
         asked("sgd", SPARSE, ACCURACY), POINTS, LABELS),
    Case("constraints",
         dense(kernel_constraint=lambda k: k.constraints.MaxNorm(0.7), bias_constraint="non_neg"),
         asked(optimizer("SGD", 0.5), SPARSE), POINTS, LABELS),
    Case("BatchNormalization",
         chain((3,), lambda k: [k.layers.Dense(5, **DOUBLE), k.layers.BatchNormalization(momentum=0.8, **DOUBLE),
                                k.layers.Activation("relu", **DOUBLE),
                                k.layers.Dense(4, activation="softmax", **DOUBLE)]),
         asked("adam", SPARSE, ACCURACY), POINTS, LABELS, lambda k: {"validation_split": 0.2}),
    Case("Conv2D",
         chain((6, 6, 2), lambda k: [k.layers.Conv2D(3, 3, activation="relu", padding="same", **DOUBLE),
                                     k.layers.MaxPooling2D(**DOUBLE), k.layers.Conv2D(4, 2, **DOUBLE),
                                     k.layers.GlobalAveragePooling2D(**DOUBLE), k.layers.Softmax(**DOUBLE)]),
         asked("adam", SPARSE, ACCURACY), IMAGES, LABELS),
    Case("LSTM",
         chain((5, 3), lambda k: [k.layers.LSTM(4, **DOUBLE), k.layers.Dense(4, activation="softmax", **DOUBLE)]),
         asked(optimizer("Adam", 0.02, clipnorm=0.1), SPARSE, ACCURACY), STEPS, LABELS),
    Case("GRU both ways",
         chain((5, 3), lambda k: [k.layers.Bidirectional(k.layers.GRU(3, **DOUBLE), **DOUBLE),
                                  k.layers.Dense(2, **DOUBLE)]),
         asked("rmsprop", "mse", ["mae"]), STEPS, VALUES),
    Case("Embedding and LSTM", chain((5,), lambda k: sequence(k, False), "int32"), asked("adam", SPARSE, ACCURACY),
         WORDS, STEP_LABELS),
    Case("mask", chain((5,), lambda k: sequence(k, True), "int32"), asked("adam", SPARSE, ACCURACY), WORDS,
         STEP_LABELS, lambda k: {"validation_data": (WORDS[:9], STEP_LABELS[:9])}, left_out=("history accuracy",)),
    Case("mask and weights", chain((5,), lambda k: sequence(k, True), "int32"),
         asked("adam", SPARSE, weighted_metrics=["accuracy"]), WORDS, STEP_LABELS, sample_weight=STEP_WEIGHTS,
         left_out=("history accuracy",)),
    Case("mask of a sum",
         chain((5,), lambda k: [k.layers.Embedding(7, 3, mask_zero=True, **DOUBLE), k.layers.LSTM(4, **DOUBLE),
                                k.layers.Dense(4, activation="softmax", **DOUBLE)], "int32"),
         asked("adam", SPARSE, ACCURACY), WORDS, LABELS),
    Case("two outputs", two_headed,
         asked("adam", lambda k: [SPARSE, "mse"], loss_weights=[0.7, 2.0], metrics=[["accuracy"], ["mae", "mse"]]),
         POINTS, [LABELS, VALUES], lambda k: {"validation_data": (OTHERS, [OTHER_LABELS, OTHERS[:, :2]])}),
    Case("two outputs by name", two_headed,
         asked("adam", {"kind": SPARSE, "place": "mse"}, loss_weights={"kind": 0.7, "place": 2.0},
               metrics={"kind": ["accuracy"], "place": ["mae"]}),
         POINTS, {"kind": LABELS, "place": VALUES}),
    Case("two outputs in a dict", two_headed_dict,
         asked("adam", {"kind": SPARSE, "place": "mse"}, loss_weights={"kind": 0.7, "place": 2.0},
               metrics={"kind": ["accuracy"]}, weighted_metrics={"place": ["mae"]}),
         POINTS, {"kind": LABELS, "place": VALUES}),
    Case("two outputs, one weight", two_headed,
         asked("adam", lambda k: [SPARSE, "mse"], weighted_metrics=[["accuracy"], ["mae"]]),
         POINTS, [LABELS, VALUES], sample_weight=WEIGHTS),
    Case("two outputs, one not trained", two_headed, asked("sgd", lambda k: [SPARSE, None]), POINTS,
         [LABELS, VALUES]),
    Case("two outputs, all figures", two_headed_dict,
         asked("adam", "mse", metrics={"kind": ["mae", "mae"], "place": "mse"}, weighted_metrics={"kind": "mae"}),
         POINTS, {"kind": ONE_HOT, "place": VALUES}, sample_weight=WEIGHTS, left_out=("evaluate",)),
    Case("two outputs, one loss", two_headed, asked("adam", "mse"), POINTS, [ONE_HOT, VALUES]),
    Case("two inputs", two_inputs, asked("adam", SPARSE, ACCURACY), {"a": POINTS, "b": POINTS[::-1].copy()}, LABELS),
    Case("nested", nested, asked("adam", SPARSE, ACCURACY), POINTS, LABELS),
    Case("frozen", frozen, asked("adam", SPARSE, ACCURACY), POINTS, LABELS),
    Case("clipnorm", dense(), asked(optimizer("SGD", 0.5, clipnorm=0.05), SPARSE), POINTS, LABELS),
    Case("global_clipnorm", dense(), asked(optimizer("SGD", 0.5, global_clipnorm=0.1), SPARSE), POINTS, LABELS),
    Case("clipvalue", dense(), asked(optimizer("Adam", 0.05, clipvalue=0.01), SPARSE), POINTS, LABELS),
    Case("schedule", dense(),
         asked(lambda k: k.optimizers.SGD(k.optimizers.schedules.ExponentialDecay(0.5, 2, 0.7)), SPARSE), POINTS,
         LABELS),
    Case("schedule cosine", dense(),
         asked(lambda k: k.optimizers.Adam(k.optimizers.schedules.CosineDecay(0.01, 6, 0.1, warmup_target=0.1,
                                                                              warmup_steps=3)), SPARSE),
         POINTS, LABELS),
    Case("ema", dense(),
         asked(optimizer("SGD", 0.3, use_ema=True, ema_momentum=0.8), SPARSE, ACCURACY), POINTS, LABELS),
    Case("ema now and then", dense(),
         asked(optimizer("Adam", 0.03, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=4), SPARSE), POINTS,
         LABELS),
    Case("accumulation", dense(), asked(optimizer("SGD", 0.3, gradient_accumulation_steps=2), SPARSE), POINTS, LABELS),
    Case("figures of bits", dense("sigmoid", 1),
         asked("adam", BINARY,
               lambda k: [k.metrics.AUC(name="auc"), k.metrics.Precision(name="precision"),
                          k.metrics.Recall(name="recall"), k.metrics.BinaryAccuracy(threshold=0.4), "accuracy",
                          k.metrics.TruePositives(name="hits")]),
         POINTS, BITS),
    Case("figures of many bits", dense("sigmoid", 4),
         asked("adam", BINARY,
               lambda k: [k.metrics.F1Score(average="macro", threshold=0.5, name="f1"), "accuracy",
                          k.metrics.AUC(multi_label=True, name="auc")]),
         POINTS, MANY_BITS),
    Case("F1 of every class", dense(), asked("adam", CATEGORICAL, lambda k: [k.metrics.F1Score(name="f1")]), POINTS,
         ONE_HOT),
    Case("the same figure twice", dense("linear", 2),
         asked("adam", "mse", ["mse", "mae"], weighted_metrics=["mae"]), POINTS, VALUES, sample_weight=WEIGHTS,
         left_out=("evaluate",)),
    Case("functions", dense("linear", 2), asked("adam", lambda k: k.losses.mean_absolute_error,
                                                lambda k: [k.metrics.mean_squared_error]), POINTS, VALUES),
    Case("logits", dense("linear"),
         asked("adam", lambda k: k.losses.SparseCategoricalCrossentropy(from_logits=True), ACCURACY), POINTS, LABELS),
    Case("logits of a bit", dense("linear", 1),
         asked("adam", lambda k: k.losses.BinaryCrossentropy(from_logits=True),
               lambda k: [k.metrics.BinaryAccuracy(threshold=0.0)]), POINTS, BITS),
    Case("label smoothing", dense(),
         asked("adam", lambda k: k.losses.CategoricalCrossentropy(label_smoothing=0.1), ACCURACY), POINTS, ONE_HOT),
    Case("label smoothing of bits", dense("sigmoid", 1),
         asked("adam", lambda k: k.losses.BinaryCrossentropy(label_smoothing=0.2), ACCURACY), POINTS, BITS),
    Case("sum of losses", dense("linear", 2),
         asked(optimizer("SGD", 0.01), lambda k: k.losses.MeanSquaredError(reduction="sum")), POINTS, VALUES),
    Case("Huber", dense("linear", 2), asked("adam", lambda k: k.losses.Huber(0.5), ["cosine_similarity"]), POINTS,
         VALUES),
    Case("EarlyStopping", dense(), asked(optimizer("SGD", 2.0), SPARSE), POINTS, LABELS,
         lambda k: {"epochs": 20, "validation_data": (OTHERS, OTHER_LABELS),
                    "callbacks": [k.callbacks.EarlyStopping(patience=2, restore_best_weights=True)]}),
    Case("EarlyStopping from an epoch", dense(), asked(optimizer("SGD", 1.0), SPARSE, ACCURACY), POINTS, LABELS,
         lambda k: {"epochs": 20, "validation_split": 0.4,
                    "callbacks": [k.callbacks.EarlyStopping("val_accuracy", min_delta=0.05, patience=1,
                                                            start_from_epoch=3, baseline=0.1, mode="max")]}),
    Case("ReduceLROnPlateau", dense(), asked(optimizer("SGD", 2.0), SPARSE), POINTS, LABELS,
         lambda k: {"epochs": 15, "validation_data": (OTHERS, OTHER_LABELS),
                    "callbacks": [k.callbacks.ReduceLROnPlateau(factor=0.5, patience=1, cooldown=2, min_lr=0.3)]}),
    Case("LearningRateScheduler", dense(), asked("sgd", SPARSE), POINTS, LABELS,
         lambda k: {"callbacks": [k.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5 + 0.1 * epoch)]}),
    Case("initial_epoch", dense(), asked("sgd", SPARSE), POINTS, LABELS, lambda k: {"initial_epoch": 1}),
    Case("steps_per_epoch", dense(), asked("sgd", SPARSE, ACCURACY), POINTS, LABELS,
         lambda k: {"steps_per_epoch": 2, "epochs": 1}),
]  # fmt: skip


def start(case: Case, model: Any) -> list[Any]:
    """Weights to begin with; variances are positive."""
    random = np.random.RandomState(zlib.crc32(case.name.encode()))
    names = [getattr(weight, "path", weight.name).rpartition("/")[2] for weight in model.weights]
    values = [0.3 * random.normal(size=tuple(weight.shape)) for weight in model.weights]
    return [abs(value) + 0.5 if "variance" in name else value for name, value in zip(names, values, strict=True)]


def trained(k: Any, case: Case) -> dict[str, Any]:
    """All that is compared: figures of every epoch, weights in the end, ``evaluate`` and ``predict``."""
    model = case.build(k)
    model.set_weights(start(case, model))
    model.compile(**case.compile(k))
    options = {"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0, "sample_weight": case.sample_weight}
    history = model.fit(case.x, case.y, **{**options, **case.fit(k)})
    found = {f"history {name}": values for name, values in sorted(history.history.items())}
    found |= {f"weight {number}": value for number, value in enumerate(model.get_weights())}
    checked = {"batch_size": 5, "verbose": 0, "sample_weight": case.sample_weight}
    logs = model.evaluate(case.x, case.y, **checked, return_dict=True)
    found |= {f"evaluate {name}": value for name, value in sorted(logs.items())}
    listed = model.evaluate(case.x, case.y, **checked)
    found["evaluate"] = np.hstack(listed if isinstance(listed, list) else [listed])
    output = model.predict(case.x, batch_size=7, verbose=0)
    outputs = output.values() if isinstance(output, dict) else output if isinstance(output, list) else [output]
    found |= {f"predict {number}": value for number, value in enumerate(outputs)}
    return {name: np.asarray(value, "float64") for name, value in found.items() if name not in case.left_out}
