// Beside the diagram: what is known of the node, line or group that is pointed at or has the focus.

const LISTED = 12; // neighbours, and edges between groups

/** `shown` is a box, or a line. */
function showDetails(shown) {
  if (!shown) return;
  const rows = shown.edges
    ? shown.edges.slice(0, LISTED).flatMap(edgeRows)
    : shown.isGroup
      ? groupRows(shown)
      : nodeRows(shown);
  const list = html("dl");
  for (const [name, value, kind] of rows) {
    const content = kind === "pre" ? html("pre", {}, value) : value;
    list.append(html("dt", {}, name), html("dd", { dir: "auto", class: value.length > 200 ? "long" : null }, content));
  }
  byId("shown").replaceChildren(list);
}

function groupRows(group) {
  const nodes = nodesIn(group),
    seconds = nodes.map((node) => node.seconds).filter((time) => time !== undefined);
  const rows = [
    ["Group", group.name],
    ["Nodes", count(group.size, "node")],
  ];
  if (group.repeats) rows.push(["Repeats", String(group.repeats)]);
  rows.push(["Memory", bytesText(nodes.reduce((sum, node) => sum + (node.bytes ?? 0), 0))]);
  if (seconds.length) rows.push(["Time", secondsText(seconds.reduce((a, b) => a + b))]);
  return rows;
}

function nodesIn(group) {
  const groups = [group];
  for (let at = 0; at < groups.length; at++) groups.push(...groups[at].groups);
  return groups.flatMap((each) => each.nodes);
}

function edgeRows(edge) {
  const { source, target, local } = edge;
  const rows = [["Edge", `${source.called} \u2192 ${target.called}`]];
  if (local === null) return [...rows, ["Derivative", "none is wanted here"]];
  if (typeof local !== "object") return [...rows, ["Local derivative", number(local)]];
  if (local.shape) rows.push(["Local Jacobian", shapeText(local.shape)]);
  if (local.norm !== undefined) rows.push(["Norm", (local.estimate ? "about " : "") + number(local.norm)]);
  if (local.matrix) rows.push(["Entries", matrixRows(local.matrix).join("\n"), "pre"]);
  return rows;
}

function nodeRows(node) {
  const rows = [
    ["Name", node.name ?? node.title],
    ["Kind", KINDS[node.kind]],
  ];
  if (node.op) rows.push(["Operation", node.call ?? node.op]);
  if (walk.isComputed(node)) rows.push(...arrayRows("Value", node.value, "not kept"));
  else rows.push(["Value", "not computed yet"]);
  rows.push(...arrayRows("Gradient", walk.gradientOf(node), walk.walking ? "not computed yet" : "none, or not known"));
  rows.push(["Shape", node.type]);
  if (node.ins.length)
    rows.push([
      "From",
      listed(node.ins, (edge) => edge.source.called + (carries(edge) ? ` (${localWords(edge)})` : "")),
    ]);
  if (node.outs.length) rows.push(["Used by", listed(node.outs, (edge) => edge.target.called)]);
  if (node.scope) rows.push(["Scope", node.scope.join(" / ")]);
  if (node.place) rows.push(["Source", node.place]);
  if (node.bytes) rows.push(["Memory", bytesText(node.bytes)]);
  if (node.seconds !== undefined) rows.push(["Time", secondsText(node.seconds)]);
  return rows;
}

function listed(edges, text) {
  const more = edges.length > LISTED ? `, and ${count(edges.length - LISTED, "other")}` : "";
  return edges.slice(0, LISTED).map(text).join(", ") + more;
}

function arrayRows(name, value, missing) {
  if (value === undefined || value === null) return [[name, missing]];
  if (typeof value !== "object") return [[name, number(value)]];
  const rows = rowsOf(value, 64);
  return rows.length ? [[name, rows.join("\n"), "pre"]] : [[name, summary(value) || "not kept"]];
}
