// What one contestant draws in this browser: called by run.mjs as `measure(…)`.
import { contestants } from "./contestants.js";
import { network } from "./workload.js";

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

window.measure = async ({ name, nodeCount, linkCount, moves, forMs }) => {
  document.body.replaceChildren();
  const element = document.createElement("div");
  Object.assign(element.style, { position: "fixed", inset: "0", width: "1000px", height: "680px" });
  document.body.append(element);
  document.body.style.background = "#16181d";
  const violations = [];
  document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) =>
    violations.push(effectiveDirective),
  );
  const data = network(nodeCount, linkCount);

  const begun = performance.now();
  const goTo = contestants[name](element, data, moves);
  await nextFrame();
  await nextFrame();
  const firstMs = performance.now() - begun;

  // Whatever libraries do once (placing, compiling) is not counted.
  for (let frame = 0; frame < 10; frame++) {
    goTo(frame);
    await nextFrame();
  }
  let frames = 0;
  const from = performance.now();
  while (performance.now() - from < forMs) {
    goTo(frames);
    frames++;
    await nextFrame();
  }
  const tookMs = performance.now() - from;
  return { firstMs, framesPerSecond: (frames * 1000) / tookMs, frameMs: tookMs / frames, violations };
};
