/** The node for Maelstrom, as Maelstrom runs it: processes, JSON lines, and a router between them, which is here. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { neighborsIn } from "../src/lab/index.ts";
import { root } from "./support/program.ts";

const latencyMs = 10;

/** Some nodes, a client, and the way between them, which can be cut. */
class Router {
  readonly names: readonly string[];
  /** Between nodes; those that a partition swallowed too. */
  messages = 0;
  readonly complaints: string[] = [];
  readonly #nodes = new Map<string, ChildProcess>();
  readonly #waiting = new Map<number, (body: any) => void>();
  #side = new Map<string, number>();
  #lastId = 0;

  constructor(count: number, args: readonly string[] = []) {
    this.names = Array.from({ length: count }, (_, i) => `n${i}`);
    for (const name of this.names) {
      const script = join(root, "examples/maelstrom-node.mjs");
      const child = spawn(process.execPath, [script, ...args], { stdio: "pipe" });
      createInterface({ input: child.stdout }).on("line", (line) => this.#route(name, JSON.parse(line)));
      createInterface({ input: child.stderr }).on("line", (line) => this.complaints.push(line));
      this.#nodes.set(name, child);
    }
  }

  #route(from: string, { src, dest, body }: any): void {
    expect(src).toBe(from);
    if (dest === "c1") return this.#waiting.get(body.in_reply_to)?.(body);
    this.messages++;
    if (this.#side.get(src) !== this.#side.get(dest)) return;
    setTimeout(() => this.write(dest, { src, dest, body }), latencyMs);
  }

  write(dest: string, message: object | string): void {
    const line = typeof message === "string" ? message : JSON.stringify(message);
    this.#nodes.get(dest)!.stdin!.write(`${line}\n`);
  }

  /** As Maelstrom's client: without latency. */
  ask(dest: string, body: object): Promise<any> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${dest} does not answer ${JSON.stringify(body)}`)),
        20_000,
      );
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.write(dest, { src: "c1", dest, body: { ...body, msg_id: id } });
    });
  }

  askAll(body: (name: string) => object): Promise<any[]> {
    return Promise.all(this.names.map((name) => this.ask(name, body(name))));
  }

  async begin(topology: Record<string, readonly string[]>): Promise<void> {
    await this.askAll((node_id) => ({ type: "init", node_id, node_ids: this.names }));
    await this.askAll(() => ({ type: "topology", topology }));
  }

  async reads(): Promise<number[][]> {
    const answers = await this.askAll(() => ({ type: "read" }));
    return answers.map(({ messages }) => messages.toSorted((a: number, b: number) => a - b));
  }

  /** Until every node has all these, and nothing else. */
  async untilAllRead(wanted: readonly number[], patienceMs = 20_000): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const reads = await this.reads();
      if (reads.every((read) => String(read) === String(wanted))) return;
      if (performance.now() > deadline) return expect(reads).toEqual(reads.map(() => wanted));
      await pause(50);
    }
  }

  partition(...sides: string[][]): void {
    this.#side = new Map(sides.flatMap((side, i) => side.map((name): [string, number] => [name, i])));
  }

  /** Standard input ends, and so does the process. */
  async end(): Promise<(number | null)[]> {
    const all = [...this.#nodes.values()];
    return Promise.all(
      all.map((child) => {
        const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
        child.stdin!.end();
        return ended;
      }),
    );
  }

  kill(): void {
    for (const child of this.#nodes.values()) if (child.exitCode === null) child.kill("SIGKILL");
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

function topologyOf(names: readonly string[], shape: "line" | "grid"): Record<string, string[]> {
  const neighbors = neighborsIn(shape, names.length);
  return Object.fromEntries(names.map((name, i) => [name, neighbors[i]!.map((other) => names[other]!)]));
}

let router: Router | undefined;
afterEach(() => router?.kill());

test("every value arrives at every node, also those of both sides of a partition, once it is healed", async () => {
  router = new Router(5);
  const { names } = router;
  await router.begin(topologyOf(names, "line"));
  const publish = async (values: readonly number[]) => {
    for (const value of values) {
      const answer = await router!.ask(names[value % 5]!, { type: "broadcast", message: value });
      expect(answer.type).toBe("broadcast_ok");
    }
  };
  await publish(numbers(0, 20));
  await router.untilAllRead(numbers(0, 20), 10_000);

  router.partition(["n0", "n1"], ["n2", "n3", "n4"]);
  await publish(numbers(20, 40));
  await pause(4000); // long enough for both sides to take the other for dead
  await publish(numbers(40, 60));
  await pause(500);
  const [left, , right] = await router.reads();
  expect(left).toEqual([...numbers(0, 20), ...numbers(20, 60).filter((value) => value % 5 < 2)]);
  expect(right).toEqual([...numbers(0, 20), ...numbers(20, 60).filter((value) => value % 5 >= 2)]);

  router.partition([...names]);
  await publish(numbers(60, 65));
  await router.untilAllRead(numbers(0, 65));
  expect(router.complaints).toEqual([]);
  expect(await router.end()).toEqual([0, 0, 0, 0, 0]);
});

test("a hub that gathers takes fewer messages than the grid that was suggested", async () => {
  const costs: number[] = [];
  for (const args of [[], ["--topology", "hub", "--batch-ms", "100"]]) {
    router = new Router(5, args);
    await router.begin(topologyOf(router.names, "grid"));
    const before = router.messages;
    for (const value of numbers(0, 100)) {
      await router.ask(router.names[value % 5]!, { type: "broadcast", message: value });
      await pause(2);
    }
    await router.untilAllRead(numbers(0, 100));
    costs.push(router.messages - before);
    await router.end();
  }
  expect(costs[0]).toBeGreaterThan(100);
  expect(costs[1]).toBeLessThan(costs[0]! / 2);
});

test("what it cannot do it says with an error of the protocol; what is no JSON it leaves out", async () => {
  router = new Router(1);
  const [name] = router.names as [string];
  await router.ask(name, { type: "init", node_id: name, node_ids: [name] });
  const code = async (body: object) => (await router!.ask(name, body)).code;
  expect(await router.ask(name, { type: "echo", echo: { a: [1, "ü"] } })).toMatchObject({
    type: "echo_ok",
    echo: { a: [1, "ü"] },
  });
  expect(await code({ type: "broadcast", message: 1 })).toBe(11);
  expect(await code({ type: "topology", topology: 7 })).toBe(12);
  router.write(name, "{not json");
  expect(await router.ask(name, { type: "topology", topology: { [name]: [] } })).toMatchObject({
    type: "topology_ok",
  });
  expect(await code({ type: "broadcast" })).toBe(12);
  for (const type of ["txn", "toString"]) expect(await code({ type })).toBe(10);
  await router.ask(name, { type: "broadcast", message: { any: "value" } });
  const read = await router.ask(name, { type: "read" });
  expect(read).toMatchObject({ type: "read_ok", messages: [{ any: "value" }] });
  expect(read.msg_id).toBeGreaterThan(0);
  expect(router.complaints).toEqual(["not JSON: {not json"]);
  expect(await router.end()).toEqual([0]);
});
