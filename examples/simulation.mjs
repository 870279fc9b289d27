// A rumor among 100,000 nodes over links that lose every twentieth message, in virtual time; then the same once more.
//
//   node examples/simulation.mjs
import { Rumor } from "grapevine/dissemination";
import { Simulation } from "grapevine/simulator";

const nodes = 100_000;

function spread(seed, say = () => {}) {
  const simulation = new Simulation({ seed, rows: nodes, links: { loss: 0.05 } });
  const rumor = new Rumor({ rows: nodes, options: { mode: "push-pull" } });
  simulation.hostAll(rumor);
  simulation.command(0, { type: "infect" });
  for (let second = 1; rumor.informed < nodes; second++) {
    simulation.run(second * 1000);
    if (second % 4 === 0) say(`after ${second} s ${rumor.informed} of ${nodes} know it`);
  }
  return { seconds: simulation.time / 1000, hash: simulation.hash };
}

const first = spread(1, console.log);
console.log(`everybody knows it after ${first.seconds} s`);
console.log(`the same seed gives the same run: ${spread(1).hash === first.hash}`);
console.log(`another seed another: ${spread(2).hash !== first.hash}`);
