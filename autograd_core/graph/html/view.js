// Moving and enlarging the diagram.

const READABLE = 0.72; // scale

function applyView() {
  layer.setAttribute(
    "transform",
    `translate(${view.x.toFixed(2)} ${view.y.toFixed(2)}) scale(${view.scale.toFixed(4)})`,
  );
}

const stageSize = () => ({ width: stage.clientWidth || 800, height: stage.clientHeight || 500 });

function fitView() {
  view.moved = false;
  const { width, height } = stageSize(),
    { w, h } = model.root;
  view.scale = Math.min(1.6, (width - 20) / w, (height - 20) / h);
  view.x = (width - w * view.scale) / 2;
  view.y = (height - h * view.scale) / 2;
  applyView();
}

/** At first no smaller than can be read: then the start of the computation is shown, not all of it. */
function firstView() {
  fitView();
  if (view.scale >= READABLE) return;
  const { width, height } = stageSize(),
    { w, h } = model.root;
  view.scale = READABLE;
  view.x = w * view.scale < width ? (width - w * view.scale) / 2 : 10;
  view.y = h * view.scale < height ? (height - h * view.scale) / 2 : 10;
  applyView();
}

function zoom(factor, x = stageSize().width / 2, y = stageSize().height / 2) {
  view.moved = true;
  const scale = Math.min(6, Math.max(0.02, view.scale * factor));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  applyView();
}

/** Moves the view just so far that the box is on it. */
function bringIntoView(box) {
  const { width, height } = stageSize(),
    margin = 30;
  view.moved = true;
  const move = (start, length, room) => {
    if (length > room - 2 * margin) return room / 2 - (start + length / 2);
    return Math.max(margin - start, 0) || Math.min(room - margin - start - length, 0);
  };
  view.x += move(view.x + box.x * view.scale, box.w * view.scale, width);
  view.y += move(view.y + box.y * view.scale, box.h * view.scale, height);
  applyView();
}

function followPointers() {
  const pointers = new Map();
  let moved = 0;
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const box = stage.getBoundingClientRect();
      const step = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
      zoom(Math.exp(-Math.max(-120, Math.min(120, step)) * 0.0022), event.clientX - box.left, event.clientY - box.top);
    },
    { passive: false },
  );
  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    pointers.set(event.pointerId, event);
    moved = 0;
  });
  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    moved += Math.abs(dx) + Math.abs(dy);
    if (moved > 4 && !stage.hasPointerCapture(event.pointerId)) {
      stage.setPointerCapture(event.pointerId);
      stage.classList.add("dragged");
    }
    const other = [...pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    if (other) pinch(before, event, other);
    else if (moved > 4) {
      view.moved = true;
      view.x += dx;
      view.y += dy;
      applyView();
    }
    pointers.set(event.pointerId, event);
  });
  const end = (event) => {
    pointers.delete(event.pointerId);
    stage.classList.remove("dragged");
  };
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);
  stage.addEventListener("click", (event) => {
    if (moved > 4) return;
    const element = event.target.closest(".box, .frame");
    if (element) activate(element.closest("[id]").box);
  });
}

function pinch(before, now, other) {
  const rect = stage.getBoundingClientRect();
  const apart = (event) => Math.hypot(event.clientX - other.clientX, event.clientY - other.clientY);
  zoom(
    apart(now) / Math.max(apart(before), 1),
    (now.clientX + other.clientX) / 2 - rect.left,
    (now.clientY + other.clientY) / 2 - rect.top,
  );
}
