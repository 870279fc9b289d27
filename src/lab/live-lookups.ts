/**
 * Lookups in a live network, measured from outside: random peers look for random keys, and since all peers are here, it
 * is known who should have been found.
 */
import { Histogram, identityOf, type Key, keyOfName, type LookupReport, type Router } from "../core/index.ts";
import type { GrapevineNode } from "../node/index.ts";

export interface LookupFigures {
  readonly router: string;
  readonly lookups: number;
  /** Share of lookups whose first node is the one that is responsible. */
  readonly success: number;
  readonly hops: { readonly mean: number; readonly p99: number; readonly max: number };
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Per lookup. */
  readonly asked: number;
  readonly silent: number;
}

/** So many at once: enough to keep two cores busy, few enough to measure waiting for the network and not for each other. */
const atOnce = 8;

/** `onProgress` is told how many have ended. Peers may die meanwhile: what they looked for counts as not found. */
export async function measureLookups(
  peers: readonly GrapevineNode[],
  lookups: number,
  { onProgress = () => {}, signal }: { onProgress?: (done: number) => void; signal?: AbortSignal } = {},
): Promise<LookupFigures> {
  const hops = new Histogram();
  const latencies = new Histogram();
  let begun = 0;
  let done = 0;
  let right = 0;
  let hopsOfAll = 0;
  let asked = 0;
  let silent = 0;
  const isEnded = () => signal?.aborted === true;
  const one = async () => {
    while (begun < lookups && !isEnded()) {
      const number = begun++;
      const live = peers.filter(({ isRunning }) => isRunning);
      const asker = live[Math.floor(Math.random() * live.length)];
      if (asker === undefined) return;
      const key = keyOfName(`lookup ${number} ${Math.random()}`);
      const report = await asker.lookup(key, { signal }).report.catch(() => undefined);
      // What the caller ended says nothing about the network.
      if (report === undefined && isEnded()) return;
      done++;
      onProgress(done);
      if (report === undefined) continue;
      if (isRight(report, peers)) right++;
      hops.add(report.hops);
      hopsOfAll += report.hops;
      latencies.add(report.endedAt - report.startedAt);
      asked += report.asked;
      silent += report.silent;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, lookups) }, one));
  const perLookup = (sum: number) => (done === 0 ? 0 : Number((sum / done).toFixed(3)));
  return {
    router: peers[0]?.peer?.routing?.name ?? "none",
    lookups: done,
    success: done === 0 ? 0 : right / done,
    hops: { mean: perLookup(hopsOfAll), p99: orZero(hops.quantile(0.99)), max: orZero(hops.max) },
    latencyMs: {
      p50: orZero(latencies.quantile(0.5)),
      p99: orZero(latencies.quantile(0.99)),
      max: orZero(latencies.max),
    },
    asked: perLookup(asked),
    silent: perLookup(silent),
  };
}

/** Did it find who is responsible among those who live? */
function isRight({ key, closest }: LookupReport, peers: readonly GrapevineNode[]): boolean {
  const found = closest[0]?.key;
  return found !== undefined && found === nearest(key, 1, keysOf(peers), peers[0]!.router!)[0];
}

function keysOf(peers: readonly GrapevineNode[]): Key[] {
  return peers.filter(({ isRunning }) => isRunning).map(({ contact }) => String(identityOf(contact)));
}

/** The `count` most responsible of them, the first first. */
function nearest(key: Key, count: number, keys: readonly Key[], router: Router): Key[] {
  const best: Key[] = [];
  for (const one of keys) {
    if (best.length === count && router.compare(key, one, best[count - 1]!) >= 0) continue;
    const place = best.findIndex((other) => router.compare(key, one, other) < 0);
    best.splice(place < 0 ? best.length : place, 0, one);
    if (best.length > count) best.pop();
  }
  return best;
}

/** Has everybody joined, and does it know who else keeps what it is responsible for? Before that puts may miss replicas. */
export function areRoutersFormed(peers: readonly GrapevineNode[]): boolean {
  const live = peers.filter(({ isRunning }) => isRunning);
  if (live.some(({ router }) => router?.hasJoined === false)) return live.length === 1;
  const keys = keysOf(live);
  return live.every(({ peer }) => {
    if (peer?.routing === undefined) return true;
    const { router, store } = peer.routing;
    const { key } = router.self;
    const { replicas } = store.options;
    const known = router.replicas(key, replicas);
    return nearest(key, replicas, keys, router).every((one, i) => known[i]?.key === one);
  });
}

function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}
