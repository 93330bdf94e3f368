// Elements of the page. Texts become text nodes: nothing of the page's program reads markup.

const byId = (id) => document.getElementById(id);

/** An HTML element with attributes and children. */
const html = (name, attributes, ...children) => filled(document.createElement(name), attributes, children);

/** An SVG element. */
const svg = (name, attributes, ...children) =>
  filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

function filled(element, attributes = {}, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}
