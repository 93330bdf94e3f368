"""The flame graph is a file that speedscope reads: its rules, and what stands in what."""

import asyncio
import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.debug.profile import speedscope
from autograd_core.debug.profile.sites import NOWHERE, Site
from autograd_core.debug.profile.strand import Strand


def check(found):
    """The rules of the format: see https://www.speedscope.app/file-format-schema.json."""
    assert found["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = found["shared"]["frames"]
    for frame in frames:
        assert isinstance(frame["name"], str)
        assert set(frame) <= {"name", "file", "line", "col"}
        assert isinstance(frame.get("line", 1), int)
        assert isinstance(frame.get("file", ""), str)
    assert isinstance(found["profiles"], list)
    for profile in found["profiles"]:
        assert set(profile) == {"type", "name", "unit", "startValue", "endValue", "events"}
        assert profile["type"] == "evented"
        assert profile["unit"] in ("none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes")
        stack, now = [], profile["startValue"]
        for event in profile["events"]:
            assert set(event) == {"type", "frame", "at"}
            assert event["at"] >= now
            now = event["at"]
            assert 0 <= event["frame"] < len(frames)
            if event["type"] == "O":
                stack.append(event["frame"])
            else:
                assert event["type"] == "C"
                assert stack.pop() == event["frame"]
        assert not stack
        assert now <= profile["endValue"]


def stacks(found):
    """Names of the open frames whenever one has been opened."""
    names = [frame["name"] for frame in found["shared"]["frames"]]
    seen = []
    for profile in found["profiles"]:
        stack = []
        for event in profile["events"]:
            if event["type"] == "O":
                stack.append(names[event["frame"]])
                seen.append(tuple(stack))
            else:
                stack.pop()
    return seen


@pytest.fixture
def w():
    return ag.Variable(np.ones(5), name="w")


def test_phase_scope_line_operation(w, tmp_path):
    """From the outside in; the rules stand at the line of their operation."""
    with ag.profile() as prof:
        with ag.GradientTape() as tape, ag.name_scope("encoder"):
            y = np.sum(np.exp(w))
        tape.gradient(y, w)
    path = prof.speedscope(tmp_path / "flame.json")
    found = json.loads(path.read_text())
    check(found)
    line = f"test_profile_speedscope.py:{test_phase_scope_line_operation.__code__.co_firstlineno + 4}"
    assert ("forward", "scope encoder", line, "exp") in stacks(found)
    assert ("forward", "scope encoder", line, "sum") in stacks(found)
    assert ("backward", "scope encoder", line, "exp: backward") in stacks(found)
    opened = [stack for stack in stacks(found) if stack == ("forward",)]
    assert len(opened) == 1  # and stays open from one operation to the next


def test_what_is_inside_stands_inside(w, tmp_path):
    """Of a checkpoint on the way back: its operations again; of an inner walk: what its rules apply."""
    with ag.profile() as prof:
        with ag.GradientTape() as outer:
            with ag.GradientTape() as inner:
                y = np.sum(ag.checkpoint(lambda x: np.exp(x))(w) * w)
            g = inner.gradient(y, w)
        outer.gradient(g, w)
    found = json.loads(prof.speedscope(tmp_path / "flame.json").read_text())
    check(found)
    seen = stacks(found)
    assert any("checkpoint <lambda>" in stack[:-1] and stack[-1] == "exp" for stack in seen)
    assert any("checkpoint <lambda>: backward" in stack[:-1] and stack[-1] == "exp" for stack in seen)
    assert any("multiply: backward" in stack[:-1] and stack[-1] == "multiply" for stack in seen)


def test_nested_profiles_threads_and_compiled_calls(w, tmp_path):
    """One profile of the file for each time that a block was entered."""
    step = ag.function(lambda x: np.sum(x * x), jit="numpy")
    prof = ag.profile()
    with prof:
        step(np.ones(3))
        with ag.profile() as inner:
            np.exp(w)
    with prof:
        step(np.ones(3))
    found = json.loads(prof.speedscope(tmp_path / "flame.json").read_text())
    check(found)
    assert len(found["profiles"]) == 2
    names = {stack[-1] for stack in stacks(found)}
    assert {"exp", "compiled call: <lambda>", "trace and compile: <lambda>"} <= names
    check(json.loads(inner.speedscope(tmp_path / "inner.json").read_text()))


events = st.lists(
    st.tuples(*[st.integers(0, most) for most in (20, 5, 3, 2, 1, 3)]),
    max_size=30,
)


@given(events)
def test_whatever_the_clock_has_said_frames_open_and_close_in_order(given_events):
    """Events that overlap, last no time or start before what they are in."""
    strand = Strand(1000)
    strand.opened, strand.closed = 0.0, 30.0
    sites = [Site(f"op{i}", "operation", ("a",) * i, NOWHERE) for i in range(4)]
    strand.events = [
        (float(start), float(start + length), sites[which], phase, depth, bool(rule))
        for start, length, depth, phase, rule, which in given_events
    ]

    recorder = SimpleNamespace(strands={0: strand}, parts=[])
    found = json.loads(json.dumps(speedscope.document([recorder])))
    check(found)
    opened = sum(event["type"] == "O" for event in found["profiles"][0]["events"])
    assert opened >= len(given_events)


def test_each_thread_has_a_flame_graph_of_its_own(tmp_path):
    """Threads that run at the same time, in a profile opened inside of another one."""
    w = ag.Variable(np.ones(100))

    def work():
        for _ in range(20):
            with ag.GradientTape() as tape:
                loss = np.sum(np.tanh(w) ** 2)
            tape.gradient(loss, w)

    async def main():
        with ag.profile():
            await asyncio.gather(*(asyncio.to_thread(work) for _ in range(3)))
            work()

    with ag.profile() as prof:
        asyncio.run(main())
    found = json.loads(prof.speedscope(tmp_path / "threads.json").read_text())
    check(found)
    counts = [len(profile["events"]) for profile in found["profiles"]]
    assert len(counts) > 1
    opened = [names[-1] for names in stacks(found)]
    assert opened.count("tanh") == 80
    assert sum(row.calls for row in prof.rows() if row.name == "tanh") == 80
