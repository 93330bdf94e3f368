"""Every demo runs, in a small form, and leaves the pictures it says it has written."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import optim
from demos import (
    _shared,
    batch_size,
    clusters,
    compiled_step,
    gradient_descent,
    lenet,
    lstm_rows,
    mnist,
    mnist_from_scratch,
    optimizers,
    profile_step,
    quickstart,
    two_layer_net,
)

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.stem for path in (ROOT / "demos").glob("[!_]*.py"))


def small_mnist(path=None):
    """Bars of ink at ten places, in MNIST's form: 600 to train, 200 to test."""
    random = np.random.default_rng(0)

    def draw(count):
        labels = random.integers(0, 10, count).astype("uint8")
        images = random.integers(0, 12, (count, 28, 28)).astype("uint8")
        for image, label in zip(images, labels, strict=True):
            image[7:21, 2 * label + 2 : 2 * label + 6] = 255
        return images, labels

    return draw(600), draw(200)


@pytest.fixture
def demo(monkeypatch, tmp_path, capsys):
    """Runs a demo with options; gives what it printed, and the names of the files it wrote."""
    monkeypatch.setattr(_shared.nn.datasets.mnist, "load_data", small_mnist)
    monkeypatch.setattr("nn.randomness._parent", [])  # a seed that a demo sets is forgotten with it

    def run(module, *options):
        monkeypatch.setattr(sys, "argv", ["demo", *options, "--output", str(tmp_path / "out")])
        module.main()
        out = capsys.readouterr().out
        written = sorted(path.name for path in (tmp_path / "out").iterdir())
        for name in written:
            assert (tmp_path / "out" / name).stat().st_size > 1000
            assert f"wrote {tmp_path / 'out' / name}" in out or name.endswith(".dot")
        return out, written

    return run


@pytest.mark.parametrize("name", NAMES)
def test_help(name, monkeypatch, capsys):
    """``--help`` says what the demo shows, and its options."""
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as caught:
        importlib.import_module(f"demos.{name}").main()
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "--output" in out
    assert len(out.splitlines()) > 5


def test_clusters(demo):
    """A line of loss and accuracy, and the two pictures."""
    out, written = demo(clusters, "--epochs", "12")
    assert "epoch   1/12  loss " in out
    assert "epoch  10/12  loss " in out
    assert "epoch  12/12  loss " in out
    assert "of 1000 points right" in out
    assert written == ["clusters_regions.png", "clusters_training.png"]


@pytest.mark.parametrize("seeds", [1, 2])
def test_mnist(demo, seeds):
    """Lines of ``fit``, what was learned from each seed, and the mean."""
    out, written = demo(mnist, "--epochs", "3", "--seeds", str(seeds), "--seed", "4")
    assert "Total parameters:         407,050" in out
    assert out.count("val_accuracy: ") == 3 * seeds
    assert out.count("test images: loss ") == seeds
    assert [line for line in out.splitlines() if line.startswith("seed ")] == ["seed 4", "seed 5"][:seeds]
    assert f"test accuracy of {seeds} seed" in out
    assert "mean test accuracy 100.00%" in out
    assert written == ["mnist_digits.png", "mnist_training.png"]


def test_lenet(demo):
    """Lines of ``fit``, what was learned, and the four pictures."""
    out, written = demo(lenet, "--epochs", "2")
    assert "Total parameters:         61,706" in out
    assert out.count("val_accuracy: ") == 2
    assert "accuracy 100.00%" in out
    assert written == [f"lenet_{name}.png" for name in ("digits", "feature_maps", "kernels", "training")]


def test_lstm_rows(demo):
    """Lines of ``fit``, what was learned, and what is told after some of the rows."""
    out, written = demo(lstm_rows, "--epochs", "6")
    assert out.count("val_accuracy: ") == 6
    accuracy = float(out.split(", accuracy ")[1].split("%")[0])
    assert accuracy > 50
    assert f"after 28 rows {accuracy:5.1f}% of the first 200 are told" in out
    assert written == [f"lstm_rows_{name}.png" for name in ("accuracy", "probabilities", "training")]


def test_compiled_step(demo):
    """The ways agree, the source is shown, and what was emitted and recorded is written."""
    pytest.importorskip("numba")
    out, written = demo(compiled_step, "--steps", "31", "--lines", "3")
    assert float(out.split("differ by at most ")[1].split()[0]) < 1e-4
    assert "compiled for NumPy" in out
    assert "compiled for Numba" in out
    kept = [f"compiled_step_{name}" for name in ("numba.py", "numpy.py")]
    assert [name for name in written if name.endswith(".py")] == kept
    assert len([name for name in written if name.endswith((".svg", ".dot"))]) == 2


def test_profile_step(demo):
    """The tables, the list that keeps the recordings and what is left without it, the flame graph and the diagram."""
    out, written = demo(profile_step, "--steps", "3")
    for row in ("affine", "optimizer step: Adam", "sequential/hidden_1", "profile_step.py:"):
        assert any(line.startswith(row) for line in out.splitlines())
    assert "Keep float(losses[0]) in its place" in out
    assert "The variable last of main()" in out
    assert "profile_step.speedscope.json" in written
    assert {"profile_step.svg", "profile_step.dot"} & set(written)


def test_one_seed_is_one_training(demo):
    """A demo that is run again prints the same figures."""
    first, second = (demo(lstm_rows, "--epochs", "1", "--seed", "3")[0] for _ in range(2))
    loss = [line for line in first.splitlines() if line.startswith("test images: ")]
    assert loss == [line for line in second.splitlines() if line.startswith("test images: ")]


def test_optimizers(demo):
    """A row for each optimizer of the package, with where it ended."""
    out, written = demo(optimizers, "--epochs", "3")
    ends = {line[:18].strip(): line for line in out.splitlines() if "rate " in line or "finds its step" in line}
    assert list(ends)[1:] == list(optimizers.OPTIMIZERS)
    shown = {type(make()) for pair in optimizers.OPTIMIZERS.values() for make in pair}
    assert shown == {getattr(optim, name) for name in optim.__all__ if name[0].isupper()} - {optim.Optimizer}
    heights = {name: float(line.split(")")[1].split()[0]) for name, line in list(ends.items())[1:]}
    assert max(heights.values()) < 0.1  # from 6.45
    assert heights["L-BFGS"] < 1e-12
    assert written == ["optimizers_losses.png", "optimizers_paths.png"]


def test_batch_size(demo, monkeypatch):
    """The steps of an epoch, and which of them all."""
    monkeypatch.setattr(batch_size, "LINE_EPOCHS", 3)
    out, written = demo(batch_size, "--epochs", "1")
    for line in (
        "2,000 points in ten clusters, 1 epoch of plain descent:",
        "full batch (2,000)                  1        1 ",
        "mini-batches of 200                10       10 ",
        "mini-batches of 32                 63       63 ",
        "single samples                  2,000    2,000 ",
        "full batch (200)           3 steps, to w = ",
        "mini-batches of 32        21 steps, to w = ",
        "single samples           600 steps, to w = ",
    ):
        assert line in out
    assert written == ["batch_size_losses.png", "batch_size_paths.png"]


def test_mnist_from_scratch(demo):
    """Lines per epoch and per hundred batches; the loss falls."""
    out, written = demo(mnist_from_scratch, "--epochs", "20")
    losses = [float(line.split()[3]) for line in out.splitlines() if line.startswith("epoch")]
    assert len(losses) == out.count("    batch   0: loss ") == 20
    assert losses[-1] < 0.9 * losses[0]
    assert written == ["mnist_from_scratch.png"]


def test_two_layer_net(demo, monkeypatch):
    """The two gradients agree, and the loss falls. (With three hidden units: the numerical gradient takes its time.)"""

    class Small(two_layer_net.TwoLayerNet):
        def __init__(self, input_size, hidden_size, output_size, random):
            super().__init__(input_size, 3, output_size, random)

    monkeypatch.setattr(two_layer_net, "TwoLayerNet", Small)
    out, written = demo(two_layer_net, "--iterations", "30")
    differences = [float(line.split()[-3]) for line in out.splitlines() if "at most" in line]
    assert len(differences) == 4
    assert max(differences) < 1e-6
    assert "step     29  train accuracy " in out
    assert "after 30 steps: train accuracy " in out
    assert written == ["two_layer_net_accuracy.png", "two_layer_net_loss.png"]


def test_gradient_descent(demo):
    """The stated slopes, gradients and ends."""
    out, written = demo(gradient_descent)
    for line in (
        "at x = 5    slope 0.2000000000 by central differences, 0.2000000000 by the tape",
        "at x = 10   slope 0.3000000000 by central differences, 0.3000000000 by the tape",
        "at (3.0, 4.0): [6. 8.] by central differences, [6. 8.] by the tape",
        "at (0.0, 2.0): [0. 4.] by central differences, [0. 4.] by the tape",
        "at (3.0, 0.0): [6. 0.] by central differences, [6. 0.] by the tape",
        "learning rate 1e-10  ends at (-3, 4); too small",
        "learning rate 0.1    ends at (-6.111e-10, 8.148e-10); right",
        "too large: it blows up",
        "plain descent stops at x = 1.4704",
    ):
        assert line in out
    (end,) = [line for line in out.splitlines() if "comes to rest" in line]
    assert abs(float(end.split(" x = ")[1].split(",")[0]) + 1.6175) < 0.02
    assert written == [f"gradient_descent_{name}.png" for name in ("field", "learning_rates", "momentum", "tangents")]


def test_quickstart(demo):
    """Both networks, the two pictures, and a summary that names them."""
    out, written = demo(quickstart, "--cluster-epochs", "12", "--mnist-epochs", "2")
    assert "-1 * -1 * 1 * 2 = 2" in out
    summary = out[out.index("Done in ") :]
    assert "of the points right; decision regions in " in summary
    assert "of the test images right" in summary
    assert written[-1] == "quickstart_regions.png"
    for name in written:
        assert name in summary


def test_quickstart_with_no_data_and_no_graphviz(demo, monkeypatch):
    """Each is said in a line, and the rest goes on."""

    def not_found(path=None):
        raise ag.DataNotFoundError("MNIST: nowhere")

    monkeypatch.setattr(_shared.nn.datasets.mnist, "load_data", not_found)
    monkeypatch.setattr(sys.modules["autograd_core.graph.render"], "can_draw", lambda count=0: False)
    out, written = demo(quickstart, "--cluster-epochs", "1")
    assert sum("MNIST is left out" in line for line in out.splitlines()) == 1
    assert "left out (no data)" in out
    assert written == ["quickstart_graph.dot", "quickstart_regions.png"]
    assert "dot -Tsvg " in out
    assert "quickstart_graph.dot" in out[out.index("Done in ") :]


# What they share


@pytest.mark.parametrize("options", [["--epochs", "0"], ["--epochs", "many"], ["--seed", "-1"], ["--colour", "red"]])
def test_bad_options(options, monkeypatch, capsys):
    """Are refused by name, before anything runs."""
    monkeypatch.setattr(sys, "argv", ["clusters", *options])
    with pytest.raises(SystemExit) as caught:
        clusters.main()
    assert caught.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_an_error_is_one_line():
    """No traceback for data that cannot be had."""

    def main():
        raise ag.DataNotFoundError("MNIST: nowhere to be found")

    with pytest.raises(SystemExit) as caught:
        _shared.run(main)
    assert caught.value.code == "error: MNIST: nowhere to be found"


@pytest.mark.parametrize("module", [batch_size, clusters, lenet, lstm_rows, mnist, mnist_from_scratch, optimizers])
def test_matplotlib_missing(module, monkeypatch):
    """The error names the extra that brings it, before the training."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(sys, "argv", ["demo", "--epochs", "1000000"])
    with pytest.raises(ag.MissingExtraError, match=r"autograd-core\[demos\]"):
        module.main()


@pytest.mark.parametrize("module", [lenet, lstm_rows, mnist, mnist_from_scratch, two_layer_net])
def test_no_data(module, monkeypatch):
    """One line, and exit status 1 (which ``sys.exit`` with a text means)."""
    pytest.importorskip("matplotlib")  # which a demo asks for first

    def not_found(path=None):
        raise ag.DataNotFoundError("MNIST: nowhere")

    monkeypatch.setattr(_shared.nn.datasets.mnist, "load_data", not_found)
    monkeypatch.setattr(sys, "argv", ["demo"])
    with pytest.raises(SystemExit) as caught:
        _shared.run(module.main)
    assert caught.value.code == "error: MNIST: nowhere"


def test_a_bar_only_on_a_terminal(monkeypatch, capsys):
    """Elsewhere the steps pass through."""
    assert list(_shared.progress(range(3), 3, "steps")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert list(_shared.progress(range(3), 3, "steps")) == [0, 1, 2]
    assert "steps" in capsys.readouterr().out
