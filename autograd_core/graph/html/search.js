// Search by name, operation or scope: a list to choose from with arrow keys or the mouse.

const search = byId("search"),
  foundList = byId("found");
let active = -1;

function lookFor() {
  const wanted = search.value.trim().toLowerCase();
  const matches = wanted ? model.nodes.filter((node) => textOf(node).includes(wanted)) : [];
  state.found = new Set(matches.map(shownFor));
  const options = matches.slice(0, 30).map((node, at) => {
    const option = html(
      "li",
      { role: "option", id: `option-${at}`, "aria-selected": "false", dir: "auto" },
      node.called,
      html("small", {}, `${node.op ?? KINDS[node.kind]}, ${node.type}`),
    );
    option.node = node;
    return option;
  });
  const note =
    matches.length > 30 ? `${matches.length - 30} more` : wanted && !matches.length ? "No node is called so" : null;
  foundList.replaceChildren(...options, ...(note ? [html("li", { class: "note", role: "presentation" }, note)] : []));
  foundList.hidden = !wanted;
  search.setAttribute("aria-expanded", String(Boolean(wanted)));
  mark(options.length ? 0 : -1);
  refresh();
}

/** What search looks at: name, operation and scope, in small letters. */
function textOf(node) {
  node.text ??= [node.name ?? node.called, node.call ?? node.op ?? "", ...(node.scope ?? [])].join("\n").toLowerCase();
  return node.text;
}

function mark(at) {
  active = at;
  [...foundList.querySelectorAll("[role=option]")].forEach((option, place) =>
    option.setAttribute("aria-selected", String(place === at)),
  );
  search.setAttribute("aria-activedescendant", at >= 0 ? `option-${at}` : "");
  byId(`option-${at}`)?.scrollIntoView({ block: "nearest" });
}

function closeSearch(clear) {
  foundList.hidden = true;
  search.setAttribute("aria-expanded", "false");
  search.setAttribute("aria-activedescendant", "");
  if (clear) search.value = "";
  state.found = new Set();
  refresh();
}

function goTo(option) {
  if (!option?.node) return;
  closeSearch(false);
  reveal(option.node);
  showDetails(option.node);
}

function listenToSearch() {
  search.addEventListener("input", lookFor);
  search.addEventListener("keydown", (event) => {
    const last = foundList.querySelectorAll("[role=option]").length - 1;
    if (event.key === "ArrowDown") mark(Math.min(active + 1, last));
    else if (event.key === "ArrowUp") mark(Math.max(active - 1, 0));
    else if (event.key === "Enter") goTo(byId(`option-${active}`));
    else if (event.key === "Escape") closeSearch(true);
    else return;
    event.preventDefault();
  });
  search.addEventListener("blur", () => setTimeout(() => closeSearch(false), 150));
  foundList.addEventListener("mousedown", (event) => {
    event.preventDefault();
    goTo(event.target.closest("li"));
  });
}
