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
  return found !== undefined && found === nearest(key, keysOf(peers), peers[0]!.router!);
}

function keysOf(peers: readonly GrapevineNode[]): Key[] {
  return peers.filter(({ isRunning }) => isRunning).map(({ contact }) => String(identityOf(contact)));
}

function nearest(key: Key, keys: readonly Key[], router: Router): Key | undefined {
  let best: Key | undefined;
  for (const one of keys) if (best === undefined || router.compare(key, one, best) < 0) best = one;
  return best;
}

/** Has everybody joined, and does it know the peer that would answer for its keys if it went? */
export function areRoutersFormed(peers: readonly GrapevineNode[]): boolean {
  const live = peers.filter(({ isRunning }) => isRunning);
  const keys = keysOf(live);
  return live.every(({ router }) => {
    if (router === undefined) return true;
    if (live.length === 1) return true;
    const { key } = router.self;
    const others = keys.filter((one) => one !== key);
    return router.hasJoined && router.replicas(key, 2)[1]?.key === nearest(key, others, router);
  });
}

function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}
