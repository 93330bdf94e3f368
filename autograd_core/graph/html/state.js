// What is shown, chosen and focused.

const model = modelOf(JSON.parse(byId("data").textContent));
openUpTo(model, FIRST_BOXES, isScope); // first what users named, then the rest
openUpTo(model, FIRST_BOXES, (group) => group.kind === "stretch");

const stage = byId("graph");
const layer = byId("scene");
const walk = new Walk(model);
const state = {
  vertical: false,
  scene: null, // boxes, lines and frames as they are laid out
  focused: null,
  chosen: [], // up to two nodes, for their paths
  paths: null,
  one: null, // the path pointed at
  found: new Set(), // boxes that search marks
  theme: null, // "light" or "dark" once chosen
};
const darkSystem = matchMedia("(prefers-color-scheme: dark)");

/** `moved`: by the user, so that a new size of the window leaves it alone. */
const view = { x: 0, y: 0, scale: 1, moved: false };
