"""The page in a real browser: stepping, paths, scopes, search, keys (see browser.py; skipped where there is none)."""

import re

import numpy as np
import pytest

import autograd_core as ag

from .helpers import chain_rule
from .pages import chain_graph, choose, diamond, id_of, layers, recurrent, steps


def test_the_chain_rule_example_forward(show):
    page = show(chain_graph())
    said = steps(page, "#forward", 3)
    assert [lines[-1] for _, _, lines in said] == [
        "x1 = 2 × 3 = 6",
        "x2 = 6 + 1 = 7",
        "loss = 4, 7 → subtract, absolute → 3",
    ]
    assert [kind for kind, _, _ in said] == ["forward"] * 3
    assert "All values are computed" in steps(page, "#forward", 1)[0][2][0]


def test_the_chain_rule_example_backward(show):
    page = show(chain_graph())
    said = steps(page, "#backward", 5)
    assert said[0][2][-1] == "gradient of loss = 1"
    assert [local for _, local, _ in said[1:]] == ["1", "1", "1", "2"]
    assert [lines for _, _, lines in said[1:]] == [
        ["loss → x2: local derivative 1", "gradient of x2 = 1 × 1 = 1"],
        ["x2 → x1: local derivative 1", "gradient of x1 = 1 × 1 = 1"],
        ["x2 → b: local derivative 1", "gradient of b = 1 × 1 = 1"],
        ["x1 → w: local derivative 2", "gradient of w = 1 × 2 = 2"],
    ]
    assert "backward pass is done" in steps(page, "#backward", 1)[0][2][0]
    assert page.texts("#log li")[-1] == "gradient of w = 1 × 2 = 2"


def test_every_operation_of_the_chain_rule_example(show):
    """Not condensed: also what has no name."""
    program = chain_rule()
    page = show(ag.graph(program.loss, names=program.names))
    assert [lines[-1] for _, _, lines in steps(page, "#forward", 4)] == [
        "x1 = 2 × 3 = 6",
        "x2 = 6 + 1 = 7",
        "4 − 7 = −3",
        "loss = |−3| = 3",
    ]
    assert [local for _, local, _ in steps(page, "#backward", 6)[1:]] == ["-1", "-1", "1", "1", "2"]


def test_the_diagram_of_the_chain_rule_example(show):
    page = show(chain_graph())
    assert page.texts(".box .value") == ["2", "3", "6", "1", "4", "7", "3"]  # as they stand, from left to right
    assert sorted(page.texts(".line .label")) == ["1", "1", "1", "2"]
    assert sorted(page.texts(".box .gradient")) == [*["gradient 1"] * 4, "gradient 2"]


def test_nodes_of_one_title_are_told_apart(show):
    x = ag.Variable(2.0, name="x")
    with ag.GradientTape():
        y = np.sin(np.sin(x)) * 3.0
    page = show(ag.graph(y, names={"y": y}))
    said = [lines[-1] for _, _, lines in steps(page, "#forward", 3)]
    assert said == ["sin #1 = sin(2) = 0.9093", "sin #2 = sin(0.9093) = 0.7891", "y = 0.7891 × 3 = 2.367"]
    assert [line for line in page.texts(".box .type") if "#" in line] == ["#1  scalar float64", "#2  scalar float64"]


def test_operations_may_be_called_anything(show):
    @ag.custom_gradient
    def constructor(x):
        return 2.0 * x, lambda ct: 2.0 * ct

    x = ag.Variable(3.0, name="__proto__")
    with ag.GradientTape():
        y = constructor(x)
    page = show(ag.graph(y))
    assert steps(page, "#forward", 1)[0][2][-1] == "constructor(3) = 6"
    assert steps(page, "#backward", 2)[1][2][-1] == "gradient of __proto__ = 1 × 2 = 2"


def test_the_second_derivative(show):
    """A graph of a gradient: its page goes through what the tape recorded of the backward walk."""
    x = ag.Variable(0.5, name="x")
    with ag.GradientTape() as outer:
        with ag.GradientTape() as inner:
            z = np.sin(x) * x
        dz = inner.gradient(z, x)
    second = float(outer.gradient(dz, x))
    page = show(ag.graph(dz, names={"dz": dz}))
    count = int(page.text("#progress").split("then ")[1].split()[0])
    last = [line for _, _, lines in steps(page, "#backward", count + 1) for line in lines if "gradient of x =" in line][
        -1
    ]
    assert last.endswith(f"= {second:.4g}".replace("-", "−"))


def test_a_value_appears_when_it_is_computed(show):
    page = show(chain_graph())
    values = "[...document.querySelectorAll('.box.operation .value, .box.target .value')]"
    visible = f"{values}.map((value) => getComputedStyle(value).visibility)"
    page.click("#restart")
    assert page.js(visible) == ["hidden"] * 3
    page.click("#forward")
    assert sorted(page.js(visible)) == ["hidden", "hidden", "visible"]
    assert page.js("document.querySelector('.box.now .title').textContent") == "x1"
    page.click("#show-all")
    assert page.js(visible) == ["visible"] * 3


def test_where_edges_meet_gradients_are_added(show):
    page = show(diamond())
    lines = [line for _, _, lines in steps(page, "#backward", 6) for line in lines]
    assert [line for line in lines if line.startswith("gradient of x")] == [
        "gradient of x = 1 × 5 = 5",
        "gradient of x = 5 + 3 = 8",
        "gradient of x = 8 + 3 = 11",
    ]


def test_undo_takes_a_step_back(show):
    page = show(diamond())
    said = steps(page, "#backward", 5)
    page.click("#undo")
    assert page.texts("#now p") == said[3][2]
    assert steps(page, "#backward", 1) == said[4:]
    for _ in range(12):
        page.press("u")
    assert page.texts("#log li") == []
    assert page.text("#progress").endswith("All are shown.")


def test_the_jacobians_of_small_arrays_are_multiplied(show):
    x = ag.Variable([1.0, -2.0], name="x")
    with ag.GradientTape():
        squares = x * x
        y = squares.sum()
    page = show(ag.graph(y, names={"squares": squares, "y": y}))
    lines = [lines[1:] for _, _, lines in steps(page, "#backward", 4)]
    assert lines[1] == ["gradient of squares = 1 @ [1, 1] = [1, 1]"]
    assert lines[2] == ["gradient of x = [1, 1] @ diag(1, −2) = [1, −2]"]
    assert lines[3] == ["[1, 1] @ diag(1, −2) = [1, −2]", "gradient of x = [1, −2] + [1, −2] = [2, −4]"]


def test_of_large_arrays_the_whole_gradient_is_told(show):
    x = ag.Variable(np.linspace(0, 1, 100), name="x")
    with ag.GradientTape():
        y = (2.0 * x).sum()
    page = show(ag.graph(y, names={"y": y}))
    last = steps(page, "#backward", 3)[-1][2]
    factors = "array (100,), min 1, max 1, mean 1, norm 10 @ Jacobian"
    assert last[-1] == f"gradient of x = {factors} = array (100,), min 2, max 2, mean 2, norm 20"


def test_large_gradients_that_meet_are_added(show):
    x = ag.Variable(np.linspace(0, 1, 100), name="x")
    with ag.GradientTape():
        y = (2.0 * x).sum() + (3.0 * x).sum() + (4.0 * x).sum()
    lines = [line for _, _, lines in steps(show(ag.graph(y)), "#backward", 11) for line in lines]
    sums = [line for line in lines if line.startswith("gradient of x")]
    assert len(sums) == 3
    assert sums[1].endswith("= a sum to be completed")
    assert sums[2].startswith("gradient of x = the sum so far + ")
    assert sums[2].endswith("= array (100,), min 9, max 9, mean 9, norm 90")


def test_the_gradients_of_the_page_are_the_tapes(show):
    """The page has only the local derivatives, and goes backward itself."""
    a, b = ag.Variable(0.7, name="a"), ag.Variable(-1.3, name="b")
    with ag.GradientTape() as tape:
        c = np.sin(a * b) + a
        y = np.exp(c * a) / (b * b + 1.0) - c
    expected = tape.gradient(y, [a, b])
    page = show(ag.graph(y, names={"y": y}))
    for name, gradient in zip("ab", expected, strict=True):
        label = page.js(f"document.querySelector('#{id_of(page, name)}').getAttribute('aria-label')")
        assert f"gradient {float(gradient):.4g}".replace("-", "−") in label


def test_two_clicks_list_the_paths_with_their_products_and_their_sum(show):
    page = show(diamond())
    choose(page, "x", "y")
    assert page.text("#path-list > p") == "3 paths from x to y:"
    through_square = "x → square → y1 × 3 = 3"
    assert page.texts(".path") == [through_square, through_square, "x → five → y1 × 5 = 5"]
    assert page.text("#path-sum") == "Sum: d y / d x = 3 + 3 + 5 = 11"
    assert len(page.texts(".line.on .full")) == 4
    page.hover("#path-list li:last-child .path")
    assert sorted(page.texts(".box.on .title")) == ["five", "x", "y"]
    page.press("Escape")
    assert page.texts("#path-list *") == []
    assert page.texts(".dimmed") == []


def test_the_order_of_the_clicks_does_not_matter(show):
    page = show(diamond())
    choose(page, "y", "x")
    assert page.text("#path-sum") == "Sum: d y / d x = 3 + 3 + 5 = 11"


def test_paths_between_arrays_multiply_their_jacobians(show):
    x = ag.Variable([1.0, -2.0], name="x")
    w = ag.Variable([[1.0, 2.0], [3.0, 4.0]], name="w")
    with ag.GradientTape() as tape:
        h = w @ x
        y = (h * h).sum() + x[0]
    page = show(ag.graph(y, names={"y": y, "h": h}))
    choose(page, "x", "h")
    assert page.texts(".path") == ["x → h[[1, 2], [3, 4]] = [[1, 2], [3, 4]]"]
    page.press("Escape")
    choose(page, "x", "y")
    assert len(page.texts(".path")) == 3
    assert tape.gradient(y, x).numpy().tolist() == [-35, -52]
    assert page.text("#path-sum") == "Sum: d y / d x = [−35, −52]"


@pytest.mark.parametrize("seed", range(4))
def test_the_sum_over_paths_is_the_gradient(show, seed):
    """Of random programs, in which nearly everything is used more than once."""
    rng = np.random.default_rng(seed)
    x = ag.Variable(rng.normal(), name="x")
    pieces = [
        lambda a, b: a * b,
        lambda a, b: np.sin(a) + b,
        lambda a, b: np.tanh(a - b),
        lambda a, b: a / (1.0 + b * b),
    ]
    with ag.GradientTape() as tape:
        values = [x]
        for piece in rng.permutation(4):
            a, b = rng.choice(len(values), 2)
            values.append(pieces[piece](values[a], values[b]))
        y = sum(values[1:], start=0.0 * x)
    page = show(ag.graph(y, names={"y": y}))
    choose(page, "x", "y")
    gradient = f"{float(tape.gradient(y, x)):.4g}".replace("-", "−")
    assert page.text("#path-sum").endswith(f"= {gradient}")


def test_nodes_that_do_not_depend_on_one_another(show):
    page = show(chain_graph())
    choose(page, "x1", "b")
    assert page.text("#path-list") == "No path of derivatives leads from x1 to b, or back."


def test_of_very_many_paths_the_first_are_listed_and_all_are_summed(show):
    x = ag.Variable(1.0, name="x")
    with ag.GradientTape():
        y = x
        for _ in range(30):
            y = y + y
    page = show(ag.graph(y, names={"y": y}))
    page.press("o")
    choose(page, "x", "y")
    assert page.text("#path-list > p") == "1,073,741,824 paths from x to y, the first 100 of them here:"
    assert page.text("#path-sum") == "Sum: d y / d x = 1.074e9"


def test_hovering_and_focus_show_what_a_node_is(show):
    with ag.name_scope("outer"):
        page = show(layers(1))
    page.hover(f"#{id_of(page, 'w0')}")
    shown = dict(zip(page.texts("#shown dt"), page.texts("#shown dd"), strict=True))
    assert shown["Kind"] == "Variable"
    assert shown["Shape"] == "(3, 3) float64"
    assert shown["Value"].count("\n") == 2
    assert shown["Gradient"].startswith("[[")
    page.js(f"document.getElementById('{id_of(page, 'loss')}').focus()")
    assert page.texts("#shown dd")[0] == "loss"


def test_hovering_a_line_shows_its_derivative(show):
    page = show(layers(1))
    page.js("document.querySelector('.line .full').dispatchEvent(new PointerEvent('pointerover', { bubbles: true }))")
    assert "Edge" in page.texts("#shown dt")
    page.hover(".line[data-from=n3] .label")  # b0 -> add
    shown = dict(zip(page.texts("#shown dt"), page.texts("#shown dd"), strict=True))
    assert shown["Local Jacobian"] == "(4, 3, 3)"
    assert shown["Norm"] == "3.464"


def test_line_and_time_are_shown_where_they_were_recorded(show):
    x = ag.Variable(2.0, name="x")
    with ag.record_details(), ag.GradientTape():
        y = x * x
    page = show(ag.graph(y, names={"y": y}))
    page.hover(".box.target")
    shown = dict(zip(page.texts("#shown dt"), page.texts("#shown dd"), strict=True))
    assert re.fullmatch(r"test_page\.py:\d+", shown["Source"])
    assert re.fullmatch(r"[\d.]+ (µs|ms|s)", shown["Time"])
    assert shown["Memory"] == "8 bytes"


def test_scopes_close_and_open_in_place(show):
    page = show(layers())
    assert page.texts(".frame .label") == ["dense_0", "dense_1", "dense_2"]
    before = page.js("document.querySelector('.frame').getBoundingClientRect().x")
    page.click(".frame")
    assert page.texts(".box.group .title") == ["dense_0"]
    assert page.js("document.activeElement.id") == page.js("document.querySelector('.box.group').id")
    assert page.js("document.querySelector('.box.group').getBoundingClientRect().x") == pytest.approx(before, abs=12)
    page.press("Enter")
    assert len(page.texts(".frame")) == 3
    assert page.js("document.activeElement.closest('.box') !== null")


def test_a_closed_scope_is_one_step(show):
    page = show(layers())
    page.press("c")
    assert sorted(page.texts(".box.group .title")) == ["dense_0", "dense_1", "dense_2"]
    said = [lines for _, _, lines in steps(page, "#forward", 3)]
    assert [lines[0] for lines in said] == ["dense_0", "dense_1", "dense_2"]
    assert said[0][1].startswith("3 values in this closed group. The last one: ")
    said = [lines for _, _, lines in steps(page, "#backward", 7)]
    assert [lines[0] for lines in said[-3:]] == ["dense_2", "dense_1", "dense_0"]


def test_repetitions_are_closed_at_first(show):
    page = show(recurrent())
    assert any("× 28" in title for title in page.texts(".box.group .title"))
    page.press("o")
    page.press("c")
    assert len(page.texts(".box")) < 10


def test_search_finds_by_name_and_goes_there(show):
    page = show(recurrent())
    page.press("/")
    page.type("TANH")
    assert page.texts("#found [role=option]")[0].startswith("tanh")
    page.press("ArrowDown")
    page.press("Enter")
    assert page.js("document.activeElement.querySelector('.title').textContent") == "tanh"  # its group has been opened
    assert page.js("document.querySelector('#found').hidden")
    page.js("document.querySelector('#search').focus()")
    page.js("document.querySelector('#search').select()")
    page.type("no such name")
    assert page.texts("#found li") == ["No node is called so"]


def test_everything_can_be_done_with_the_keyboard(show):
    page = show(layers(1))
    for _ in range(30):
        page.press("Tab")
        if page.js("document.activeElement.closest('#graph') !== null"):
            break
    first = page.js("document.activeElement.id")
    page.press("End")
    assert page.js("document.activeElement.querySelector('.title').textContent") == "loss"
    page.press("Enter")
    page.press("Home")
    assert page.js("document.activeElement.id") == first
    for _ in range(12):
        if page.js("document.activeElement.querySelector('.title').textContent") == "w0":
            break
        page.press("ArrowDown")
    page.press("Enter")
    assert "from w0 to loss" in page.text("#path-list")
    page.press("ArrowRight")
    assert page.js("document.activeElement.querySelector('.title').textContent") == "matmul"
    page.press("f")
    assert page.js("document.querySelector('#now').dataset.kind") == "forward"
    page.press("b", 2)
    assert page.js("document.querySelector('#now').dataset.kind") == "backward"
    page.press("x")  # closes the group around
    assert page.texts(".frame") == []
    assert page.js("document.activeElement.getAttribute('aria-expanded')") == "false"
    page.press("Enter")
    assert page.texts(".frame .label") == ["dense_0"]


def test_everything_has_a_name_for_screen_readers(show):
    page = show(layers())
    page.press("f")
    page.call("Accessibility.enable")
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    found = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node.get("ignored")]
    assert [role for role, name in found if role in ("button", "combobox", "region", "application") and not name] == []
    assert any(name.startswith("w0, Variable, value array (3, 3), min ") for _, name in found)
    assert any(role == "button" and name.startswith("dense_0, open group of ") for role, name in found)
    assert "status" in [role for role, _ in found]
    assert page.js("document.documentElement.lang") == "en"
    assert page.js("document.querySelectorAll('#graph [tabindex=\"0\"]').length") == 1  # one stop on the way of Tab


def test_all_values_as_a_table(show):
    page = show(chain_graph())
    page.click("#table summary")
    page.wait_for("document.querySelector('#rows td')")
    assert len(page.texts("#rows tbody tr")) == 7
    assert page.texts("#rows tbody tr:nth-child(3) td")[1:5] == ["x1", "multiply", "6", "1"]


def test_the_view_moves_and_zooms(show):
    page = show(chain_graph())
    target = "document.querySelector('.box.target').getBoundingClientRect()"
    where = f"(({{ x, y, width }}) => [x, y, width])({target})"
    x, y, width = page.js(where)
    page.drag((300, 700), (340, 720))
    assert page.js(where)[:2] == pytest.approx([x + 40, y + 20], abs=1)
    page.wheel(500, 400, -200)
    page.wait_for(f"document.querySelector('.box.target').getBoundingClientRect().width > {width + 1}")
    page.press("0")
    assert page.js(where) == pytest.approx([x, y, width], abs=1)
    assert page.texts(".chosen") == []  # a drag is no click
