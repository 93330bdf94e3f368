// Inside one group of the layout, once ranks and orders are known: places across and along the computation, and the
// points of every line.

/** Places across: each vertex near its neighbours, in the order of its rank, with gaps; swept until it is quiet. */
function alignAcross(ranks) {
  for (const row of ranks) {
    let at = 0;
    for (const vertex of row) {
      vertex.at = at + vertex.cross / 2;
      at += vertex.cross + GAP.box;
    }
  }
  const sweeps = ranks.length > 400 ? 8 : 24;
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const sides = sweep >= sweeps - 4 ? ["left", "right"] : sweep % 2 ? ["right"] : ["left"];
    for (const row of sweep % 2 ? [...ranks].reverse() : ranks) settleRank(row, sides);
  }
}

function settleRank(row, sides) {
  let shift = 0;
  const wanted = row.map((vertex, at) => {
    if (at) shift += (row[at - 1].cross + vertex.cross) / 2 + gap(row[at - 1], vertex);
    let weight = 0,
      sum = 0;
    for (const side of sides) {
      for (const link of vertex[side]) {
        weight += link.weight;
        sum += link.weight * (link.to.at + link.other - link.own);
      }
    }
    // What has no neighbour on this side stays about where it is, and gives way to all others.
    return weight ? { value: sum / weight - shift, weight, shift } : { value: vertex.at - shift, weight: 0.01, shift };
  });
  isotonic(wanted).forEach((value, at) => (row[at].at = value + wanted[at].shift));
}

const gap = (a, b) => (a.box && b.box ? (a.box.isPort || b.box.isPort ? GAP.port : GAP.box) : GAP.line);

/** Nearest non-decreasing numbers, by weighted least squares (pool adjacent violators). */
function isotonic(wanted) {
  const blocks = [];
  for (const { value, weight } of wanted) {
    blocks.push({ value, weight, count: 1 });
    while (blocks.length > 1 && blocks[blocks.length - 2].value > blocks[blocks.length - 1].value) {
      const b = blocks.pop(),
        a = blocks.pop(),
        weight2 = a.weight + b.weight;
      blocks.push({
        value: (a.value * a.weight + b.value * b.weight) / weight2,
        weight: weight2,
        count: a.count + b.count,
      });
    }
  }
  return blocks.flatMap(({ value, count }) => new Array(count).fill(value));
}

/** Start and end of every rank along the computation; more room where lines climb. */
function alongMain(ranks, start) {
  const bands = [];
  let at = start,
    before = 0;
  ranks.forEach((row, index) => {
    const width = row.reduce((most, vertex) => Math.max(most, vertex.main), 0);
    if (index) {
      let climb = 0;
      for (const vertex of row)
        for (const link of vertex.left)
          climb = Math.max(climb, Math.abs(link.to.at + link.other - vertex.at - link.own));
      at += (width || before ? GAP.rank : 8) + Math.min(climb / 12, 40);
    }
    bands.push([at, at + width]);
    at += width;
    before = width;
  });
  return bands;
}

/** A box in its rank: in the middle, but what comes from nowhere stands near its user, beside a wide neighbour. */
function settle(box, [start, end]) {
  const room = end - start - box.main;
  const share = room < 160 ? 0.5 : box.legsIn.length ? 0 : 1;
  box.m = start + room * share;
  box.c = box.vertex.at - box.cross / 2;
}

/** Lines that arrive at one box end apart from one another, in the order in which they come. */
function fanIn(group) {
  for (const box of group.children) {
    if (box.children) continue;
    for (const reversed of [false, true]) {
      const legs = (reversed ? box.legsOut : box.legsIn).filter((leg) => leg.reversed === reversed);
      const before = (leg) => leg.chain[reversed ? 1 : leg.chain.length - 2].at;
      legs.sort((a, b) => before(a) - before(b));
      const step = Math.min(12, (box.cross * 0.7) / Math.max(legs.length - 1, 1));
      legs.forEach((leg, at) => (leg.fan = (at - (legs.length - 1) / 2) * step));
    }
  }
}

/** The points of a leg, from left to right, in the group's own coordinates. */
function line(leg, bands, first, group) {
  const points = [];
  const { left, right, chain } = leg;
  const fan = leg.fan ?? 0;
  const from = chain[0].at + offset(left) + (leg.reversed ? fan : 0);
  const to = chain[chain.length - 1].at + offset(right) + (leg.reversed ? 0 : fan);
  points.push([left.box.isPort ? 0 : left.box.m + left.box.main, from]);
  points.push([bands[left.box.rank - first][1], from]);
  for (const vertex of chain.slice(1, -1)) {
    const [start, end] = bands[vertex.rank - first];
    if (end === start && vertex.rank % 2) continue; // nothing to go around in this rank
    points.push([start, vertex.at], [end, vertex.at]);
  }
  points.push([bands[right.box.rank - first][0], to]);
  points.push([right.box.isPort ? group.main : right.box.m, to]);
  return points;
}
