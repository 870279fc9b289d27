/** What test/simulator-in-browser.test.ts bundles and runs: the pure floors, and nothing of Node. */
import { type NodeId, type Persist, type Tagged, trustEverybody } from "../../src/core/index.ts";
import { Rumor, rumorPresets } from "../../src/dissemination/rumor.ts";
import { classicPeer, classicSeed } from "../../src/profiles/classic.ts";
import { checkersFor, runScenario, SimulatedWorld, scenarios } from "../../src/scenario/index.ts";
import { runRounds, Simulation } from "../../src/simulator/index.ts";
import { TraceSummary } from "../../src/trace/index.ts";

/** A rumor that is pushed through columns. */
export function push(seed: number, rows: number) {
  const rumor = new Rumor({ rows, options: rumorPresets.push15 });
  const simulation = new Simulation({ seed, rows });
  simulation.hostAll(rumor);
  simulation.command(0, { type: "infect" });
  simulation.run();
  return { hash: simulation.hash, events: simulation.counters.events, informed: rumor.informed };
}

/** The same in rounds. */
export function rounds(seed: number, rows: number) {
  const rumor = new Rumor({ rows });
  rumor.infect(0);
  const { hash, rounds } = runRounds(rumor, { seed, semantics: "synchronous" });
  return { hash, rounds, informed: rumor.informed };
}

/** A classic network: it forms, a peer crashes, the others publish. */
export function classic(seed: number, peers: number) {
  const seeds: NodeId[] = [0, 1, 2];
  let delivered = 0;
  let removed = 0;
  const simulation = new Simulation({
    seed,
    rows: seeds.length + peers,
    links: { kind: "stream", loss: 0.01, latency: { model: "log-normal", medianMs: 30, sigma: 0.5 } },
    onNotice: (row, { layer, body }: Tagged) => {
      const { isAwaited, key } = body as Persist;
      // A disk that is always done at once.
      if (isAwaited) simulation.command(row, { layer, body: { type: "persisted", key } });
      if (body.type === "delivered") delivered++;
      if (body.type === "peer-removed") removed++;
    },
  });
  for (const row of seeds as number[]) {
    const otherSeeds = seeds.filter((seed) => seed !== row);
    simulation.host(row, classicSeed({ otherSeeds, signatures: trustEverybody }).stack);
  }
  const rows = Array.from({ length: peers }, (_, i) => seeds.length + i);
  for (const row of rows) {
    simulation.at(100 * row, () => {
      const { time } = simulation;
      const config = {
        self: row,
        name: `peer-${row}`,
        seeds,
        incarnation: 1,
        since: time,
        signatures: trustEverybody,
      };
      const options = { source: { messages: 0 } };
      simulation.host(row, classicPeer({ ...config, options }).stack);
    });
  }
  simulation.at(20_000, () => simulation.crash(rows[0]!));
  for (const row of rows.slice(1)) {
    const body = { type: "publish", payloads: [`hello from ${row}`] };
    simulation.at(30_000, () => simulation.command(row, { layer: "broadcast", body }));
  }
  simulation.run(150_000);
  return { hash: simulation.hash, events: simulation.counters.events, delivered, removed };
}

/** A scenario that comes with Grapevine, judged, and summed up from its trace. */
export async function scenario(seed: number, name: string) {
  const played = scenarios.find((one) => one.name === name)!;
  const world = new SimulatedWorld(played, { seed });
  const summary = new TraceSummary();
  world.onEvent((event) => summary.add(event));
  const report = await runScenario(played, world, {
    seed,
    checkers: (observer) => checkersFor(played, observer, world),
  });
  return { report, summary: summary.report() };
}
