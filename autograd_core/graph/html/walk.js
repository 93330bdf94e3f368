// The computation, step by step: forward, value by value, arguments first; then backward, edge by edge from the
// targets, each with the numbers it multiplies and adds. A step is one atom (a value, the start of the backward pass,
// or an edge), or all atoms that follow one another inside one closed group.

const carries = (edge) => edge.local !== null;

/** What an edge adds to the gradient of its source, given that of its target; null where it is not known. */
function sentBack(edge, gradient) {
  const local = typeof edge.local === "object" ? edge.local.matrix : numeric(edge.local),
    given = flat(gradient);
  if (given && local !== undefined) {
    const found = Array.isArray(local) ? timesMatrix(given, local) : [product(given[0], local)];
    return shaped(found, nodeShape(edge.source) ?? (found.length > 1 ? [found.length] : []));
  }
  if (edge.sent !== undefined) return edge.sent;
  return edge.source.outs.filter(carries).length === 1 ? (edge.source.gradient ?? null) : null;
}

/** Shape of a node's value as far as the page knows it: of its value, its gradient, or its Jacobians. */
function nodeShape(node) {
  if (node.value !== undefined) return shapeOf(node.value);
  if (node.gradient !== undefined) return shapeOf(node.gradient);
  return null;
}

const ones = (node) => {
  const shape = nodeShape(node) ?? [];
  const count = shape.reduce((total, length) => total * length, 1);
  return count <= 64
    ? shaped(new Array(count).fill(1), shape)
    : { shape, min: 1, max: 1, mean: 1, norm: Math.sqrt(count) };
};

/** Nodes that some target depends on through derivatives. */
function reached(model) {
  const found = new Set(model.targets);
  for (const node of [...model.nodes].reverse()) {
    if (found.has(node)) for (const edge of node.ins) if (carries(edge)) found.add(edge.source);
  }
  return found;
}

class Walk {
  constructor(model) {
    this.model = model;
    const on = (this.on = reached(model));
    const operations = model.order;
    const edges = [...operations].reverse().flatMap((node) => (on.has(node) ? node.ins.filter(carries) : []));
    this.atoms = [...operations.map((node) => ({ node })), { seed: true }, ...edges.map((edge) => ({ edge }))];
    this.turn = operations.length;
    this.leave();
  }

  /** Shows everything: no walk. */
  leave() {
    this.position = null;
    this.trail = [];
    this.log = [];
    this.gradients = new Map();
    this.current = [];
  }

  restart() {
    this.leave();
    this.position = 0;
  }

  get walking() {
    return this.position !== null;
  }
  isComputed(node) {
    return !this.walking || !node.op || this.position > this.rankOf(node);
  }
  gradientOf(node) {
    return this.walking ? this.gradients.get(node) : node.gradient;
  }

  rankOf(node) {
    this.ranks ??= new Map(this.atoms.slice(0, this.turn).map((atom, at) => [atom.node, at]));
    return this.ranks.get(node);
  }

  /** The next value; after the last one there is nothing more to compute, and from the backward pass it begins anew. */
  forward() {
    if (!this.walking || this.position > this.turn) this.restart();
    if (this.position === this.turn) return null;
    return this.step(this.turn);
  }

  /** The next gradient; first all values are computed that are still missing. */
  backward() {
    if (!this.walking) this.restart();
    if (this.position < this.turn) {
      this.trail.push({ position: this.position, logged: this.log.length });
      this.position = this.turn;
    }
    if (this.position === this.atoms.length) return null;
    return this.step(this.atoms.length);
  }

  step(end) {
    const start = this.position,
      box = this.boxOf(this.atoms[start]);
    let stop = start + 1;
    while (stop < end && box && box.isGroup && this.boxOf(this.atoms[stop]) === box) stop++;
    this.trail.push({ position: start, logged: this.log.length });
    return this.advance(stop, box);
  }

  advance(stop, box) {
    const told = [],
      start = this.position;
    this.current = this.atoms.slice(start, stop);
    while (this.position < stop) {
      const atom = this.atoms[this.position++];
      told.push(atom.node ? this.tellValue(atom.node) : atom.seed ? this.tellSeed() : this.tellEdge(atom.edge));
    }
    const entry = stop - start === 1 ? told[0] : this.together(told, box, start < this.turn);
    this.log.push(entry);
    return entry;
  }

  /** Where an atom happens on the page. */
  boxOf(atom) {
    return atom.seed ? null : shownFor(atom.node ?? atom.edge.target);
  }

  undo() {
    const last = this.trail.pop();
    if (!last) {
      this.leave();
      return;
    }
    const { log, trail } = this;
    this.gradients = new Map();
    this.position = 0;
    while (this.position < last.position) {
      const atom = this.atoms[this.position++];
      if (atom.seed) this.tellSeed();
      else if (atom.edge) this.tellEdge(atom.edge);
    }
    this.trail = trail;
    this.log = log.slice(0, last.logged);
    this.current = [];
  }

  // -- what a step says ----------------------------------------------------------------------------------------------

  tellValue(node) {
    return {
      kind: "forward",
      head: `${node.called === node.op ? "" : node.called}${describe(node)}`.replace(/^ = /, ""),
      text: (node.called === node.op ? "" : `${node.called} = `) + formula(node),
      index: node.index,
      value: node.value,
    };
  }

  tellSeed() {
    const { targets } = this.model;
    for (const target of targets) this.gradients.set(target, ones(target));
    const text = targets.map((target) => `gradient of ${target.called} = ${brief(ones(target))}`).join("; ");
    return { kind: "seed", head: "The gradient starts at the target", text, index: targets[0]?.index };
  }

  tellEdge(edge) {
    const { source, target } = edge,
      name = `gradient of ${source.called}`;
    const gradient = this.gradients.get(target),
      own = sentBack(edge, gradient),
      before = this.gradients.get(source);
    const entry = {
      kind: "backward",
      head: `${target.called} \u2192 ${source.called}: ${localWords(edge)}`,
      index: source.index,
      edge,
      local: edge.local,
    };
    const times = typeof edge.local === "object" ? "@" : TIMES;
    const factors = `${factor(gradient)} ${times} ${localFactor(edge)} = ${brief(own)}`;
    entry.text = before === undefined ? `${name} = ${factors}` : factors;
    const sum = before === undefined ? own : (addValues(before, own) ?? this.wholeOf(source));
    this.gradients.set(source, sum);
    if (before !== undefined) entry.sum = `${name} = ${addition(before, own, sum)}`;
    return entry;
  }

  /** A sum of arrays whose entries the page does not hold: known again once all have arrived. */
  wholeOf(source) {
    const arrived = this.atoms.slice(this.turn + 1, this.position).filter((atom) => atom.edge.source === source).length;
    return arrived === source.outs.filter((edge) => carries(edge) && this.on.has(edge.target)).length
      ? (source.gradient ?? null)
      : null;
  }

  together(told, box, forward) {
    const name = box?.name ?? "group";
    const last = told[told.length - 1];
    const many = `${told.length} ${forward ? "values" : "edges"} in this closed group.`;
    const text = `${many} The last one: ${[last.text, last.sum].filter(Boolean).join("; ")}`;
    return { ...last, head: name, text, sum: undefined, count: told.length };
  }

  get progress() {
    const values = count(this.turn, "value"),
      edges = count(this.atoms.length - this.turn - 1, "edge");
    if (!this.walking) return `${values} forward, then ${edges} backward. All are shown.`;
    if (this.position <= this.turn) return `Forward: ${this.position} of ${values} computed.`;
    return `Backward: ${this.position - this.turn - 1} of ${edges} done.`;
  }
}

const factor = (value) => (typeof value === "number" || typeof value === "string" ? term(value) : brief(value));

function localFactor({ local }) {
  if (typeof local !== "object") return term(local);
  return local.matrix ? matrixText(local.matrix) : "Jacobian";
}

function localWords({ local }) {
  if (typeof local !== "object") return `local derivative ${number(local)}`;
  if (local.matrix) return `local Jacobian ${matrixText(local.matrix)}`;
  const shape = local.shape ? ` of shape ${shapeText(local.shape)}` : "";
  const norm = local.norm === undefined ? "" : `, norm ${local.estimate ? "about " : ""}${number(local.norm)}`;
  return `local Jacobian${shape}${norm}`;
}

function addValues(a, b) {
  const [left, right] = [flat(a), flat(b)];
  return left && right && left.length === right.length ? shaped(plus(left, right), shapeOf(b)) : null;
}

function addition(a, b, sum) {
  const second = typeof b === "object" ? brief(b) : term(b);
  const first = a === null ? "the sum so far" : brief(a);
  return `${first} + ${second} = ${sum === null ? "a sum to be completed" : brief(sum)}`;
}

// -- values as formulas ----------------------------------------------------------------------------------------------

const INFIX = { add: "+", subtract: MINUS, multiply: TIMES, divide: "/", true_divide: "/", power: "^", matmul: "@" };
const AROUND = {
  absolute: ["|", "|"],
  abs: ["|", "|"],
  negative: [MINUS + "(", ")"],
  square: ["(", ")\u00b2"],
  sqrt: ["\u221a(", ")"],
};

/** ` = sum(x, axis=(0,))`: how it was computed, in names. */
function describe(node) {
  const names = node.ins.map((edge) => edge.source.called).join(", ");
  if (node.op.includes(", ")) return ` from ${names}`;
  const params = node.call?.startsWith(`${node.op}(`) ? node.call.slice(node.op.length + 1).replace(/\)$/, "") : "";
  return ` = ${node.op}(${[names, params].filter(Boolean).join(", ")})`;
}

/** `2 × 3 = 6`: the operation on the numbers themselves, as far as there is a short way to write it. */
function formula(node) {
  const args = node.ins.map((edge) => edge.source);
  const small = args.map((arg) =>
    arg.value !== undefined && rowsOf(arg.value, 4).length ? brief(arg.value, 4) : `${arg.called} ${arg.type}`,
  );
  const result = node.value === undefined ? node.type : brief(node.value);
  if (node.op.includes(", ")) return `${small.join(", ")} \u2192 ${node.op} \u2192 ${result}`; // several in one
  return `${written(node.op, args, small)} = ${result}`;
}

function written(op, args, small) {
  const bracketed = (at) => (typeof args[at].value === "number" && args[at].value < 0 ? `(${small[at]})` : small[at]);
  if (Object.hasOwn(INFIX, op) && args.length === 2)
    return `${at0(small, op) ?? bracketed(0)} ${INFIX[op]} ${bracketed(1)}`;
  if (Object.hasOwn(AROUND, op) && args.length === 1) return AROUND[op].join(small[0]);
  return `${op}(${small.join(", ")})`;
}

/** A negative first term needs no brackets in a sum. */
const at0 = (small, op) => (op === "add" || op === "subtract" ? small[0] : null);
