// Each draws the network into the element, and says how to go to the frame of a number: every node in its color of
// that frame, 100 dots on their way, and, where `moves` is set, looked at from nearer or farther.
import cytoscape from "cytoscape";
import ForceGraph from "force-graph";
import Graph from "graphology";
import Sigma from "sigma";
import { fitTo } from "../../../dashboard/src/drawing/graph-camera.ts";
import { formOf } from "../../../dashboard/src/drawing/graph-forms.ts";
import { GraphPainter } from "../../../dashboard/src/drawing/graph-painter.ts";
import { darkTheme } from "../../../dashboard/src/drawing/graph-theme.ts";
import { colorOf, dotCount, shareOf, stateOf, zoomOf } from "./workload.js";

const dots = Array.from({ length: dotCount }, (_, i) => i);
const linkColor = "rgba(150, 165, 190, 0.3)";
const between = (from, to, share) => ({
  x: from.x + (to.x - from.x) * share,
  y: from.y + (to.y - from.y) * share,
});

export const contestants = {
  own(element, { nodes, links }, moves) {
    const size = { width: element.clientWidth, height: element.clientHeight };
    const [below, above] = [0, 1].map(() => element.appendChild(document.createElement("canvas")));
    for (const canvas of [below, above]) canvas.style.position = "absolute";
    const painter = new GraphPainter(below, above, darkTheme);
    painter.setup(size, 1, darkTheme);
    const drawn = {
      count: nodes.length,
      xs: Float32Array.from(nodes, ({ x }) => x),
      ys: Float32Array.from(nodes, ({ y }) => y),
      forms: new Uint8Array(nodes.length),
      radii: new Uint8Array(nodes.length).fill(6),
      names: nodes.map(({ i }) => `peer-${i}`),
      spacing: 60,
    };
    const ends = Uint32Array.from(links.flatMap(({ a, b }) => [a, b]));
    const lines = { count: links.length, ends, styles: new Uint8Array(links.length) };
    const onTheirWay = { count: dotCount, ends, shares: new Float32Array(dotCount) };
    const none = { count: 0, ends, shares: new Float32Array(0) };
    const camera = fitTo(drawn.xs, drawn.ys, drawn.count, size);
    painter.drawLinks(camera, drawn, lines);
    const frame = (number) => {
      for (let i = 0; i < drawn.count; i++)
        drawn.forms[i] = formOf({ shape: 0, spread: 1 + stateOf(i, number), life: 0, isSuspected: false });
      for (const dot of dots) onTheirWay.shares[dot] = shareOf(dot, number);
      const from = moves ? { ...camera, scale: camera.scale * zoomOf(number) } : camera;
      if (moves) painter.drawLinks(from, drawn, lines);
      painter.drawNodes(from, {
        nodes: drawn,
        dots: onTheirWay,
        glows: none,
        selected: -1,
        hovered: -1,
        dotColor: "#fff",
      });
    };
    frame(0);
    return frame;
  },

  "force-graph"(element, { nodes, links }, moves) {
    let number = 0;
    const data = {
      nodes: nodes.map(({ i, x, y }) => ({ id: i, x, y, fx: x, fy: y })),
      links: links.map(({ a, b }) => ({ source: a, target: b })),
    };
    const dotted = new Set(data.links.slice(0, dotCount));
    const graph = ForceGraph()(element)
      .width(element.clientWidth)
      .height(element.clientHeight)
      .cooldownTicks(0)
      .nodeColor(({ id }) => colorOf(id, number))
      .linkColor(() => linkColor)
      .nodeRelSize(6)
      .linkDirectionalParticles((link) => (dotted.has(link) ? 1 : 0))
      .autoPauseRedraw(false)
      .graphData(data);
    const scale = (0.9 * element.clientHeight) / 2000;
    graph.zoom(scale).centerAt(0, 0);
    return (frame) => {
      number = frame;
      if (moves) graph.zoom(scale * zoomOf(frame));
    };
  },

  sigma(element, { nodes, links }, moves) {
    const graph = new Graph();
    for (const { i, x, y } of nodes) graph.addNode(i, { x, y, size: 4, color: colorOf(i, 0) });
    for (const { a, b } of links) graph.addEdge(a, b, { color: "#333b48", size: 1 });
    for (const dot of dots) graph.addNode(`dot ${dot}`, { x: 0, y: 0, size: 2, color: "#fff" });
    const sigma = new Sigma(graph, element, { renderLabels: false });
    return (frame) => {
      for (const { i } of nodes) graph.setNodeAttribute(i, "color", colorOf(i, frame));
      for (const dot of dots) {
        const { a, b } = links[dot];
        graph.mergeNodeAttributes(`dot ${dot}`, between(nodes[a], nodes[b], shareOf(dot, frame)));
      }
      if (moves) sigma.getCamera().setState({ ratio: 1 / zoomOf(frame) });
    };
  },

  cytoscape(element, { nodes, links }, moves) {
    const view = cytoscape({
      container: element,
      elements: [
        ...nodes.map(({ i, x, y }) => ({ data: { id: `${i}` }, position: { x, y } })),
        ...links.map(({ a, b }, i) => ({ data: { id: `link ${i}`, source: `${a}`, target: `${b}` } })),
        ...dots.map((dot) => ({ data: { id: `dot ${dot}` }, position: { x: 0, y: 0 } })),
      ],
      layout: { name: "preset" },
      style: [
        { selector: "node", style: { width: 12, height: 12, "background-color": "#8a94a6" } },
        { selector: "edge", style: { width: 1, "line-color": "#333b48", "curve-style": "haystack" } },
      ],
      textureOnViewport: false,
      pixelRatio: 1,
    });
    view.fit();
    const scale = view.zoom();
    return (frame) =>
      view.batch(() => {
        for (const { i } of nodes) view.$id(`${i}`).style("background-color", colorOf(i, frame));
        for (const dot of dots) {
          const { a, b } = links[dot];
          view.$id(`dot ${dot}`).position(between(nodes[a], nodes[b], shareOf(dot, frame)));
        }
        if (moves) view.zoom(scale * zoomOf(frame));
      });
  },
};
