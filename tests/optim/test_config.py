"""Optimizers and schedules described by a dict, and made from one."""

import json
from types import SimpleNamespace

import pytest

import autograd_core as ag
import optim
from optim import schedules
from tests.optim.expected import optimizer_cases as cases

OURS = SimpleNamespace(optimizers=optim)
MAKERS = {**cases.OPTIMIZERS, "lbfgs": lambda k: optim.LBFGS(0.5, max_iter=7, line_search=None, name="mine")}


@pytest.mark.parametrize("name", sorted(set(MAKERS) - {"schedule-function"}))
def test_an_optimizer_is_made_again_from_its_config(name):
    """Through JSON, by the class and by ``optim.get``."""
    first = MAKERS[name](OURS)
    config = json.loads(json.dumps(first.get_config()))
    for again in (
        type(first).from_config(config),
        optim.get({"class_name": type(first).__name__, "config": config}),
        optim.deserialize(optim.serialize(first)),
    ):
        assert type(again) is type(first)
        assert again.get_config() == first.get_config()
        assert again.learning_rate == first.learning_rate


@pytest.mark.parametrize("name", cases.SCHEDULES)
def test_a_schedule_is_made_again_from_its_config(name):
    first = cases.SCHEDULES[name](OURS)
    config = json.loads(json.dumps(first.get_config()))
    for again in (type(first).from_config(config), schedules.deserialize(schedules.serialize(first))):
        assert type(again) is type(first)
        assert [again(step) for step in range(99)] == [first(step) for step in range(99)]
    assert "learning_rate" in repr(first) or "values" in repr(first)


def test_what_a_config_has_in_it():
    """Keras's names; the present learning rate; a function stays itself."""
    optimizer = optim.Adam(0.5, beta_1=0.8, use_ema=True, name="mine")
    optimizer.learning_rate = 0.25
    config = optimizer.get_config()
    wanted = {"name": "mine", "learning_rate": 0.25, "beta_1": 0.8, "epsilon": 1e-7, "use_ema": True}
    assert {name: config[name] for name in wanted} == wanted
    for name in (
        "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "ema_momentum", "ema_overwrite_frequency",
        "loss_scale_factor", "gradient_accumulation_steps", "beta_2", "amsgrad",
    ):  # fmt: skip
        assert name in config

    def rate(step):
        return 1.0

    assert optim.SGD(rate).get_config()["learning_rate"] is rate
    assert optim.SGD.from_config({"lr": 0.5}).learning_rate == 0.5


def test_a_description_as_keras_writes_it():
    """With entries that only Keras reads."""
    schedule = {
        "module": "keras.optimizers.schedules",
        "class_name": "CosineDecay",
        "config": {"initial_learning_rate": 0.5, "decay_steps": 10, "alpha": 0.0, "name": "CosineDecay",
                   "warmup_target": None, "warmup_steps": 0},
        "registered_name": None,
    }  # fmt: skip
    optimizer = optim.get({"class_name": "adam", "config": {"name": "adam", "learning_rate": schedule, "beta_1": 0.5}})
    assert (type(optimizer), optimizer.learning_rate, optimizer.beta_1) == (optim.Adam, 0.5, 0.5)


class Mine(optim.SGD):
    """A subclass with an argument that it does not keep."""

    def __init__(self, secret=1, **options):
        super().__init__(**options)


class Kept(optim.SGD):
    def __init__(self, secret=1, **options):
        super().__init__(**options)
        self.secret = secret


def test_classes_of_one_s_own():
    assert Kept(secret=5, learning_rate=0.5).get_config()["secret"] == 5
    again = optim.deserialize({"class_name": "Kept", "config": {"secret": 7}}, custom_objects={"Kept": Kept})
    assert again.secret == 7
    with pytest.raises(ag.StructureError, match=r"Mine.get_config: the argument 'secret' .* is no attribute"):
        Mine().get_config()


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: optim.get("adan"), ag.DomainError, r"'adan'; did you mean 'adam'\? Known: adadelta"),
        (lambda: optim.get("RMSProb"), ag.DomainError, r"did you mean 'rmsprop'\?"),
        (lambda: optim.get("xyz"), ag.DomainError, r"'xyz'; known: adadelta"),
        (lambda: optim.get(3), ag.ConversionError, "got a int; .* a dict with 'class_name' and 'config'"),
        (lambda: optim.get({"name": "adam"}), ag.StructureError, r"got a dict with \['name'\]; expected 'class_name'"),
        (lambda: optim.get({"class_name": "Adma", "config": {}}), ag.DomainError, "'Adma'; did you mean 'Adam"),
        (lambda: optim.get({"class_name": "Adam", "config": 3}), ag.ConversionError, "Adam.from_config: got a int"),
        (lambda: optim.Adam.from_config({"beta1": 0.9}), ag.StructureError, r"'beta1'; did you mean 'beta_1'\?"),
        (lambda: optim.LBFGS.from_config({"clipnorm": 1.0}), ag.StructureError, "LBFGS.from_config: .* 'clipnorm'"),
        (lambda: schedules.deserialize({"class_name": "CosinDecay"}), ag.DomainError, "did you mean 'CosineDecay'"),
        (lambda: schedules.CosineDecay.from_config({"steps": 3}), ag.StructureError, "'steps'; "),
        (lambda: optim.Adam.from_config({"beta_1": 2.0}), ag.DomainError, "beta_1 is 2.0"),
    ],
)
def test_mistakes_are_named(make, error, says):
    with pytest.raises(error, match=says):
        make()
