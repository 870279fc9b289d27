// One measurement in a process of its own: node bench/epidemics/measure-one.mjs '{"style":"rounds","nodes":1000000,"seed":1}'

const dist = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { runRounds, Simulation } = await dist("simulator/index.js");
const { Rumor } = await dist("dissemination/index.js");

const request = JSON.parse(process.argv[2]);
const measure = { table1, rounds, events, reconciliation }[request.style];
process.stdout.write(`${JSON.stringify(await measure(request))}\n`);

/** k = 1 to 5 at n = 1000, as `grapevine reproduce demers-1987 --direction push --stop counter` does it. */
async function table1({ runs, threads, seed }) {
  const { experimentNamed, reproduce, reproductionReport } = await dist("lab/index.js");
  const began = performance.now();
  const experiments = [experimentNamed("demers-1987")];
  const flags = { direction: "push", stop: "counter" };
  const outcomes = await reproduce({ experiments, seed, runs, flags, threads });
  const { ok } = reproductionReport(outcomes, ["demers-1987"]);
  return { runs, threads, ok, figures: outcomes[0].rows.length, ...costs(began) };
}

/** Push-pull to everybody, in synchronous rounds. */
function rounds({ nodes, seed }) {
  if (nodes > 20_000) rounds({ nodes: 20_000, seed }); // compiles the code
  const began = performance.now();
  const rumor = new Rumor({ rows: nodes, options: { mode: "push-pull", isQuiet: true } });
  rumor.infect(0);
  const { rounds: played, ending } = runRounds(rumor, { seed, semantics: "synchronous" });
  return { rounds: played, isEverybody: ending === "informed", ...costs(began) };
}

/** The same class on the event engine: a call in each second and node, links of 10 to 90 ms. */
function events({ nodes, seed }) {
  if (nodes > 20_000) events({ nodes: 20_000, seed });
  const began = performance.now();
  const rumor = new Rumor({ rows: nodes, options: { mode: "push-pull", intervalMs: 1000, isQuiet: true } });
  const links = { latency: { model: "uniform", fromMs: 10, toMs: 90 } };
  const simulation = new Simulation({ seed, rows: nodes, links });
  simulation.hostAll(rumor);
  simulation.command(0, { type: "infect" });
  let nowMs = 0;
  while (rumor.informed < nodes && nowMs < 100_000) {
    nowMs += 100;
    simulation.run(nowMs);
  }
  const { events: count } = simulation.counters;
  return { events: count, virtualMs: nowMs, isEverybody: rumor.informed === nodes, ...costs(began) };
}

/** Two sets of so many items that differ in so many, made equal in three ways. */
async function reconciliation({ items, differences }) {
  const { reconciliation } = await import("./reconciliation.mjs");
  const began = performance.now();
  const result = await reconciliation({ items, differences });
  return { result, ...costs(began) };
}

function costs(began) {
  const { user, system } = process.cpuUsage();
  return {
    wallSeconds: (performance.now() - began) / 1000,
    cpuSeconds: (user + system) / 1e6,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
  };
}
