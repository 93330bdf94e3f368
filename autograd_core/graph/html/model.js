// The graph as the page has it: nodes with the edges that come and go, groups in groups, and which of them are open.

const KINDS = {
  input: "input",
  variable: "Variable",
  constant: "constant",
  operation: "operation",
  target: "target",
};
const FIRST_BOXES = 30; // as many groups are open at first as this many boxes allow
const MOST_BOXES = 400; // and at most, all at once

/** The snapshot with its tree: parents, users and arguments of nodes, groups by number. */
function modelOf(data) {
  const nodes = data.nodes.map((node, index) => ({ ...node, index, ins: [], outs: [] }));
  const edges = data.edges.map(([source, target, argument, local, sent], index) => {
    const edge = { index, source: nodes[source], target: nodes[target], argument, local, sent };
    edge.source.outs.push(edge);
    edge.target.ins.push(edge);
    return edge;
  });
  nameApart(nodes);
  const groups = [];
  const pending = [[data.tree, null]];
  while (pending.length) {
    const [group, parent] = pending.pop();
    const found = {
      ...group,
      id: `g${groups.length}`,
      parent,
      isGroup: true,
      open: parent === null,
      depth: parent ? parent.depth + 1 : 0,
    };
    found.groups = [];
    found.nodes = group.nodes.map((index) => nodes[index]);
    groups.push(found);
    if (parent) parent.groups.push(found);
    for (const node of found.nodes)
      Object.assign(node, {
        id: `n${node.index}`,
        parent: found,
        depth: found.depth + 1,
        first: node.index,
        children: null,
      });
    for (const inner of [...group.groups].reverse()) pending.push([inner, found]);
  }
  for (const group of [...groups].reverse()) {
    group.first = Math.min(...group.nodes.map((node) => node.index), ...group.groups.map((inner) => inner.first));
  }
  const targets = data.targets.map((index) => nodes[index]);
  return { nodes, edges, groups, root: groups[0], targets, order: data.order.map((index) => nodes[index]) };
}

/** Sets `called`: the title, with the number of the node where others have the same one. */
function nameApart(nodes) {
  const times = new Map();
  for (const { title } of nodes) times.set(title, (times.get(title) ?? 0) + 1);
  for (const node of nodes) {
    const isAlone = times.get(node.title) === 1 || node.kind === "constant";
    node.called = isAlone ? node.title : `${node.title} #${node.index}`;
  }
}

/** Opens groups from the outside in, small ones first, while there is room. */
function openUpTo(model, most, wanted = () => true) {
  let count = model.root.nodes.length + model.root.groups.length;
  const inOrder = (groups) => groups.sort((a, b) => b.depth - a.depth || b.size - a.size); // the next one last
  const waiting = inOrder([...model.root.groups]);
  while (waiting.length && count < most) {
    const group = waiting.pop(),
      more = group.nodes.length + group.groups.length - 1;
    if (!group.open && (count + more > most || !wanted(group))) continue;
    group.open = true;
    count += more;
    waiting.push(...group.groups);
    if (group.groups.length) inOrder(waiting);
  }
}

const isScope = (group) => group.kind === "scope";

/** The closed group or the node that stands for a node on the page. */
function shownFor(node) {
  let shown = node;
  for (let group = node.parent; group; group = group.parent) if (!group.open) shown = group;
  return shown;
}
