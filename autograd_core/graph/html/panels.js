// Beside the diagram: the step just taken, and the paths between two chosen nodes.

function showStep(entry) {
  const parts = [];
  if (entry) {
    parts.push(html("p", { class: "head" }, entry.head));
    for (const line of [entry.text, entry.sum])
      if (line) parts.push(html("p", { class: line.length > 90 ? "sum long" : "sum" }, line));
  } else if (walk.walking && walk.position === walk.turn)
    parts.push(html("p", {}, "All values are computed. Step backward for the gradients."));
  else if (walk.walking && walk.position === walk.atoms.length)
    parts.push(html("p", {}, "The backward pass is done: every gradient is known."));
  else if (walk.walking) parts.push(html("p", {}, "Nothing is computed yet. Step forward."));
  const now = byId("now");
  now.replaceChildren(...parts);
  for (const key of ["kind", "index", "local", "from", "to"]) delete now.dataset[key];
  if (entry) {
    now.dataset.kind = entry.kind;
    if (entry.index !== undefined) now.dataset.index = entry.index;
    if (entry.edge) Object.assign(now.dataset, { from: entry.edge.target.index, to: entry.edge.source.index });
    if (entry.edge && typeof entry.local !== "object") now.dataset.local = entry.local;
  }
}

/** After a step: what it said, and where it happened. */
function stepped(entry) {
  showStep(entry);
  byId("progress").textContent = walk.progress;
  const log = byId("log");
  while (log.children.length > walk.log.length) log.lastChild.remove();
  for (const done of walk.log.slice(log.children.length))
    log.append(html("li", {}, [done.text, done.sum].filter(Boolean).join("; ")));
  log.scrollTop = log.scrollHeight;
  refresh();
  const atom = walk.current[walk.current.length - 1];
  const node = atom && (atom.node ?? atom.edge?.source ?? model.targets[0]);
  if (node && entry) {
    bringIntoView(shownFor(node));
    showDetails(shownFor(node));
  }
}

const takeBack = () => {
  walk.undo();
  stepped(walk.log[walk.log.length - 1]);
};
const restart = () => {
  walk.restart();
  byId("log").replaceChildren();
  stepped(null);
};
const showAll = () => {
  walk.leave();
  stepped(null);
};

/** Clears the log first where a forward step begins anew. */
function stepForward() {
  const anew = !walk.walking || walk.position > walk.turn;
  const entry = walk.forward();
  if (anew) byId("log").replaceChildren();
  stepped(entry);
}

function stepBackward() {
  if (!walk.walking) byId("log").replaceChildren();
  stepped(walk.backward());
}

// -- paths ------------------------------------------------------------------------------------------------------------

function choose(node) {
  const again = state.chosen.indexOf(node);
  if (again >= 0) state.chosen.splice(again, 1);
  else state.chosen = state.chosen.length === 2 ? [node] : [...state.chosen, node];
  showPaths();
}

function showPaths() {
  const [first, second] = state.chosen;
  state.one = null;
  state.paths = second
    ? pathsBetween(model, ...(first.index < second.index ? [first, second] : [second, first]))
    : null;
  const list = byId("path-list");
  if (!first) list.replaceChildren();
  else if (!second) list.replaceChildren(html("p", {}, `From or to ${first.called}: now choose a second node.`));
  else if (!state.paths)
    list.replaceChildren(
      html("p", {}, `No path of derivatives leads from ${first.called} to ${second.called}, or back.`),
    );
  else list.replaceChildren(...pathElements(state.paths));
  refresh();
}

function pathElements({ source, target, total, paths, sum }) {
  const list = html("ol");
  for (const path of paths) {
    const way = [source.called, ...path.edges.map((edge) => edge.target.called)].join(" \u2192 ");
    const button = html(
      "button",
      { type: "button", class: "path" },
      html("span", { class: "head" }, way),
      html("br"),
      path.text,
    );
    const show = (one) => () => {
      state.one = one;
      refresh();
    };
    for (const event of ["mouseenter", "focus"]) button.addEventListener(event, show(path));
    for (const event of ["mouseleave", "blur"]) button.addEventListener(event, show(null));
    list.append(html("li", {}, button));
  }
  const shown = paths.length < total ? `, the first ${paths.length} of them here` : "";
  const amount = total < 1e15 ? count(total, "path") : "more than 10^15 paths";
  const heading = html("p", {}, `${amount} from ${source.called} to ${target.called}${shown}:`);
  return [heading, list, html("p", { class: "sum", id: "path-sum" }, pathSum({ source, target, paths, total, sum }))];
}

function pathSum({ source, target, paths, total, sum }) {
  const name = `d ${target.called} / d ${source.called}`;
  if (sum === null) {
    const only = model.targets.length === 1 && model.targets[0] === target && source.gradient !== undefined;
    return only
      ? `Sum: gradient of ${source.called} = ${brief(source.gradient)}`
      : "Sum: not known, as Jacobians on the way are too large to be here";
  }
  const terms =
    paths.length === total && total > 1 && total <= 12 && !Array.isArray(sum)
      ? `${paths.map((path) => term(path.result)).join(" + ")} = `
      : "";
  return `Sum: ${name} = ${terms}${short(sum)}`;
}

function forgetChoice() {
  state.chosen = [];
  showPaths();
}
