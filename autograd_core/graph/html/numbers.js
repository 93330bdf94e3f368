// Numbers, arrays and their products as text. A value is a number, a text ("nan", "1+2j"), or an object with `shape`
// and either `entries` or a summary (`min`, `max`, `mean`, `norm`).

const TIMES = "\u00d7",
  MINUS = "\u2212";
const SPECIAL = new Map([
  ["nan", NaN],
  ["inf", Infinity],
  ["-inf", -Infinity],
]); // which JSON cannot say

/** Four significant digits; integers in full as long as they are short; a true minus sign. */
function number(value) {
  if (typeof value === "string") {
    return SPECIAL.has(value) ? number(SPECIAL.get(value)) : value.replace(/^-/, MINUS);
  }
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return (value < 0 ? MINUS : "") + "\u221e";
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value).replace("-", MINUS);
  const size = Math.abs(value);
  let text = size >= 1e-4 && size < 9999.5 ? String(Number(value.toPrecision(4))) : value.toExponential(3);
  text = text.replace(/\.?0+e/, "e").replace("e+", "e");
  return text.replace(/-/g, MINUS);
}

/** A number as a factor or a term: in brackets if it is negative or complex. */
const term = (value) =>
  number(value).startsWith(MINUS) || number(value).endsWith("j") ? `(${number(value)})` : number(value);

/** The value as a JavaScript number; undefined where it is none. */
const numeric = (value) => (typeof value === "number" ? value : SPECIAL.get(value));

/** Entries laid flat, as numbers; null where they are not all known. */
function flat(value) {
  if (value === undefined || value === null) return null;
  if (typeof value !== "object") return numeric(value) === undefined ? null : [numeric(value)];
  if (!value.entries) return null;
  const found = value.entries.map(numeric);
  return found.includes(undefined) ? null : found;
}

/** The opposite of `flat`: a value of this shape. */
const shaped = (entries, shape) => (shape.length ? { shape, entries } : entries[0]);

const shapeOf = (value) => (value !== null && typeof value === "object" ? value.shape : []);
const shapeText = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

/** Rows of a small array, one text each: a matrix has a line for each row. */
function rowsOf(value, most = 8) {
  if (value === undefined) return [];
  if (typeof value !== "object") return [number(value)];
  if (!value.entries || value.entries.length > most) return [];
  const { shape, entries } = value,
    width = shape[shape.length - 1];
  if (!entries.length) return ["[]"];
  if (shape.length === 1) return [`[${entries.map(number).join(", ")}]`];
  const rows = [];
  for (let at = 0; at < entries.length; at += width) {
    const row = `[${entries
      .slice(at, at + width)
      .map(number)
      .join(", ")}]`;
    let open = 0,
      close = 0,
      step = width;
    for (let axis = shape.length - 2; axis >= 0; axis--) {
      step *= shape[axis];
      if (at % step === 0) open++;
      if ((at + width) % step === 0) close++;
    }
    const before = shape.length - 1 - open;
    rows.push(
      " ".repeat(before) + "[".repeat(open) + row + "]".repeat(close) + (at + width < entries.length ? "," : ""),
    );
  }
  return rows;
}

/** One line for any value: a number, entries, or what is known of a large array. */
function brief(value, most = 8) {
  if (value === undefined || value === null) return "unknown";
  const rows = rowsOf(value, most);
  if (rows.length) return rows.map((row) => row.trim()).join(" ");
  const kind = `array ${shapeText(value.shape)}`,
    told = summary(value);
  return told ? `${kind}, ${told}` : kind;
}

/** Lowest, highest, mean and norm of a large array. */
function summary(value) {
  const parts = [];
  const given = value.entries ? computed(flat(value)) : value;
  for (const key of ["min", "max", "mean", "norm"])
    if (given?.[key] !== undefined) parts.push(`${key} ${number(given[key])}`);
  if (value.broken) parts.push(`${value.broken} not finite`);
  return parts.join(", ");
}

function computed(entries) {
  if (!entries || !entries.length) return null;
  const sum = entries.reduce((total, entry) => total + entry, 0);
  return {
    min: Math.min(...entries),
    max: Math.max(...entries),
    mean: sum / entries.length,
    norm: Math.hypot(...entries),
  };
}

/** Product of two derivatives; zero wins against infinity, as in the engine's own walk. */
const product = (a, b) => (a === 0 || b === 0 ? 0 : a * b);

/** Row vector times matrix: what an edge with this Jacobian sends back of a gradient. */
function timesMatrix(row, matrix) {
  const width = matrix.length ? matrix[0].length : 0;
  const found = new Array(width).fill(0);
  row.forEach((entry, i) => {
    for (let j = 0; j < width; j++) found[j] += product(entry, matrix[i][j]);
  });
  return found;
}

/** Matrix times matrix. */
const matmul = (a, b) => a.map((row) => timesMatrix(row, b));

const plus = (a, b) => a.map((entry, at) => entry + b[at]);

/** A matrix on one line: a single row as such, a diagonal one by its diagonal. */
function matrixText(matrix) {
  const list = (entries) => entries.map(number).join(", ");
  if (matrix.length === 1) return `[${list(matrix[0])}]`;
  const entries = diagonal(matrix);
  return entries ? `diag(${list(entries)})` : `[${matrix.map((row) => `[${list(row)}]`).join(", ")}]`;
}

/** A line for each row of a matrix. */
const matrixRows = (matrix) => matrix.map((row) => `[${row.map(number).join(", ")}]`);

/** The diagonal of a square matrix that has nothing beside it; null of another. */
function diagonal(matrix) {
  if (
    matrix.length < 2 ||
    matrix.some((row, i) => row.length !== matrix.length || row.some((entry, j) => i !== j && entry !== 0))
  )
    return null;
  return matrix.map((row, at) => row[at]);
}

function bytesText(count) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (count >= 1000 && unit < 4) [count, unit] = [count / 1000, unit + 1];
  return `${Number(count.toPrecision(3))} ${units[unit]}`;
}

function secondsText(seconds) {
  if (seconds < 1e-3) return `${Number((seconds * 1e6).toPrecision(3))} \u00b5s`;
  return seconds < 1 ? `${Number((seconds * 1e3).toPrecision(3))} ms` : `${Number(seconds.toPrecision(3))} s`;
}

const count = (amount, one, many = `${one}s`) => `${amount.toLocaleString("en")} ${amount === 1 ? one : many}`;
