// The page itself: what mouse, touch and keys do to what is drawn.

// -- drawing ----------------------------------------------------------------------------------------------------------

/** Lays out and draws anew. `anchor` stays where it is on the screen. */
function redraw(anchor = null) {
  const before = anchor && anchor.x !== undefined ? [anchor.x, anchor.y] : null;
  state.scene = arrange(model, state.vertical);
  draw(layer, state.scene, state.vertical);
  if (before) {
    view.x += (before[0] - anchor.x) * view.scale;
    view.y += (before[1] - anchor.y) * view.scale;
    applyView();
  }
  const focused = state.focused && nearestShown(state.focused);
  setTabStop(focused ?? inReadingOrder()[0]);
  refresh();
  byId("count").textContent =
    `${count(model.nodes.length, "node")}, ${count(model.edges.length, "edge")}; ` +
    `${count(state.scene.boxes.length, "box", "boxes")} shown`;
}

/** A group that was just opened stands for itself; what is hidden, for the group around it. */
function nearestShown(box) {
  let shown = box;
  for (let group = box.parent; group; group = group.parent) if (!group.open) shown = group;
  return shown;
}

/** Sets the classes that say what is going on, without a new layout. */
function refresh() {
  const current = currentOnPage();
  const on = pathsOnPage();
  layer.classList.toggle("dimmed", on !== null);
  for (const box of state.scene.boxes) {
    const { classList } = state.scene.elements.get(box);
    classList.toggle("now", current.boxes.has(box));
    classList.toggle("on", on !== null && on.boxes.has(box));
    classList.toggle("found", state.found.has(box));
    if (!box.isGroup) refreshNode(box);
  }
  for (const each of state.scene.lines) {
    each.element.classList.toggle(
      "now",
      each.edges.some((edge) => current.edges.has(edge)),
    );
    each.element.classList.toggle("on", on !== null && each.edges.some((edge) => on.edges.has(edge)));
  }
}

function refreshNode(node) {
  const element = state.scene.elements.get(node);
  const gradient = walk.gradientOf(node);
  element.classList.toggle("waiting", !walk.isComputed(node));
  element.classList.toggle("unknown", gradient === undefined || gradient === null);
  const place = state.chosen.indexOf(node);
  element.classList.toggle("chosen", place >= 0);
  element.setAttribute("aria-pressed", String(place >= 0));
  element.setAttribute("aria-label", spoken(node));
  element.querySelector(".badge")?.remove();
  if (place >= 0)
    element.append(svg("g", { class: "badge" }, svg("circle", { r: 9 }), svg("text", { y: 4 }, String(place + 1))));
  if (gradient === undefined || gradient === null) return;
  const rows = rowsOf(gradient),
    lines = [...element.querySelectorAll("text.gradient")];
  lines.forEach(
    (line, at) => (line.textContent = fit(at ? (rows[at] ?? "") : `gradient ${rows[0] ?? ""}`, "gradient")),
  );
}

/** What a screen reader says of a node. */
function spoken(node) {
  const parts = [node.called, node.op ? `${KINDS[node.kind]} ${node.op}` : KINDS[node.kind]];
  if (walk.isComputed(node)) {
    if (node.value !== undefined) parts.push(`value ${brief(node.value)}`);
  } else parts.push("not computed yet");
  const gradient = walk.gradientOf(node);
  if (gradient !== undefined && gradient !== null) parts.push(`gradient ${brief(gradient)}`);
  parts.push(node.type);
  return parts.join(", ");
}

function currentOnPage() {
  const boxes = new Set(),
    edges = new Set();
  for (const atom of walk.current) {
    if (atom.node) boxes.add(shownFor(atom.node));
    if (atom.seed) model.targets.forEach((target) => boxes.add(shownFor(target)));
    if (atom.edge) {
      edges.add(atom.edge);
      boxes.add(shownFor(atom.edge.source));
    }
  }
  return { boxes, edges };
}

function pathsOnPage() {
  if (!state.paths) return null;
  const nodes = state.one
    ? new Set([state.paths.source, ...state.one.edges.map((edge) => edge.target)])
    : state.paths.on;
  const onPath = (edge) =>
    state.one ? state.one.edges.includes(edge) : nodes.has(edge.source) && nodes.has(edge.target) && carries(edge);
  const edges = new Set([...nodes].flatMap((node) => node.ins.filter(onPath)));
  return { boxes: new Set([...nodes].map(shownFor)), edges };
}

// -- groups and nodes -------------------------------------------------------------------------------------------------

/** What a click or Enter does: groups open and close, nodes are chosen. */
function activate(box) {
  if (!box.isGroup) {
    focusBox(box);
    choose(box);
    return;
  }
  box.open = !box.open;
  if (!box.open) for (const group of model.groups) if (within(group, box)) group.open = false;
  redraw(box);
  focusBox(box.open ? firstIn(box) : box);
  say(box.open ? `${box.name} is open` : `${box.name} is closed`);
}

function within(group, outer) {
  for (let around = group.parent; around; around = around.parent) if (around === outer) return true;
  return false;
}

const inReadingOrder = () => readingSort(state.scene.boxes, state.vertical);
const firstIn = (group) => inReadingOrder().find((box) => box.parent === group) ?? group;

function say(text) {
  byId("now").replaceChildren(html("p", {}, text));
}

/** Closes the group around the box that has the focus. */
function closeAround() {
  const group = state.focused?.open ? state.focused : state.focused?.parent;
  if (group?.parent) activate(group);
}

function openAll() {
  openUpTo(model, MOST_BOXES);
  redraw();
  firstView();
  const closed = model.groups.filter((group) => !group.open).length;
  say(closed ? `${count(closed, "group")} stay closed: ${MOST_BOXES} boxes are shown at once` : "Every group is open");
}

function closeAll() {
  for (const group of model.groups) group.open = group === model.root;
  redraw();
  firstView();
  say("Every group is closed");
}

const elementOf = (box) => state.scene.elements.get(box);

function setTabStop(box) {
  for (const element of layer.querySelectorAll('[tabindex="0"]')) element.setAttribute("tabindex", "-1");
  state.focused = box;
  elementOf(box)?.setAttribute("tabindex", "0");
}

function focusBox(box) {
  setTabStop(box);
  elementOf(box)?.focus({ preventScroll: true, focusVisible: true });
  bringIntoView(box.isGroup && box.open ? { ...box, w: Math.min(box.w, 150), h: 30 } : box);
}

/** Opens the groups around a node, and goes there. */
function reveal(node) {
  let opened = false;
  for (let group = node.parent; group; group = group.parent) {
    opened ||= !group.open;
    group.open = true;
  }
  if (opened) redraw();
  focusBox(node);
}

/** Next box in the direction of an arrow key: along an edge, else the nearest one. */
function neighbour(box, key) {
  const along = state.vertical ? { ArrowUp: -1, ArrowDown: 1 } : { ArrowLeft: -1, ArrowRight: 1 };
  const centre = (other) =>
    other.open ? [other.x + 40, other.y + 14] : [other.x + other.w / 2, other.y + other.h / 2];
  const [x, y] = centre(box);
  const distance = (other) => Math.hypot(centre(other)[0] - x, centre(other)[1] - y);
  const nearest = (boxes) =>
    boxes.reduce((best, other) => (!best || distance(other) < distance(best) ? other : best), null);
  if (key in along) {
    const ahead = state.scene.lines.filter((each) => (along[key] < 0 ? each.target : each.source) === box);
    if (ahead.length) return along[key] < 0 ? ahead[0].source : nearest(ahead.map((each) => each.target));
  }
  const side = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const inCone = (other) => {
    const [dx, dy] = [centre(other)[0] - x, centre(other)[1] - y];
    const forward = dx * side[0] + dy * side[1];
    return other !== box && forward > 4 && Math.abs(dx * side[1] + dy * side[0]) <= forward * 1.5;
  };
  return nearest([...state.scene.boxes, ...state.scene.frames].filter(inCone));
}

// -- keys and buttons -------------------------------------------------------------------------------------------------

const KEYS = {
  f: stepForward,
  b: stepBackward,
  u: takeBack,
  r: restart,
  a: showAll,
  t: turn,
  o: openAll,
  c: closeAll,
  x: closeAround,
  0: fitView,
  "+": () => zoom(1.25),
  "=": () => zoom(1.25),
  "-": () => zoom(0.8),
  "/": () => search.focus(),
  Escape: forgetChoice,
};

function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input")) return;
    const action = KEYS[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  stage.addEventListener("keydown", (event) => {
    const box = event.target.closest("[id]")?.box;
    if (!box) return;
    let next = null;
    if (event.key.startsWith("Arrow")) next = neighbour(box, event.key);
    else if (event.key === "Home" || event.key === "End") next = inReadingOrder().at(event.key === "Home" ? 0 : -1);
    else if (event.key === "Enter" || event.key === " ") activate(box);
    else return;
    event.preventDefault();
    if (next) focusBox(next);
  });
  stage.parentNode.addEventListener("focusin", (event) => {
    // on the SVG itself it would make that one a stop of Tab
    const box = event.target.closest("[id]")?.box;
    if (!box) return;
    setTabStop(box);
    showDetails(box);
  });
  stage.addEventListener("pointerover", (event) =>
    showDetails(event.target.closest(".box, .line, .frame, .ground")?.box),
  );
}

function turn() {
  state.vertical = !state.vertical;
  nameTurn();
  redraw();
  firstView();
}

function nameTurn() {
  byId("turn").textContent = state.vertical ? "Left to right" : "Top to bottom";
}

/** Light or dark: as chosen here, else as the reader's system has it; light on paper. */
function applyTheme(onPaper = false) {
  const dark = state.theme ? state.theme === "dark" : darkSystem.matches;
  document.documentElement.dataset.theme = dark && !onPaper ? "dark" : "light";
  byId("theme").textContent = dark ? "Light" : "Dark";
}

function toggleTheme() {
  state.theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  applyTheme();
}

function legend() {
  const kinds = [
    ...Object.keys(KINDS).filter((kind) => model.nodes.some((node) => node.kind === kind)),
    ...(model.groups.length > 1 ? ["group"] : []),
  ];
  for (const kind of kinds) {
    const radius = kind === "operation" || kind === "target" ? 5 : 0;
    const sample = svg(
      "svg",
      { class: kind, "aria-hidden": "true", viewBox: "0 0 26 16" },
      svg("rect", { class: "outline", x: 3, y: 3, width: 20, height: 10, rx: radius }),
    );
    if (kind === "target")
      sample.append(svg("rect", { class: "second", x: 5.5, y: 5.5, width: 15, height: 5, rx: radius - 2 }));
    byId("legend").append(html("li", {}, sample, KINDS[kind] ?? "closed group"));
  }
}

/** Every node as a row: the diagram for those who do not see it, and to be copied. Made when it is asked for. */
function fillTable() {
  if (!byId("table").open || byId("rows").firstChild) return;
  const cell = (name) => (text) => html(name, name === "th" ? { scope: "col" } : {}, text);
  const head = html("tr", {}, ...["#", "Node", "Operation", "Value", "Gradient", "Type", "From"].map(cell("th")));
  const rows = model.nodes
    .slice(0, 2000)
    .map((node) =>
      html(
        "tr",
        {},
        ...[
          String(node.index),
          node.title,
          node.op ?? KINDS[node.kind],
          brief(node.value),
          node.gradient === undefined ? "" : brief(node.gradient),
          node.type,
          node.ins.map((edge) => edge.source.called).join(", "),
        ].map(cell("td")),
      ),
    );
  byId("rows").append(html("table", {}, html("thead", {}, head), html("tbody", {}, ...rows)));
  if (model.nodes.length > 2000)
    byId("rows").append(
      html("p", { class: "dim" }, `${count(model.nodes.length - 2000, "more node")} are not in this table.`),
    );
}

function start() {
  stage.setAttribute("aria-label", `Graph of ${count(model.nodes.length, "node")}`);
  const actions = {
    forward: stepForward,
    backward: stepBackward,
    undo: takeBack,
    restart,
    "show-all": showAll,
    "zoom-in": () => zoom(1.25),
    "zoom-out": () => zoom(0.8),
    fit: fitView,
    turn,
    "open-all": openAll,
    "close-all": closeAll,
    theme: toggleTheme,
  };
  for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
  applyTheme();
  darkSystem.addEventListener("change", () => applyTheme());
  if (model.groups.length === 1) for (const id of ["open-all", "close-all"]) byId(id).hidden = true;
  byId("table").addEventListener("toggle", fillTable);
  state.vertical = stageSize().height > 1.4 * stageSize().width;
  nameTurn();
  legend();
  followPointers();
  listenToSearch();
  listenToKeys();
  redraw();
  firstView();
  byId("progress").textContent = walk.progress;
  showDetails(model.targets[0] ?? model.nodes[0]);
  window.addEventListener("beforeprint", () => {
    applyTheme(true);
    fitView();
  });
  window.addEventListener("afterprint", () => applyTheme());
  new ResizeObserver(() => view.moved || firstView()).observe(stage);
  performance.mark("ready");
  document.documentElement.dataset.ready = "true";
}

start();
