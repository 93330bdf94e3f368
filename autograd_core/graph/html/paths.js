// Paths from one node to another: the local derivatives multiplied along each, and their sum, which is the gradient.

const MOST_PATHS = 100; // listed; the sum is taken over all

/** Everything about the paths from `source` to `target`; null if the second does not depend on the first. */
function pathsBetween(model, source, target) {
  const counts = countPaths(model, source, target);
  const total = counts.get(target) ?? 0;
  if (!total) return null;
  const found = listPaths(counts, source, target);
  const on = nodesBetween(counts, target);
  return {
    source,
    target,
    total,
    paths: found.map((edges) => ({ edges, ...productAlong(edges) })),
    on,
    ...sumOver(on, source, target),
  };
}

/** For each node up to the target, how many paths of derivatives lead to it; a double counts far enough. */
function countPaths(model, source, target) {
  const counts = new Map([[source, 1]]);
  for (let index = source.index + 1; index <= target.index; index++) {
    const node = model.nodes[index];
    let count = 0;
    for (const edge of node.ins) if (carries(edge)) count += counts.get(edge.source) ?? 0;
    if (count) counts.set(node, count);
  }
  return counts;
}

/** Nodes on some path. */
function nodesBetween(counts, target) {
  const on = new Set([target]),
    pending = [target];
  while (pending.length) {
    for (const edge of pending.pop().ins) {
      if (!carries(edge) || !counts.has(edge.source) || on.has(edge.source)) continue;
      on.add(edge.source);
      pending.push(edge.source);
    }
  }
  return on;
}

/** The first paths, arguments in order, as edges from the source on; on a stack of its own. */
function listPaths(counts, source, target) {
  const found = [],
    trail = [],
    open = [0],
    nodes = [target];
  if (source === target) return [[]];
  while (open.length && found.length < MOST_PATHS) {
    const node = nodes[nodes.length - 1],
      edge = node.ins[open[open.length - 1]++];
    if (!edge || node === source) {
      open.pop();
      nodes.pop();
      trail.pop();
    } else if (carries(edge) && counts.has(edge.source)) {
      trail.push(edge);
      if (edge.source === source) {
        found.push([...trail].reverse());
        trail.pop();
      } else {
        nodes.push(edge.source);
        open.push(0);
      }
    }
  }
  return found;
}

/** Product from the target's end, and how it is written. */
function productAlong(edges) {
  const locals = [...edges].reverse().map((edge) => edge.local);
  if (locals.every((local) => numeric(local) !== undefined)) {
    const result = locals.map(numeric).reduce(product, 1);
    return { result, text: `${locals.map(term).join(` ${TIMES} `) || "1"} = ${number(result)}` };
  }
  const matrices = locals.map(asMatrix);
  if (matrices.includes(null))
    return { result: null, text: "not known: an array on the way is too large for its Jacobian to be here" };
  const result = matrices.reduce(matmul);
  return { result, text: `${matrices.map((matrix) => short(matrix)).join(" @ ")} = ${short(result)}` };
}

const asMatrix = (local) =>
  typeof local === "object" ? (local.matrix ?? null) : numeric(local) === undefined ? null : [[numeric(local)]];
const short = (result) => (Array.isArray(result) ? matrixText(result) : number(result));

/** Sum over all paths, by going backward once over the nodes between. */
function sumOver(on, source, target) {
  const sums = new Map();
  for (const node of [...on].sort((a, b) => b.index - a.index)) {
    if (node === target) continue;
    let sum;
    for (const edge of node.outs) {
      if (!carries(edge) || !on.has(edge.target)) continue;
      const local = asMatrix(edge.local),
        below = edge.target === target ? undefined : sums.get(edge.target);
      const own = local === null || below === null ? null : below === undefined ? local : matmul(below, local);
      sum = sum === undefined ? own : sum && own && sum.map((row, at) => plus(row, own[at]));
    }
    sums.set(node, sum ?? null);
  }
  const sum = source === target ? [[1]] : (sums.get(source) ?? null);
  return { sum: sum && sum.length === 1 && sum[0].length === 1 ? sum[0][0] : sum };
}
