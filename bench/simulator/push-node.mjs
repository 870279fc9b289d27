/** push15 once more, as the ordinary kind of protocol: an object for each node, and objects for messages and timers. */
export class PushNode {
  isInformed = false;
  #nodes;
  #sends = 0;

  constructor(nodes) {
    this.#nodes = nodes;
  }

  start() {}

  onCommand(_infect, env) {
    this.#learn(env);
  }

  onMessage(_from, _message, env) {
    if (!this.isInformed) this.#learn(env);
  }

  onTimer(_timer, env) {
    const other = env.random.below(this.#nodes - 1);
    env.send(other < env.self ? other : other + 1, { type: "rumor", hops: 1 });
    if (++this.#sends < 15) env.schedule(1000, { type: "call" });
  }

  #learn(env) {
    this.isInformed = true;
    env.schedule(env.random.below(1000), { type: "call" });
  }
}
