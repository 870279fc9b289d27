// The same network for everybody: places on a disc, links to near neighbors and some far ones, from one seed.

const colors = ["#8a94a6", "#e69f00", "#009e73"];
export const dotCount = 100;
const side = 1000;

function dice(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function network(nodeCount, linkCount) {
  const random = dice(1);
  const nodes = Array.from({ length: nodeCount }, (_, i) => {
    const distance = Math.sqrt(random()) * side;
    const angle = random() * 2 * Math.PI;
    return { i, x: distance * Math.cos(angle), y: distance * Math.sin(angle) };
  });
  const known = new Set();
  const links = [];
  while (links.length < linkCount) {
    const a = Math.floor(random() * nodeCount);
    // The nearest of ten others: half of a real overlay is drawn short.
    const others = Array.from({ length: links.length % 2 === 0 ? 10 : 1 }, () =>
      Math.floor(random() * nodeCount),
    );
    const far = (b) => Math.hypot(nodes[a].x - nodes[b].x, nodes[a].y - nodes[b].y);
    const b = others.sort((one, other) => far(one) - far(other))[0];
    const key = a < b ? `${a} ${b}` : `${b} ${a}`;
    if (a === b || known.has(key)) continue;
    known.add(key);
    links.push({ a, b });
  }
  return { nodes, links };
}

export const stateOf = (i, frame) => Math.floor((i * 7 + frame) / 40) % 3;
export const colorOf = (i, frame) => colors[stateOf(i, frame)];
/** Where a dot is: along its link, to its end once a second. */
export const shareOf = (dot, frame) => ((frame + dot * 7) % 60) / 60;
/** A slow zoom in and out. */
export const zoomOf = (frame) => 1 + 0.3 * Math.sin(frame / 30);
