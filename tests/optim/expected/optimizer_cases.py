"""Optimizers and schedules that are compared with Keras's, written once for both.

Each is a function of a namespace ``k`` with ``k.optimizers``: Keras itself, or ours. ``make_optimizers.py`` runs them
in Keras and keeps the numbers; the test runs them here.
"""

import numpy as np

SHAPES = {"kernel": (3, 4), "bias": (4,), "scale": ()}
STEPS = 100
KEPT = (1, 2, 10, 99, 100)  # after so many calls the values are compared


def without_decay(optimizer, **options):
    optimizer.exclude_from_weight_decay(**options)
    return optimizer


OPTIMIZERS = {
    "sgd": lambda k: k.optimizers.SGD(),
    "sgd-rate": lambda k: k.optimizers.SGD(0.1),
    "sgd-momentum": lambda k: k.optimizers.SGD(momentum=0.9),
    "sgd-nesterov": lambda k: k.optimizers.SGD(0.02, 0.8, True),
    "sgd-decay": lambda k: k.optimizers.SGD(0.05, 0.5, weight_decay=0.1),
    "sgd-positional": lambda k: k.optimizers.SGD(0.05, 0.5, False, 0.1, None, 0.5),
    "rmsprop": lambda k: k.optimizers.RMSprop(),
    "rmsprop-rho": lambda k: k.optimizers.RMSprop(0.01, rho=0.7, epsilon=1e-3),
    "rmsprop-momentum": lambda k: k.optimizers.RMSprop(0.01, momentum=0.5),
    "rmsprop-centered": lambda k: k.optimizers.RMSprop(0.01, centered=True, epsilon=1e-2),
    "rmsprop-centered-momentum": lambda k: k.optimizers.RMSprop(0.01, 0.8, 0.3, 1e-2, True),
    "rmsprop-decay": lambda k: k.optimizers.RMSprop(0.01, weight_decay=0.01),
    "adagrad": lambda k: k.optimizers.Adagrad(),
    "adagrad-options": lambda k: k.optimizers.Adagrad(0.1, initial_accumulator_value=0.5, epsilon=1e-3),
    "adagrad-decay": lambda k: k.optimizers.Adagrad(0.1, weight_decay=0.02),
    "adadelta": lambda k: k.optimizers.Adadelta(),
    "adadelta-options": lambda k: k.optimizers.Adadelta(1.0, rho=0.5, epsilon=0.1),
    "adadelta-decay": lambda k: k.optimizers.Adadelta(1.0, epsilon=1e-3, weight_decay=0.01),
    "adam": lambda k: k.optimizers.Adam(),
    "adam-options": lambda k: k.optimizers.Adam(0.01, beta_1=0.5, beta_2=0.9, epsilon=1e-3),
    "adam-amsgrad": lambda k: k.optimizers.Adam(0.01, amsgrad=True),
    "adam-decay": lambda k: k.optimizers.Adam(0.01, weight_decay=0.05),
    "adamw": lambda k: k.optimizers.AdamW(),
    "adamw-options": lambda k: k.optimizers.AdamW(0.01, 0.2, 0.8, 0.95, 1e-4, True),
    "adamw-no-bias": lambda k: without_decay(k.optimizers.AdamW(0.01, weight_decay=0.5), var_names=["bi", "^sc"]),
    "adamax": lambda k: k.optimizers.Adamax(),
    "adamax-options": lambda k: k.optimizers.Adamax(0.01, beta_1=0.5, beta_2=0.9, epsilon=1e-3),
    "adamax-decay": lambda k: k.optimizers.Adamax(0.01, weight_decay=0.05),
    "nadam": lambda k: k.optimizers.Nadam(),
    "nadam-options": lambda k: k.optimizers.Nadam(0.01, beta_1=0.5, beta_2=0.99, epsilon=1e-3),
    "nadam-decay": lambda k: k.optimizers.Nadam(0.01, weight_decay=0.05),
    "lion": lambda k: k.optimizers.Lion(),
    "lion-options": lambda k: k.optimizers.Lion(0.002, beta_1=0.3, beta_2=0.8),
    "lion-decay": lambda k: k.optimizers.Lion(0.002, weight_decay=0.5),
    "clipnorm": lambda k: k.optimizers.SGD(0.1, momentum=0.5, clipnorm=0.5),
    "clipvalue": lambda k: k.optimizers.RMSprop(0.01, clipvalue=0.1),
    "global_clipnorm": lambda k: k.optimizers.Adam(0.01, global_clipnorm=1.0),
    "loss_scale_factor": lambda k: k.optimizers.SGD(0.1, loss_scale_factor=8.0, clipvalue=0.2),
    "ema": lambda k: k.optimizers.SGD(0.1, momentum=0.5, use_ema=True),
    "ema-overwrite": lambda k: k.optimizers.Adam(
        0.01, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3, weight_decay=0.01
    ),
    "accumulate-sgd": lambda k: k.optimizers.SGD(0.1, momentum=0.9, gradient_accumulation_steps=4, clipnorm=0.3),
    "accumulate-adam": lambda k: k.optimizers.Adam(0.01, gradient_accumulation_steps=3, weight_decay=0.1),
    "accumulate-nadam": lambda k: k.optimizers.Nadam(0.01, gradient_accumulation_steps=2),
    "accumulate-schedule": lambda k: k.optimizers.Adam(
        k.optimizers.schedules.ExponentialDecay(0.1, 10, 0.8), gradient_accumulation_steps=3
    ),
    "accumulate-ema": lambda k: k.optimizers.RMSprop(
        0.01, gradient_accumulation_steps=3, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=2
    ),
    "accumulate-scale": lambda k: k.optimizers.SGD(0.1, gradient_accumulation_steps=2, loss_scale_factor=4.0),
    "schedule-cosine": lambda k: k.optimizers.SGD(
        k.optimizers.schedules.CosineDecay(0.0, 60, 0.1, warmup_target=0.1, warmup_steps=20), momentum=0.9
    ),
    "schedule-staircase": lambda k: k.optimizers.AdamW(
        k.optimizers.schedules.ExponentialDecay(0.02, 7, 0.9, staircase=True), weight_decay=0.1
    ),
    "schedule-piecewise": lambda k: k.optimizers.Lion(
        k.optimizers.schedules.PiecewiseConstantDecay([10, 40], [0.01, 0.003, 0.001])
    ),
    "schedule-function": lambda k: k.optimizers.Adagrad(lambda: 0.05),
}

SKIPPED = {  # gradients that are None: the variable's name, and the steps
    "sgd-momentum": {"bias": (3, 4, 20)},
    "ema-overwrite": {"kernel": (0, 5, 6, 7), "scale": (98,)},
    "accumulate-ema": {"bias": (1, 2, 5, 30)},
}

SCHEDULES = {
    "exponential": lambda k: k.optimizers.schedules.ExponentialDecay(0.1, 13, 0.7),
    "exponential-staircase": lambda k: k.optimizers.schedules.ExponentialDecay(0.1, 16, 0.7, True),
    "inverse": lambda k: k.optimizers.schedules.InverseTimeDecay(0.1, 13, 0.7),
    "inverse-staircase": lambda k: k.optimizers.schedules.InverseTimeDecay(0.1, 16, 0.7, staircase=True),
    "piecewise": lambda k: k.optimizers.schedules.PiecewiseConstantDecay([5, 64, 65], [1.0, 0.5, 0.1, 0.2]),
    "polynomial": lambda k: k.optimizers.schedules.PolynomialDecay(0.1, 100),
    "polynomial-power": lambda k: k.optimizers.schedules.PolynomialDecay(0.1, 100, 0.01, 2.5),
    "polynomial-cycle": lambda k: k.optimizers.schedules.PolynomialDecay(0.1, 32, 0.01, 0.5, True),
    "cosine": lambda k: k.optimizers.schedules.CosineDecay(0.1, 100),
    "cosine-alpha": lambda k: k.optimizers.schedules.CosineDecay(0.1, 100, 0.25, "named"),
    "cosine-warm-up": lambda k: k.optimizers.schedules.CosineDecay(0.02, 100, 0.1, warmup_target=0.3, warmup_steps=25),
    "cosine-warm-up-of-none": lambda k: k.optimizers.schedules.CosineDecay(0.02, 100, warmup_target=0.3),
    "restarts": lambda k: k.optimizers.schedules.CosineDecayRestarts(0.1, 30),
    "restarts-equal": lambda k: k.optimizers.schedules.CosineDecayRestarts(0.1, 32, 1.0, 0.7, 0.05),
    "restarts-options": lambda k: k.optimizers.schedules.CosineDecayRestarts(0.1, 20, 1.5, 0.8, 0.1),
}
SCHEDULE_STEPS = (*range(301), 1_000, 12_345, 1_000_000)


def initial_values(dtype):
    random = np.random.RandomState(0)
    return [np.asarray(random.normal(size=shape)).astype(dtype) for shape in SHAPES.values()]


def gradients_of(name, dtype):
    """For each step a list of gradients, of sizes that go up and down; None where one is left out."""
    random = np.random.RandomState(1)
    left_out = SKIPPED.get(name, {})
    result = []
    for step in range(STEPS):
        size = (1e-2, 1.0, 3.0, 0.1)[step % 4]
        drawn = {key: np.asarray(random.normal(size=shape) * size).astype(dtype) for key, shape in SHAPES.items()}
        result.append([None if step in left_out.get(key, ()) else value for key, value in drawn.items()])
    return result


def run(optimizer, variables, gradients):
    """Values of all variables, one after another, after each of the calls that are ``KEPT``, and at last after
    ``finalize_variable_values``."""
    rows = []
    for step, given in enumerate(gradients, start=1):
        optimizer.apply_gradients(list(zip(given, variables, strict=True)))
        if step in KEPT:
            rows.append(flat(variables))
    optimizer.finalize_variable_values(variables)
    return np.array([*rows, flat(variables)])


def flat(variables):
    return np.concatenate([np.asarray(variable.numpy()).reshape(-1) for variable in variables])
