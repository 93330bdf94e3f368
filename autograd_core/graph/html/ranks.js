// Inside one group of the layout: which rank a box stands in, and in which order those of one rank stand, so that few
// lines cross. A vertex is a box, a port, a label, or a dummy where a line passes a rank; `at` is its place across.

/** Rank of every box: two beyond all it is computed from; a box with room is moved next to what uses it. */
function rank(group, legs) {
  const boxes = [...group.children].sort((a, b) => a.order - b.order);
  for (const box of boxes) Object.assign(box, { rank: 0, legsIn: [], legsOut: [] });
  for (const port of group.ports.values()) Object.assign(port, { legsIn: [], legsOut: [] });
  for (const leg of legs) {
    leg.left.box.legsOut.push(leg);
    leg.right.box.legsIn.push(leg);
  }
  for (const box of boxes) {
    for (const leg of box.legsOut)
      if (!leg.right.box.isPort) leg.right.box.rank = Math.max(leg.right.box.rank, box.rank + 2);
  }
  const last = boxes.reduce((most, box) => Math.max(most, box.rank), 0);
  // A label that stands beside a port on the right needs a rank between.
  const tagged = legs.some((leg) => leg.right.box.isPort && leg.reversed && leg.label);
  for (const port of group.ports.values()) port.rank = port.onRight ? last + (tagged ? 2 : 1) : -2;
  for (const box of boxes.reverse()) {
    if (!box.legsOut.length || box.legsIn.length > box.legsOut.length) continue;
    box.rank = box.legsOut.reduce(
      (least, leg) => Math.min(least, leg.right.box.isPort ? last : leg.right.box.rank - 2),
      last,
    );
  }
  return last;
}

/** The vertices of a group, rank by rank, and what joins them. */
class Grid {
  constructor(first, last) {
    this.first = first;
    this.ranks = Array.from({ length: last - first + 1 }, () => []);
    this.vertices = [];
    this.trunks = new Map();
    this.joined = new Set();
  }

  add(rank, { main, cross }, seq, box = null) {
    const vertex = { id: this.vertices.length, rank, main, cross, seq, box, left: [], right: [], at: 0 };
    this.vertices.push(vertex);
    this.ranks[rank - this.first].push(vertex);
    return vertex;
  }

  /** The dummy in a rank for all lines of one owner. */
  trunk(owner, rank, seq) {
    const name = `${owner}@${rank}`;
    if (!this.trunks.has(name)) this.trunks.set(name, this.add(rank, { main: 0, cross: 0 }, seq));
    return this.trunks.get(name);
  }

  /** A piece of a line from `a` to `b`, which meets them that far from their middles. */
  join(a, b, fromA, fromB, isLeaf) {
    const name = `${a.id}:${fromA}-${b.id}:${fromB}`;
    if (this.joined.has(name)) return;
    this.joined.add(name);
    // Long lines are to be straight, and so is the way from operation to operation: leaves make room.
    const weight = isLeaf ? 0.3 : a.box || b.box ? 4 : 8;
    a.right.push({ to: b, own: fromA, other: fromB, weight });
    b.left.push({ to: a, own: fromB, other: fromA, weight });
  }
}

/** Vertices in ranks: boxes, ports, and dummies where lines pass. */
function spread(group, legs, last) {
  const ports = [...group.ports.values()];
  const first = ports.some((port) => !port.onRight) ? -2 : 0;
  const grid = new Grid(first, Math.max(last, ...ports.map((port) => port.rank)));
  const sequence = readingOrder(group, ports);
  for (const box of [...group.children, ...ports]) box.vertex = grid.add(box.rank, box, sequence.get(box) ?? 0, box);
  const longest = longestSpan(legs);
  for (const leg of legs) thread(grid, leg, longest);
  for (const row of grid.ranks) row.sort((a, b) => a.seq - b.seq);
  return grid;
}

/** The chain of vertices that a leg runs through. */
function thread(grid, leg, longest) {
  const from = leg.left.box;
  const to = leg.right.box;
  const { seq } = from.vertex;
  leg.straight = to.rank - from.rank > longest;
  leg.chain = [from.vertex, to.vertex];
  if (leg.straight) return;
  const labelled = leg.reversed ? from.rank + 1 : to.rank - 1;
  const owner = leg.reversed ? `${to.id}/${leg.right.port}<${from.id}` : `${from.id}/${leg.left.port}`;
  const between = [];
  for (let rank = from.rank + 1; rank < to.rank; rank++) {
    if (leg.label && rank === labelled) between.push((leg.tag = grid.add(rank, leg.label, seq)));
    else between.push(grid.trunk(owner, rank, seq));
  }
  leg.chain.splice(1, 0, ...between);
  const isLeaf = !from.isPort && !from.legsIn.length && to.rank - from.rank === 2;
  const end = leg.chain.length - 1;
  for (let at = 0; at < end; at++) {
    const [a, b] = [leg.chain[at], leg.chain[at + 1]];
    grid.join(a, b, at === 0 ? offset(leg.left) : 0, at + 1 === end ? offset(leg.right) : 0, isLeaf);
  }
}

/** How far from the middle of a box a line meets it. */
const offset = ({ box, port }) => (port ? box.ports.get(port).vertex.at - box.cross / 2 : 0);

/** Arguments in their order, from the last box backwards. */
function readingOrder(group, ports) {
  const found = new Map();
  const note = (box) => found.has(box) || found.set(box, found.size);
  for (const port of ports) if (port.onRight) note(port);
  for (const box of [...group.children].sort((a, b) => b.order - a.order)) {
    note(box);
    for (const leg of box.legsIn) note(leg.left.box);
  }
  return found;
}

/** The longest line that still gets dummies. */
function longestSpan(legs) {
  const spans = legs.map((leg) => leg.right.box.rank - leg.left.box.rank).sort((a, b) => a - b);
  let total = 0;
  for (const span of spans) if ((total += span) > DUMMIES) return Math.max(span - 1, 8);
  return Infinity;
}

// -- order within ranks -----------------------------------------------------------------------------------------------

function reduceCrossings(ranks) {
  const number = () => ranks.forEach((row) => row.forEach((vertex, at) => (vertex.at = at)));
  number();
  let best = ranks.map((row) => [...row]),
    fewest = crossings(ranks);
  const sweeps = ranks.reduce((count, row) => count + row.length, 0) > 4000 ? 4 : 10;
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep++) {
    const side = sweep % 2 ? "right" : "left";
    for (const row of sweep % 2 ? [...ranks].reverse() : ranks) {
      for (const vertex of row) vertex.key = vertex[side].length ? barycentre(vertex[side]) : vertex.at;
      row.sort((a, b) => a.key - b.key || a.at - b.at);
      row.forEach((vertex, at) => (vertex.at = at));
    }
    swapNeighbours(ranks);
    const count = crossings(ranks);
    if (count < fewest) [best, fewest] = [ranks.map((row) => [...row]), count];
  }
  best.forEach((row, at) => (ranks[at] = row));
  number();
}

/** Mean place of the other ends; a port in the upper half of a box counts as a little above its middle. */
function barycentre(links) {
  return links.reduce((sum, link) => sum + place01(link), 0) / links.length;
}

const place01 = ({ to, other }) => to.at + (to.cross ? (0.9 * other) / to.cross : 0);

/** Pairs of lines that cross, counted rank by rank with a Fenwick tree. */
function crossings(ranks) {
  let total = 0;
  for (let at = 1; at < ranks.length; at++) {
    const lines = [];
    for (const vertex of ranks[at])
      for (const link of vertex.left)
        lines.push([vertex.at + (vertex.cross ? (0.9 * link.own) / vertex.cross : 0), place01(link)]);
    lines.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const places = [...new Set(lines.map((ends) => ends[1]))].sort((a, b) => a - b);
    const indexOf = new Map(places.map((value, index) => [value, index + 1]));
    const tree = new Array(places.length + 1).fill(0);
    lines.forEach(([, to], seen) => {
      let before = 0;
      for (let i = indexOf.get(to); i > 0; i -= i & -i) before += tree[i];
      total += seen - before;
      for (let i = indexOf.get(to); i <= places.length; i += i & -i) tree[i]++;
    });
  }
  return total;
}

/** Swaps neighbours in a rank where that takes crossings away. */
function swapNeighbours(ranks) {
  for (const row of ranks) {
    if (row.length > 60) continue;
    for (let at = 0; at + 1 < row.length; at++) {
      const [a, b] = [row[at], row[at + 1]];
      const gain =
        crossed(a.left, b.left) + crossed(a.right, b.right) - crossed(b.left, a.left) - crossed(b.right, a.right);
      if (gain <= 0) continue;
      [row[at], row[at + 1], a.at, b.at] = [b, a, b.at, a.at];
    }
  }
}

/** Crossings between the lines of two neighbours, the first standing above. */
function crossed(above, below) {
  let count = 0;
  for (const a of above) for (const b of below) if (place01(a) > place01(b)) count++;
  return count;
}
