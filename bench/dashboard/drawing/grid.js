// The grid of the dashboard with every state another one in every frame: called by frames.mjs as `measureGrid(…)`.
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { NodeGrid } from "../../../dashboard/src/drawing/node-grid.tsx";

const colors = ["#8a94a6", "#e69f00", "#009e73"];
const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

window.measureGrid = async ({ count, isOrdered, forMs }) => {
  const element = document.body.appendChild(document.createElement("div"));
  Object.assign(element.style, { position: "fixed", inset: "0", width: "1170px", height: "500px" });
  const root = createRoot(element);
  const states = new Uint8Array(count);
  const order = isOrdered ? Uint32Array.from({ length: count }, (_, i) => (i * 7919) % count) : undefined;
  const show = (version) => {
    for (let i = 0; i < count; i++) states[i] = ((i >> 9) + version) % 3;
    root.render(createElement(NodeGrid, { states, order, version, colors, label: "nodes" }));
  };
  for (let version = 0; version < 10; version++) {
    show(version);
    await nextFrame();
  }
  const from = performance.now();
  let frames = 0;
  while (performance.now() - from < forMs) {
    show(10 + frames++);
    await nextFrame();
  }
  return (frames * 1000) / (performance.now() - from);
};
