/** Push-pull in synchronous rounds until everybody knows; a first run warms the compiler up. */
export class RoundProbe {
  #dissemination;
  #simulator;

  constructor(dissemination, simulator) {
    this.#dissemination = dissemination;
    this.#simulator = simulator;
  }

  run({ nodes, seed }) {
    this.#once(nodes, seed);
    return this.#once(nodes, seed);
  }

  #once(nodes, seed) {
    const rumor = new this.#dissemination.Rumor({
      rows: nodes,
      options: { mode: "push-pull", isQuiet: true },
    });
    rumor.infect(0);
    const before = process.cpuUsage();
    const began = performance.now();
    const result = this.#simulator.runRounds(rumor, { seed, semantics: "synchronous", maxRounds: 1000 });
    const wallSeconds = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(before);
    return {
      events: result.rounds * nodes,
      rounds: result.rounds,
      semantics: result.semantics,
      hash: result.hash,
      informed: rumor.informed,
      cpuSeconds: (user + system) / 1e6,
      wallSeconds,
      rssMiB: process.memoryUsage.rss() / 2 ** 20,
    };
  }
}
