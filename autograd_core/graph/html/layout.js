// Where boxes and edges go: the layered method of Sugiyama, group by group.
//
// Every open group is laid out on its own, inner ones first, and is one large box in the group around it. An edge that
// crosses the border of a group does so at a port: a point of the border that takes part in the layout on both sides.
// So no box ever overlaps another, and no edge runs through a box. In each group: ranks by the longest path; dummies
// where an edge passes a rank, shared by the edges of one source; labels as dummies of their own in the ranks between;
// few crossings by barycentres; places across by isotonic regression. "Main" is the direction of the computation,
// "cross" the other; only `layoutGraph` knows which is x.
//
// A box has `id`, `parent`, `children` (null for what is drawn as one box), `w`, `h`; an edge `source`, `target` and
// `label` (`{w, h}` or null). Boxes get `x`, `y`, `w`, `h`; edges `points` and, with a label, `labelAt`.

const GAP = { rank: 26, box: 18, line: 9, port: 10 };
const PAD = { side: 14, top: 30 };
const DUMMIES = 12000; // of one group; an edge across more ranks than that leaves is drawn straight

function layoutGraph(root, edges, vertical) {
  const open = openGroups(root);
  for (const group of open) Object.assign(group, { inner: [], legs: new Map(), ports: new Map() });
  for (const box of everyBox(root)) {
    if (box.children) continue;
    box.main = vertical ? box.h : box.w;
    box.cross = vertical ? box.w : box.h;
  }
  for (const { label } of edges) {
    if (label) [label.main, label.cross] = vertical ? [label.h, label.w] : [label.w, label.h];
  }
  for (const edge of edges) trace(edge);
  for (const group of open) direct(group);
  for (const edge of edges) cut(edge);
  for (const group of [...open].reverse()) layGroup(group, vertical);
  place(root, vertical);
  for (const edge of edges) route(edge, vertical);
}

/** Groups drawn as frames, outer ones first. */
function openGroups(root) {
  const found = [root];
  for (let at = 0; at < found.length; at++) for (const box of found[at].children) if (box.children) found.push(box);
  return found;
}

function everyBox(root) {
  const found = [root];
  for (let at = 0; at < found.length; at++) if (found[at].children) found.push(...found[at].children);
  return found;
}

// -- which groups an edge crosses -------------------------------------------------------------------------------------

/** From both ends up to the group where the edge is between two children. */
function trace(edge) {
  let from = edge.source,
    to = edge.target;
  edge.up = [from];
  edge.down = [to];
  while (from.parent !== to.parent) {
    if (from.depth >= to.depth) edge.up.push((from = from.parent));
    else edge.down.push((to = to.parent));
  }
  edge.meet = from.parent;
  edge.meet.inner.push(edge);
}

/** The children of a group in topological order. Edges against it, where groups use one another, are reversed. */
function direct(group) {
  const waits = new Map(group.children.map((box) => [box, 0])),
    uses = new Map();
  for (const edge of group.inner) {
    const [from, to] = ends(edge);
    if (!uses.has(from)) uses.set(from, []);
    uses.get(from).push(to);
    waits.set(to, waits.get(to) + 1);
  }
  const left = [...group.children].sort((a, b) => a.first - b.first);
  const ready = left.filter((box) => waits.get(box) === 0).reverse();
  const done = new Set();
  let next = 0;
  while (done.size < left.length) {
    let box = ready.pop();
    if (box === undefined) {
      while (done.has(left[next])) next++;
      box = left[next];
    }
    if (done.has(box)) continue;
    box.order = done.size;
    done.add(box);
    for (const user of uses.get(box) ?? []) {
      waits.set(user, waits.get(user) - 1);
      if (waits.get(user) === 0) ready.push(user);
    }
  }
  for (const edge of group.inner) {
    const [from, to] = ends(edge);
    edge.reversed = from.order > to.order;
  }
}

const ends = (edge) => [edge.up[edge.up.length - 1], edge.down[edge.down.length - 1]];

/** Cuts the edge into legs, one in each group it runs through; legs that are the same line are shared. */
function cut(edge) {
  const key = `${edge.source.id}${edge.reversed ? "r" : "f"}`;
  const inside = (box) => ({ box, port: box.children ? key : "" });
  const legs = [];
  for (let at = 1; at < edge.up.length; at++)
    legs.push([edge.up[at], inside(edge.up[at - 1]), portOf(edge.up[at], key, !edge.reversed)]);
  legs.push([edge.meet, ...ends(edge).map(inside)]);
  for (let at = edge.down.length - 1; at > 0; at--)
    legs.push([edge.down[at], portOf(edge.down[at], key, edge.reversed), inside(edge.down[at - 1])]);
  edge.legs = legs.map(([group, from, to], at) => {
    const [left, right] = edge.reversed ? [to, from] : [from, to];
    const name = `${left.box.id}/${left.port}>${right.box.id}/${right.port}`;
    if (!group.legs.has(name)) group.legs.set(name, { group, left, right, reversed: edge.reversed, label: null });
    const leg = group.legs.get(name);
    if (at === legs.length - 1) leg.label = edge.label;
    return leg;
  });
}

function portOf(group, key, onRight) {
  if (!group.ports.has(key)) {
    group.ports.set(key, { id: `${group.id}:${key}`, isPort: true, onRight, main: 0, cross: 0, children: null });
  }
  return { box: group.ports.get(key), port: "" };
}

// -- one group --------------------------------------------------------------------------------------------------------

function layGroup(group, vertical) {
  const legs = [...group.legs.values()];
  const last = rank(group, legs);
  const { ranks, vertices, first } = spread(group, legs, last);
  reduceCrossings(ranks);
  alignAcross(ranks);
  const top = vertical ? PAD.side : group.parent ? PAD.top : PAD.side;
  const start = vertical && group.parent ? PAD.top : PAD.side;
  const lowest = Math.min(...vertices.map((vertex) => vertex.at - vertex.cross / 2));
  const highest = Math.max(...vertices.map((vertex) => vertex.at + vertex.cross / 2));
  for (const vertex of vertices) vertex.at += top - lowest;
  const bands = alongMain(ranks, start);
  const end = bands.length ? bands[bands.length - 1][1] : start;
  group.main = Math.max(end + PAD.side, vertical ? 0 : (group.least ?? 0));
  group.cross = Math.max(highest - lowest + top + PAD.side, vertical ? (group.least ?? 0) : 0);
  for (const box of group.children) settle(box, bands[box.rank - first]);
  fanIn(group);
  for (const leg of legs) {
    leg.points = line(leg, bands, first, group);
    if (leg.tag) leg.tagMain = bands[leg.tag.rank - first].reduce((a, b) => a + b) / 2;
  }
}

// -- all together -----------------------------------------------------------------------------------------------------

function place(root, vertical) {
  Object.assign(root, { m: 0, c: 0 });
  for (const box of everyBox(root)) {
    if (box !== root) {
      box.m += box.parent.m;
      box.c += box.parent.c;
    }
    [box.x, box.y, box.w, box.h] = vertical ? [box.c, box.m, box.cross, box.main] : [box.m, box.c, box.main, box.cross];
  }
}

function route(edge, vertical) {
  const points = [];
  for (const leg of edge.legs) {
    const own = leg.points.map(([m, c]) => [m + leg.group.m, c + leg.group.c]);
    if (edge.reversed) own.reverse();
    for (const point of own) {
      const last = points[points.length - 1];
      if (!last || Math.hypot(last[0] - point[0], last[1] - point[1]) > 0.01) points.push(point);
    }
  }
  const at = (point) => (vertical ? [point[1], point[0]] : point);
  edge.points = points.map(at);
  const leg = edge.legs[edge.legs.length - 1];
  edge.labelAt = null;
  if (edge.label && leg.tag) {
    edge.labelAt = at([leg.group.m + leg.tagMain, leg.group.c + leg.tag.at]);
  }
}
