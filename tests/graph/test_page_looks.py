"""How the page looks in a real browser: light and dark, what fits, what stands out; and what hostile names do to it."""

import pytest

from .pages import HOSTILE, chain_graph, diamond, hostile, large, layers, recurrent


def test_light_and_dark(show):
    page = show(chain_graph())
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.js(background) == "rgb(255, 255, 255)"
    page.prefer(prefers_color_scheme="dark")
    assert page.js(background) == "rgb(20, 23, 26)"
    page.click("#theme")
    assert page.js(background) == "rgb(255, 255, 255)"
    page.prefer(prefers_color_scheme="light")
    page.click("#theme")
    assert page.js(background) == "rgb(20, 23, 26)"


CONTRASTS = """(() => {
  const bend = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const light = (element) => {
    const [r, g, b] = getComputedStyle(element).fill.match(/[\\d.]+/g).map((part) => bend(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return [...document.querySelectorAll(".box text")].map((text) => {
    const [a, b] = [light(text), light(text.closest(".box").querySelector(".outline"))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_every_fill(show, scheme):
    for graph in (chain_graph(), recurrent()):
        page = show(graph)
        page.prefer(prefers_color_scheme=scheme)
        assert min(page.js(CONTRASTS)) > 4.5


# Boxes that overlap one another, labels that overlap anything, text that is wider than its box.
FAULTS = """(() => {
  const found = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const rect = (element) => element.getBoundingClientRect();
  const overlap = (a, b, start, end) => Math.min(a[end], b[end]) - Math.max(a[start], b[start]) > 1;
  const outline = (box) => rect(box.querySelector(".outline"));
  const boxes = all(".box").map((box) => [box.querySelector(".title").textContent, outline(box)]);
  const labels = all(".line .label, .frame .label").map((label) => [label.textContent, rect(label)]);
  const things = [...boxes, ...labels];
  for (const [at, [name, one]] of things.entries()) {
    for (const [other, two] of things.slice(at + 1)) {
      const meet = overlap(one, two, "left", "right") && overlap(one, two, "top", "bottom");
      if (meet) found.push(`${name} on ${other}`);
    }
  }
  for (const box of all(".box")) {
    const outer = outline(box);
    for (const text of box.querySelectorAll("text")) {
      const own = rect(text);
      const wide = own.left < outer.left || own.right > outer.right;
      if (wide || own.top < outer.top - 1 || own.bottom > outer.bottom + 1) found.push(`${text.textContent} leaves`);
    }
  }
  return found;
})()"""


@pytest.mark.parametrize("make", [chain_graph, diamond, layers, recurrent, hostile, lambda: large(300)])
def test_nothing_overlaps_and_text_fits(show, make):
    page = show(make())
    for key in ("0", "t", "o", "t"):
        page.press(key)
        assert page.js(FAULTS) == []


def test_hostile_names_are_text(show):
    page = show(hostile(), title=HOSTILE[0])
    assert page.js("document.title") == HOSTILE[0]
    assert page.js("document.querySelectorAll('img, h1 > *, script').length") == 2  # the data and the program
    page.press("o")
    shown = page.texts(".box .title")
    assert any(title.startswith("</script><script>docu") for title in shown)
    assert any(title.startswith("</script><script>docu") for title in page.texts(".frame .label"))
    page.press("/")
    page.type("xxxx")
    page.press("Enter")
    assert "x" * 10_000 in page.texts("#shown dd")
    page.press("f", 5)
    page.press("b", 40)
    page.click("#table summary")


def test_a_graph_of_5000_nodes_opens_in_two_seconds(show):
    page = show(large())
    assert page.js("performance.getEntriesByName('ready')[0].startTime") < 2000  # 250 ms
    assert len(page.texts(".box")) < 60
    page.press("o")
    assert 200 < len(page.texts(".box")) <= 400
    page.press("f", 3)
    page.press("b", 3)


def test_a_narrow_window(show):
    page = show(chain_graph())
    page.call(
        "Emulation.setDeviceMetricsOverride", {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    assert page.js("document.documentElement.scrollWidth") <= 400
    page.js("document.querySelector('#forward').scrollIntoView()")
    page.click("#forward")
    assert page.text("#now .sum") == "x1 = 2 × 3 = 6"
