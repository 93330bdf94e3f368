"""cond, while_loop, fori_loop and scan where nothing is traced: values, derivatives, structures, errors."""

import numpy as np
import pytest

import autograd_core as ag


def test_cond_takes_one_branch():
    calls = []
    x = np.array([1.0, 2.0])
    assert ag.cond(True, lambda y: calls.append("yes") or y.sum(), lambda y: calls.append("no"), x) == 3.0
    assert calls == ["yes"]
    assert ag.cond(ag.constant(0), lambda: 1, lambda: 2) == 2
    assert ag.cond(np.array(True), lambda: "kept as it is", lambda: None) == "kept as it is"
    assert ag.cond(ag.Variable(True), lambda: 1, lambda: 2) == 1


def test_cond_is_differentiated_along_the_branch_taken():
    w = ag.Variable(3.0)
    with ag.GradientTape() as tape:
        y = ag.cond(w > 2.0, lambda: w * w, lambda: 1.0 / (w - 3.0))
    assert float(tape.gradient(y, w)) == 6.0


def test_while_loop():
    assert ag.while_loop(lambda x: x < 100.0, lambda x: 2.0 * x, 3.0) == 192.0
    state = ag.while_loop(lambda s: s["n"] < 3, lambda s: {"n": s["n"] + 1, "x": s["x"] * 2}, {"n": 0, "x": np.ones(2)})
    np.testing.assert_array_equal(state["x"], [8.0, 8.0])
    assert ag.while_loop(lambda x: False, lambda x: x + 1, 5) == 5


def test_fori_loop():
    assert ag.fori_loop(1, 6, lambda i, product: product * i, 1) == 120
    assert ag.fori_loop(ag.constant(2), np.int64(4), lambda i, total: total + i, 0) == 5
    assert ag.fori_loop(3, 1, lambda i, x: x + 1, 7) == 7


def test_scan_gives_the_last_carry_and_all_results():
    xs = {"a": np.array([1.0, 2.0, 3.0]), "b": np.arange(6.0).reshape(3, 2)}
    carry, ys = ag.scan(lambda c, x: (c + x["a"], (c, x["b"] * 2, None)), 0.0, xs)
    assert carry == 6.0
    np.testing.assert_array_equal(ys[0], [0.0, 1.0, 3.0])
    np.testing.assert_array_equal(ys[1], 2 * xs["b"])
    assert ys[2] is None


def test_scan_in_reverse_keeps_the_order_of_results():
    carry, ys = ag.scan(lambda c, x: (10 * c + x, c), 0, np.array([1, 2, 3]), reverse=True)
    assert carry == 321
    np.testing.assert_array_equal(ys, [32, 3, 0])


def test_scan_without_xs_needs_a_length():
    carry, ys = ag.scan(lambda c, x: (c + 1, c), 0, None, length=4)
    assert x_is_none_was_given(carry, ys)
    with pytest.raises(ag.ShapeError, match="give xs, or length"):
        ag.scan(lambda c, x: (c, c), 0)


def x_is_none_was_given(carry, ys):
    return carry == 4 and ys.tolist() == [0, 1, 2, 3]


def test_scan_of_no_step_knows_the_shapes_of_its_results():
    carry, ys = ag.scan(lambda c, x: (c + x, {"y": x * np.ones(3)}), 1.0, np.zeros(0))
    assert carry == 1.0
    assert ys["y"].shape == (0, 3)
    assert ag.scan(lambda c, x: (c, None), 1.0, np.zeros((0, 2)))[1] is None


def loops(x):
    def step(carry, entry):
        after = np.tanh(carry * x[0] + entry)
        return after, after * entry

    last, ys = ag.scan(step, x[1], x)
    product = ag.fori_loop(0, 3, lambda i, c: c * np.sin(x) + i, x)
    grown = ag.while_loop(lambda c: np.sum(c) < 50.0, lambda c: c * c + 1.0, x)
    return last + np.sum(ys) + np.sum(product) + np.sum(np.log(grown))


def test_derivatives_of_loops():
    x = np.array([0.5, 1.5, -0.7])
    ag.testing.check_grads(loops, (x,), order=2)


def test_gradients_flow_to_what_loops_refer_to():
    w, x = ag.Variable(2.0), ag.constant([1.0, 2.0, 3.0])
    with ag.GradientTape() as tape:
        tape.watch(x)
        y = ag.scan(lambda c, e: (c * w + e, None), 1.0, x)[0]
    dw, dx = tape.gradient(y, [w, x])
    assert float(dw) == 3 * 4 + 2 * 2 * 1.0 + 2.0  # w^3 + w^2 + 2 w + 3
    np.testing.assert_array_equal(dx, [4.0, 2.0, 1.0])


def test_the_first_carry_is_not_changed_in_place():
    given, tensor = np.ones(2), ag.constant([1.0, 1.0])

    def body(i, c):
        c += 1.0
        return c

    np.testing.assert_array_equal(ag.fori_loop(0, 2, body, given), [3.0, 3.0])
    np.testing.assert_array_equal(ag.fori_loop(0, 2, body, tensor), [3.0, 3.0])
    np.testing.assert_array_equal(given, 1.0)
    np.testing.assert_array_equal(tensor, 1.0)


def test_numbers_take_the_dtype_of_the_first_step():
    x = np.float32(2.0) * ag.constant(np.ones(2, np.float32))
    assert ag.fori_loop(0, 2, lambda i, c: c * x[0], 1.0).dtype == np.float32
    assert ag.while_loop(lambda c: c < 3, lambda c: c + 0.5, 0) == 3.0


BAD = {
    "pred": (lambda: ag.cond(np.ones(2), int, int), ag.ShapeError, r"single truth value; got shape \(2,\)"),
    "complex": (lambda: ag.cond(1j, int, int), ag.DtypeError, "boolean or a real number; got complex128"),
    "no function": (lambda: ag.cond(True, 1, int), TypeError, "true_fun must be a function; got int"),
    "no body": (lambda: ag.while_loop(int, 3, 1), TypeError, "body_fun must be a function; got int"),
    "test": (lambda: ag.while_loop(lambda c: c > 0, lambda c: c, np.ones(2)), ag.ShapeError, "cond_fun must return"),
    "shape": (
        lambda: ag.fori_loop(0, 2, lambda i, c: {"a": c["a"][:1]}, {"a": np.ones(2)}), ag.ShapeError,
        r"body_fun: leaf \['a'\] of the carry has shape \(2,\) before the step, shape \(1,\) after",
    ),
    "dtype": (
        lambda: ag.fori_loop(0, 2, lambda i, c: (c[0] + 0.5,), (np.ones(2, np.int64),)), ag.DtypeError,
        r"leaf \[0\] of the carry has dtype int64 before the step, dtype float64 after",
    ),
    "structure": (
        lambda: ag.while_loop(lambda c: True, lambda c: c[0], (1.0, 2.0)), ag.StructureError,
        "body_fun: structures differ: expected tuple of 2, got float",
    ),
    "none": (lambda: ag.fori_loop(0, 1, lambda i, c: (c[0], 1.0), (1.0, None)), ag.StructureError, "one has None"),
    "leaf": (lambda: ag.fori_loop(0, 1, lambda i, c: c, "text"), ag.ConversionError, "init_val: leaf itself"),
    "bound": (lambda: ag.fori_loop(0, 1.5, lambda i, c: c, 0), ag.DtypeError, "upper must be a single integer"),
    "pair": (lambda: ag.scan(lambda c, x: c, 0.0, np.ones(2)), ag.StructureError, r"pair \(carry, y\); got float"),
    "lengths": (
        lambda: ag.scan(lambda c, x: (c, x), 0.0, (np.ones(2), np.ones(3))), ag.ShapeError,
        r"leaf \[0\] of xs: 2, leaf \[1\] of xs: 3",
    ),
    "length": (lambda: ag.scan(lambda c, x: (c, x), 0.0, np.ones(2), length=3), ag.ShapeError, "length: 3"),
    "negative": (lambda: ag.scan(lambda c, x: (c, x), 0.0, None, length=-1), ag.DtypeError, "integer of 0 or more"),
    "no axis": (lambda: ag.scan(lambda c, x: (c, x), 0.0, 1.0), ag.ShapeError, "has no axis to go along"),
    "results": (
        lambda: ag.scan(lambda c, x: (c + 1, x if c < 1 else (x, x)), 0, np.ones(2)), ag.StructureError,
        "f returns different structures",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_errors(case):
    call, error, said = BAD[case]
    with pytest.raises(error, match=said):
        call()
