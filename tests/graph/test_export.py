"""Graphs for other programs: dicts and JSON that follow their schema, whatever the values and names; networkx."""

import copy
import math
import re
import sys
from pathlib import Path
from xml.dom import minidom

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.graph.export import plain, plain_array, plain_number
from autograd_core.graph.render import can_draw
from autograd_core.graph.schema import FORMAT, VERSION
from tests.graph.helpers import chain_rule
from tests.graph.json_schema import faults, is_plain, strictly

SCHEMA = ag.Graph.SCHEMA
PAGE = Path(__file__).resolve().parents[2] / "docs" / "graph_schema.rst"


def example(**keywords):
    p = chain_rule()
    return ag.graph(p.loss, names=p.names, **keywords)


def graph_of(function, *values, names=None, **keywords):
    """Graph of a function at some Variables."""
    variables = [ag.Variable(value, name=f"v{index}") for index, value in enumerate(values)]
    with np.errstate(all="ignore"), ag.GradientTape():
        y = function(*variables)
    return ag.graph(y, **keywords)


def checked(graph, **keywords):
    """The dict of a graph, after seeing that dict and JSON are what the schema says, and the same."""
    found = graph.to_dict(**keywords)
    assert is_plain(found)
    assert faults(found, SCHEMA) == []
    assert strictly(graph.to_json(**keywords)) == found
    return found


# -- the dict ----------------------------------------------------------------------------------------------------------


def test_the_dict_of_the_chain_rule_example():
    found = checked(example(gradients=True))
    assert (found["format"], found["version"]) == (FORMAT, VERSION)
    assert found["targets"] == [7]
    loss, x1 = found["nodes"][7], found["nodes"][2]
    assert {key: x1[key] for key in ("index", "kind", "name", "operation", "params", "scope", "nbytes")} == {
        "index": 2, "kind": "operation", "name": "x1", "operation": "multiply", "params": {}, "scope": [], "nbytes": 8,
    }  # fmt: skip
    assert x1["results"] == [{"shape": [], "dtype": "float64", "value": 6.0}]
    assert (x1["gradient"], loss["gradient"], loss["kind"]) == (1.0, 1.0, "target")
    assert [(e["source"], e["target"], e["argument"], e["local_derivative"]) for e in found["edges"]] == [
        (1, 2, 0, None), (0, 2, 1, 2.0), (2, 4, 0, 1.0), (3, 4, 1, 1.0), (5, 6, 0, None), (4, 6, 1, -1.0),
        (6, 7, 0, -1.0),
    ]  # fmt: skip


def test_without_gradients_they_are_null():
    assert {node["gradient"] for node in checked(example())["nodes"]} == {None}


def test_large_values_are_left_out_and_their_shapes_stay():
    graph = graph_of(lambda x: x * 2.0, np.ones((9, 9)), gradients=True)
    node = checked(graph)["nodes"][0]
    assert node["results"] == [{"shape": [9, 9], "dtype": "float64", "value": None}]
    assert (node["gradient"], node["nbytes"]) == (None, 648)
    assert checked(graph, largest=81)["nodes"][0]["results"][0]["value"] == [[1.0] * 9] * 9
    assert checked(graph, largest=None)["nodes"][0]["gradient"] == [[2.0] * 9] * 9
    assert {n["results"][0]["value"] for n in checked(graph, largest=0)["nodes"]} == {None}


@pytest.mark.parametrize("largest", [-1, 2.5, "10", True, np.array([1, 2])])
def test_a_limit_that_is_none_raises(largest):
    with pytest.raises(ag.DomainError, match=r"to_dict: largest is the number of entries .* got "):
        example().to_dict(largest=largest)


def test_jacobians_can_be_left_out():
    assert {edge["jacobian"] for edge in checked(example(), jacobians=False)["edges"]} == {None}


def test_values_whose_entries_were_not_kept():
    """Some operations keep the shape of their result only."""
    graph = graph_of(lambda x: (x + 1.0) + 1.0, np.ones(2))
    for node, record in zip(graph.nodes, checked(graph)["nodes"], strict=True):
        assert (record["results"][0]["value"] is None) == (node.array is None)
        assert record["results"][0]["shape"] == list(node.shape)


def test_an_operation_with_several_results():
    found = checked(graph_of(lambda a: np.linalg.qr(a)[0], np.eye(2)))
    qr = next(node for node in found["nodes"] if node["operation"] == "qr")
    assert [result["shape"] for result in qr["results"]] == [[2, 2], [2, 2]]
    assert qr["gradient"] is None


def test_an_empty_graph():
    with ag.GradientTape() as tape:
        pass
    assert checked(tape.graph()) == {"format": FORMAT, "version": VERSION, "nodes": [], "edges": [], "targets": []}


def test_empty_arrays():
    found = checked(graph_of(lambda x: x * 2.0, np.ones((2, 0)), gradients=True))
    assert found["nodes"][0]["results"][0] == {"shape": [2, 0], "dtype": "float64", "value": [[], []]}


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (np.array([1.0, -math.inf]), [1.0, "-Infinity"]),
        (np.array([[math.nan], [2.0]]), [["NaN"], [2.0]]),
        (np.array(2 + 3j), {"real": 2.0, "imag": 3.0}),
        (np.array([complex(math.inf, math.nan)]), {"real": ["Infinity"], "imag": ["NaN"]}),
        (np.array([True, False]), [True, False]),
        (np.array(2**63, "u8"), 2**63),
        (np.array([-(2**63)]), [-(2**63)]),
        (np.float32(0.5), 0.5),
        (np.array([0.5, 2], np.float16), [0.5, 2.0]),
        (np.array([0.5, 2], np.longdouble), [0.5, 2.0]),
        (np.array([math.inf], np.longdouble), ["Infinity"]),
        (np.zeros((0, 2)), []),
        (np.array(["text"]), None),
    ],
    ids=repr,
)
def test_every_kind_of_value(value, expected):
    """Python's numbers exactly, and what JSON has no number for as strings."""
    found = plain_array(value)
    assert found == expected
    assert is_plain(found)
    assert faults(found, SCHEMA["$defs"]["value"], SCHEMA) == []


def test_the_sign_of_zero_is_kept():
    assert math.copysign(1, plain_number(-0.0)) == -1
    assert "-0.0" in graph_of(lambda x: x * 1.0, -0.0).to_json()


@given(st.lists(st.floats(allow_subnormal=True), max_size=4))
def test_numbers_are_read_back_exactly(numbers):
    w = ag.Variable(np.array(numbers, dtype="f8"), name="w")
    (node,) = strictly(ag.graph(w).to_json())["nodes"]
    np.testing.assert_array_equal(np.array(node["results"][0]["value"], dtype="f8"), w.numpy())  # float("NaN") is NaN


def test_values_at_the_limits():
    """Infinite and undefined values, gradients and derivatives."""
    found = checked(graph_of(lambda x: np.log(x * 0.0), 3.0, gradients=True))
    assert found["nodes"][-1]["results"][0]["value"] == "-Infinity"
    assert found["edges"][-1]["local_derivative"] == "Infinity"
    checked(graph_of(lambda x: x / (x - x), np.array([1.0, 0.0]), gradients=True))


def test_complex_values():
    found = checked(graph_of(lambda z: abs(z * 2j), np.array([3 + 4j]), gradients=True))
    assert found["nodes"][0]["results"][0]["value"] == {"real": [3.0], "imag": [4.0]}
    assert set(found["nodes"][0]["gradient"]) == {"real", "imag"}


def test_integer_and_boolean_constants():
    found = checked(graph_of(lambda x: np.where(np.array([True, False]), x, 0.0) * np.array([1, 2]), np.ones(2)))
    values = [node["results"][0] for node in found["nodes"] if node["kind"] == "constant"]
    assert {"shape": [2], "dtype": "bool", "value": [True, False]} in values
    assert {"shape": [2], "dtype": "int64", "value": [1, 2]} in values


@given(
    st.text(max_size=30),
    st.sampled_from(["f2", "f4", "f8", "c8", "c16"]),
    st.lists(st.sampled_from([0.0, -0.0, 1.0, 1e-320, 1e300, math.inf, -math.inf, math.nan]), min_size=1, max_size=4),
)
def test_any_name_and_any_value(name, dtype, values):
    """What is written follows the schema, is read back as it was, and nothing warns on the way."""
    with np.errstate(all="ignore"):
        w = ag.Variable(np.array(values).astype(dtype), name=name)
        with ag.GradientTape(), ag.name_scope(name):
            y = np.sum(abs(w * w) / w.real)
    graph = ag.graph(y, names={name: y}, gradients=True)
    found = checked(graph, largest=None)
    assert found["nodes"][0]["name"] == name
    value = found["nodes"][0]["results"][0]["value"]
    parts = value if dtype[0] == "f" else value["real"]
    np.testing.assert_array_equal(np.array(parts, dtype=dtype.replace("c8", "f4").replace("c16", "f8")), w.numpy().real)
    checked(graph.condense())


# -- parameters --------------------------------------------------------------------------------------------------------


class Strange:
    def __repr__(self):
        raise AssertionError("a stranger's repr is not asked")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("ij,jk->ik", "ij,jk->ik"),
        (True, True),
        (np.int64(3), 3),
        (-math.inf, "-Infinity"),
        (1 + 2j, {"real": 1.0, "imag": 2.0}),
        ((0, -1), [0, -1]),
        ((slice(None, 3), ..., None), [{"slice": [None, 3, None]}, "...", None]),
        (np.array([1, 0]), [1, 0]),
        (np.zeros((30, 40)), {"array": [30, 40]}),
        (np.dtype("f4"), "float32"),
        (np.float32, {"object": "numpy.float32"}),
        ({"a": (1, math.nan)}, {"a": [1, "NaN"]}),
        (Strange(), {"object": f"{Strange.__module__}.Strange"}),
        (print, {"object": "builtins.print"}),
    ],
    ids=lambda value: "a stranger" if isinstance(value, Strange) else repr(value)[:40],
)
def test_every_kind_of_parameter(value, expected):
    """Plain data as it is, anything else by what it is called: an address in memory would differ from run to run."""
    assert plain(value) == expected
    assert is_plain(plain(value))


def test_parameters_of_operations():
    found = checked(graph_of(lambda x: x[::2, [0, 1]].sum(axis=0), np.ones((3, 2))))
    params = {node["operation"]: node["params"] for node in found["nodes"] if node["operation"]}
    assert params["sum"]["axis"] == [0]
    assert params["getitem"]["index"][0] == {"slice": [None, None, 2]}


# -- names -------------------------------------------------------------------------------------------------------------

HOSTILE = [
    '"quoted"', "back\\slash", "\\N \\G \\n", "<script>alert(1)</script>", "]]>", "</TABLE>", "a\nb\r\n\tc", "\0",
    "\x7f", "&amp; &", "{{x}}", "emoji 😀👩‍👩‍👧", "\u2028\u2029", "\u202egnp.exe", "ﷺ" * 50, "x" * 10_000, " ", "NaN",
    "--", "é", "e\u0301", "$(rm -rf)", "'; DROP TABLE", "%s{}%n",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:24])
def test_names_are_text(name, tmp_path):
    """As they were given, in the dict and after a file was written and read; also as names of scopes and in DOT."""
    w = ag.Variable(3.0, name=name)
    with ag.GradientTape(), ag.name_scope(name):
        y = w * 5.0
    graph = ag.graph(y, names={name: y})
    assert {node["name"] for node in checked(graph)["nodes"] if node["name"]} == {name}
    assert graph.to_dict()["nodes"][-1]["scope"] == [name]
    path = graph.to_json(tmp_path / "graph.json")
    assert strictly(path.read_bytes().decode("utf-8"))["nodes"][0]["name"] == name
    assert "<script" not in graph.draw().source
    if can_draw():
        assert not minidom.parseString(graph._repr_svg_()).getElementsByTagName("script")


def test_half_a_character_is_replaced(tmp_path):
    """Half of a surrogate pair can be in no file."""
    w = ag.Variable(3.0, name="a\ud800b")
    path = ag.graph(w).to_json(tmp_path / "graph.json")
    assert strictly(path.read_text(encoding="utf-8"))["nodes"][0]["name"] == "a\N{REPLACEMENT CHARACTER}b"


# -- JSON --------------------------------------------------------------------------------------------------------------


def test_the_same_program_gives_the_same_text():
    """And a line per node and per edge, so that two graphs can be compared."""
    texts = {example(gradients=True).to_json() for _ in range(3)}
    assert len(texts) == 1
    (text,) = texts
    assert len(re.findall(r'^\{"index":', text, re.MULTILINE)) == 8
    assert len(re.findall(r'^\{"source":', text, re.MULTILINE)) == 7
    assert text.endswith("}\n")


def test_a_file(tmp_path):
    graph = example()
    path = graph.to_json(tmp_path / "graph.json")
    assert path == tmp_path / "graph.json"
    assert path.read_bytes().decode("utf-8") == graph.to_json() == Path(graph.to_json(str(path))).read_text("utf-8")


def test_no_such_folder_raises_before_any_work(tmp_path):
    with pytest.raises(ag.GraphError, match=r"Graph\.to_json: there is no folder .*nowhere; make it first"):
        example().to_json(tmp_path / "nowhere" / "graph.json")


@pytest.mark.parametrize("name", ["", "x" * 300, "a\0b"], ids=["a folder", "too long", "no name"])
def test_a_file_that_cannot_be_written_raises(tmp_path, name):
    with pytest.raises(ag.GraphError, match=r"Graph\.to_json: .* cannot be written: .*\. Give another path"):
        example().to_json(tmp_path / name)


def test_a_path_that_is_none_raises():
    with pytest.raises(ag.ConversionError, match="path must be a str, a Path or None; got a int"):
        example().to_json(3)


# -- the schema --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda d: d.pop("targets"), "$: has no 'targets'"),
        (lambda d: d.update(version=2), "$.version: 2 is not 1"),
        (lambda d: d["nodes"][0].update(kind="thing"), "$.nodes[0].kind: 'thing' is not one of"),
        (lambda d: d["nodes"][0].update(results=[]), "$.nodes[0].results: has 0 items"),
        (lambda d: d["nodes"][1]["results"][0].update(value="nan"), "$.nodes[1].results[0].value: 'nan' is none of"),
        (lambda d: d["nodes"][1]["results"][0].update(shape=[-1]), "$.nodes[1].results[0].shape[0]: -1 is below 0"),
        (lambda d: d["edges"][1].update(local_derivative="2"), "$.edges[1].local_derivative: '2' is none of"),
        (lambda d: d["edges"][1].update(source=True), "$.edges[1].source: True is no integer"),
        (lambda d: d["edges"][1].update(source=1.5), "$.edges[1].source: 1.5 is no integer"),
    ],
)
def test_the_schema_refuses_what_is_wrong(change, fault):
    found = example().to_dict()
    change(found)
    assert len(faults(found, SCHEMA)) == 1
    assert faults(found, SCHEMA)[0].startswith(fault)


def test_the_schema_is_itself_plain_and_says_what_fields_mean():
    assert is_plain(SCHEMA)
    assert faults({}, SCHEMA) == [f"$: has no {name!r}" for name in ("format", "version", "nodes", "edges", "targets")]


def test_the_schema_by_another_reader():
    """Where jsonschema is installed, it agrees."""
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    found = example(gradients=True).to_dict()
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    wrong = copy.deepcopy(found)
    wrong["nodes"][0]["kind"] = "thing"
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(wrong)


def test_the_page_tells_of_every_field():
    """docs/graph_schema.rst names every field that the schema has, and no other."""

    def fields(schema):
        if isinstance(schema, dict):
            yield from schema.get("properties", {}) if isinstance(schema.get("properties"), dict) else ()
            for part in schema.values():
                yield from fields(part)
        elif isinstance(schema, list):
            for part in schema:
                yield from fields(part)

    told = set(re.findall(r"^   \* - ``(\w+)``", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert told == set(fields(SCHEMA))


# -- networkx ----------------------------------------------------------------------------------------------------------


def test_networkx():
    """A multigraph: two arguments may be one value. Its algorithms run."""
    networkx = pytest.importorskip("networkx")
    w = ag.Variable(3.0, name="w")
    with ag.GradientTape():
        y = w * w + 1.0
    graph = ag.graph(y, names={"y": y}, gradients=True)
    made = graph.to_networkx()
    assert isinstance(made, networkx.MultiDiGraph)
    assert (len(made), made.number_of_edges(), made.graph) == (4, 4, {"targets": (3,)})
    assert made.nodes[0]["label"] == made.nodes[0]["name"] == "w"
    assert made.nodes[0]["value"] is graph.nodes[0].value
    assert {key: made.nodes[1][key] for key in ("kind", "operation", "shape", "dtype", "scope")} == {
        "kind": "operation", "operation": "multiply", "shape": (), "dtype": np.dtype("f8"), "scope": (),
    }  # fmt: skip
    assert [data["local_derivative"] for data in made.get_edge_data(0, 1).values()] == [3.0, 3.0]
    assert made.edges[0, 1, 1]["edge"] is graph.edges[1]
    assert networkx.is_directed_acyclic_graph(made)
    assert list(networkx.topological_sort(made))[-1] == 3
    assert networkx.ancestors(made, 3) == {node.index for node in graph.ancestors("y")}


def test_without_networkx_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(ag.MissingExtraError, match=r'Graph\.to_networkx needs .*"networkx".*autograd-core\[graph\]'):
        example().to_networkx()


def test_a_large_graph_is_exported():
    """Without recursion over its nodes."""
    w = ag.Variable(1.0, name="w")
    with ag.GradientTape():
        y = w
        for _ in range(10_000):
            y = y * 1.0
    graph = ag.graph(y)
    text = graph.to_json(jacobians=False)
    assert len(strictly(text)["nodes"]) == 20_001
    assert len(graph.ancestors(y)) == 20_000
