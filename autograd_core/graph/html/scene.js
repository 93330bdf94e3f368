// The diagram as SVG: how large the boxes are that are shown, and the elements they are drawn with.

// -- measuring --------------------------------------------------------------------------------------------------------

const FONTS = {
  title: [600, 13, 17],
  call: [400, 11, 14],
  value: [400, 14, 18],
  gradient: [600, 11, 15],
  type: [400, 10, 13],
  label: [600, 12, 16],
};
const WIDEST = 210;
const family = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif";
const pen = document.createElement("canvas").getContext("2d");
const widths = new Map();

function widthOf(text, font) {
  const key = `${font}:${text}`;
  if (!widths.has(key)) {
    const [weight, size] = FONTS[font];
    pen.font = `${weight} ${size}px ${family}`;
    widths.set(key, pen.measureText(text).width * 1.02 + 1);
  }
  return widths.get(key);
}

/** The text, cut so that it fits. Letters are taken whole: an emoji is not cut in two. */
function fit(text, font, most = WIDEST) {
  if (widthOf(text, font) <= most) return text;
  const letters = [...text];
  let low = 0,
    high = letters.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (widthOf(letters.slice(0, middle).join("") + "\u2026", font) <= most) low = middle;
    else high = middle - 1;
  }
  return letters.slice(0, low).join("").trimEnd() + "\u2026";
}

/** Lines of a node's box, with the height each takes. */
function nodeLines(node) {
  const lines = [["title", node.title]];
  const below = node.op ? (node.call ?? node.op) : KINDS[node.kind];
  if (below !== node.title) lines.push(["call", below]);
  const rows = rowsOf(node.value);
  if (rows.length && !(rows.length === 1 && rows[0] === node.title)) rows.forEach((row) => lines.push(["value", row]));
  const gradient = rowsOf(node.gradient);
  gradient.forEach((row, at) => lines.push(["gradient", at ? row : `gradient ${row}`]));
  lines.push(["type", node.called === node.title ? node.type : `#${node.index}  ${node.type}`]);
  return lines.map(([font, text]) => ({ font, text: fit(text, font) }));
}

function groupLines(group) {
  const lines = [{ font: "title", text: fit(group.name, "title") }];
  const what = { scope: "scope", repeat: "repeated", step: "one time", stretch: "stretch" }[group.kind] ?? group.kind;
  lines.push({ font: "call", text: `${what}, ${group.size} nodes` });
  return lines;
}

function measure(box) {
  box.lines = box.isGroup ? groupLines(box) : nodeLines(box);
  const wide = Math.max(...box.lines.map((line) => widthOf(line.text, line.font)));
  box.w = Math.ceil(Math.max(wide + (box.isGroup ? 42 : 22), 56));
  box.h = box.lines.reduce((sum, line) => sum + FONTS[line.font][2], 0) + 10;
}

/** Boxes and lines for what is open; lays them out. */
function arrange(model, vertical) {
  const shown = [];
  const pending = [model.root];
  while (pending.length) {
    const group = pending.pop();
    group.children = [...group.nodes, ...group.groups];
    group.least = widthOf(fit(group.name, "label"), "label") + 60;
    for (const box of group.children) {
      if (box.isGroup && box.open) pending.push(box);
      else {
        box.children = null;
        measure(box);
        shown.push(box);
      }
    }
  }
  const lines = linesOf(model);
  layoutGraph(model.root, lines, vertical);
  return { boxes: shown, lines, frames: openGroups(model.root).slice(1) };
}

/** One line for all edges between two boxes. */
function linesOf(model) {
  const lines = new Map();
  for (const edge of model.edges) {
    const [source, target] = [shownFor(edge.source), shownFor(edge.target)];
    if (source === target) continue;
    const key = `${source.id}-${target.id}`;
    if (!lines.has(key)) lines.set(key, { id: key, source, target, edges: [] });
    lines.get(key).edges.push(edge);
  }
  for (const each of lines.values()) {
    each.text = labelOf(each);
    each.label = each.text ? { w: widthOf(each.text, "label") + 8, h: 16 } : null;
  }
  return [...lines.values()];
}

/** Local derivatives beside a line: numbers; of arrays the entries or the norm. */
function labelOf({ source, target, edges }) {
  if (source.isGroup || target.isGroup) return "";
  return fit(edges.map(localText).filter(Boolean).join(", "), "label", 150);
}

function localText({ local }) {
  if (local === null) return "";
  if (typeof local !== "object") return number(local);
  if (local.matrix && (diagonal(local.matrix) ?? local.matrix.flat()).length <= 4) return matrixText(local.matrix);
  if (local.norm !== undefined) return `\u2016J\u2016 ${local.estimate ? "\u2248 " : ""}${number(local.norm)}`;
  return "";
}

// -- drawing ----------------------------------------------------------------------------------------------------------

function draw(layer, scene, vertical) {
  layer.replaceChildren();
  scene.elements = new Map();
  const lines = svg("g", { class: "lines", "aria-hidden": "true" }),
    grounds = svg("g", { "aria-hidden": "true" }),
    heads = svg("g"),
    boxes = svg("g", { class: "boxes" });
  for (const group of scene.frames) {
    grounds.append(groundElement(group));
    heads.append(headElement(group, scene));
  }
  const drawn = new Set();
  for (const each of scene.lines) lines.append(lineElement(each, vertical, drawn));
  for (const box of readingSort(scene.boxes, vertical)) boxes.append(boxElement(box, scene));
  layer.append(grounds, lines, heads, boxes);
}

/** In the order in which the eye goes: along the computation, then across. */
function readingSort(boxes, vertical) {
  const along = vertical ? (box) => box.y + box.h / 2 : (box) => box.x + box.w / 2,
    across = vertical ? (box) => box.x : (box) => box.y;
  return [...boxes].sort((a, b) => along(a) - along(b) || across(a) - across(b));
}

const placeOf = (box) => `translate(${box.x} ${box.y})`;
const shade = (group) => `depth${group.depth % 2}`;

function groundElement(group) {
  const rect = svg("rect", { class: "outline", width: group.w, height: group.h, rx: 8 });
  const element = svg("g", { class: `ground ${shade(group)}`, transform: placeOf(group) }, rect);
  element.box = group;
  return element;
}

/** The head of an open group: above the lines, which pass behind it. */
function headElement(group, scene) {
  const label = fit(group.name, "label");
  const element = svg(
    "g",
    {
      class: `frame ${shade(group)}`,
      id: group.id,
      transform: placeOf(group),
      role: "button",
      tabindex: -1,
      "aria-expanded": "true",
      "aria-label": `${group.name}, open group of ${count(group.size, "node")}`,
    },
    svg("rect", { class: "grip", x: 4, y: 4, width: widthOf(label, "label") + 30, height: 20, rx: 5 }),
    svg("path", { class: "sign", d: "M11 14h8" }),
    svg("text", { class: "label", x: 25, y: 18.5 }, label),
  );
  element.box = group;
  scene.elements.set(group, element);
  return element;
}

function boxElement(box, scene) {
  const kind = box.isGroup ? "group" : box.kind;
  const element = svg("g", {
    class: `box ${kind}${box.repeats ? " many" : ""}`,
    id: box.id,
    transform: placeOf(box),
    role: "button",
    tabindex: -1,
    "data-index": box.isGroup ? undefined : box.index,
    "aria-expanded": box.isGroup ? "false" : undefined,
    "aria-pressed": box.isGroup ? undefined : "false",
  });
  element.append(...outlines(box, kind), ...texts(box));
  element.box = box;
  scene.elements.set(box, element);
  return element;
}

/** The outline that tells kinds apart without colour. */
function outlines({ w, h }, kind) {
  const radius = { operation: 7, target: 7, group: 4 }[kind] ?? 0;
  const outline = svg("rect", { class: "outline", width: w, height: h, rx: radius });
  if (kind === "target") {
    return [outline, svg("rect", { class: "second", x: 3.5, y: 3.5, width: w - 7, height: h - 7, rx: radius - 2 })];
  }
  if (kind !== "group") return [outline];
  const shadow = svg("rect", { class: "shadow", x: 4, y: 4, width: w, height: h, rx: radius });
  return [shadow, outline, svg("path", { class: "sign", d: "M8 14h9M12.5 9.5v9" })];
}

function texts(box) {
  const x = box.w / 2 + (box.isGroup ? 8 : 0);
  let top = 5;
  return box.lines.map(({ font, text }) => {
    const [, size, height] = FONTS[font];
    const y = top + size * 0.95 + (height - size) / 2 - 1;
    top += height;
    return svg("text", { class: font, x, y }, text);
  });
}

/** A line. What it shares with lines before is drawn once, so that it does not grow dark; `full` is for marking. */
function lineElement(each, vertical, drawn) {
  const quiet = each.edges.every((edge) => edge.source.kind === "constant");
  const element = svg(
    "g",
    { class: `line${quiet ? " quiet" : ""}`, "data-from": each.source.id, "data-to": each.target.id },
    svg("path", { class: "stroke", d: curve(each, vertical, drawn) }),
    svg("path", { class: "stroke full", d: curve(each, vertical) }),
    svg("path", { class: "head", d: arrow(each.points, vertical) }),
  );
  if (each.labelAt) {
    const [x, y] = each.labelAt;
    element.append(svg("text", { class: "label", x, y: y + 4.3 }, each.text));
  }
  each.element = element;
  element.box = each; // what details are shown of
  return element;
}

/** A smooth line through the points, which leaves and arrives along the computation; without pieces already drawn. */
function curve(each, vertical, drawn = null) {
  const stops = stopsOf(each, vertical);
  let path = "",
    lifted = true;
  for (let at = 1; at < stops.length; at++) {
    const [x0, y0] = stops[at - 1],
      [x1, y1, gap] = stops[at],
      middle = vertical ? (y0 + y1) / 2 : (x0 + x1) / 2;
    const piece = `${x0} ${y0} ${x1} ${y1}`;
    if (gap || drawn?.has(piece)) {
      lifted = true;
      continue;
    }
    drawn?.add(piece);
    if (lifted) path += `M${x0} ${y0}`;
    lifted = false;
    if (x0 === x1 || y0 === y1) path += `L${x1} ${y1}`;
    else if (vertical) path += `C${x0} ${middle} ${x1} ${middle} ${x1} ${y1}`;
    else path += `C${middle} ${y0} ${middle} ${y1} ${x1} ${y1}`;
  }
  return path || undefined;
}

/** Where the line goes; a third entry says that the label stands between this stop and the one before. */
function stopsOf({ points, label, labelAt }, vertical) {
  const round = (value) => Math.round(value * 10) / 10;
  const stops = [...points.slice(0, -1), tip(points, vertical), points[points.length - 1]].map((point) =>
    point.map(round),
  );
  if (!labelAt) return stops;
  const along = vertical ? 1 : 0,
    half = (vertical ? label.h : label.w) / 2,
    middle = labelAt[along];
  const at = stops.findIndex(
    (stop, index) => index && (stops[index - 1][along] - middle) * (stop[along] - middle) <= 0,
  );
  if (at < 0) return stops;
  const sign = Math.sign(stops[at][along] - stops[at - 1][along]);
  const edge = (side, gap) =>
    vertical
      ? [round(labelAt[0]), round(middle + side * half), gap]
      : [round(middle + side * half), round(labelAt[1]), gap];
  stops.splice(at, 0, edge(-sign, false), edge(sign, true));
  return stops;
}

/** Where the head of the arrow begins: the line arrives straight. */
function tip(points, vertical) {
  const [x, y] = points[points.length - 1],
    [px, py] = points[points.length - 2] ?? [x - 1, y - 1];
  return vertical ? [x, y - (y >= py ? 8 : -8)] : [x - (x >= px ? 8 : -8), y];
}

function arrow(points, vertical) {
  const [x, y] = points[points.length - 1],
    [px, py] = points[points.length - 2] ?? [x - 1, y - 1];
  if (vertical) return y >= py ? `M${x} ${y}l-4 -8h8z` : `M${x} ${y}l-4 8h8z`;
  return x >= px ? `M${x} ${y}l-8 -4v8z` : `M${x} ${y}l8 -4v8z`;
}
