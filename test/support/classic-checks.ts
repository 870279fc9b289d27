/** What must be true of a classic network when nothing has happened to it for a while. */
import { expect } from "vitest";
import { hashText, identityOf, type NodeId } from "../../src/core/index.ts";
import { isElder } from "../../src/membership/seniority.ts";
import { ClassicWorld } from "./classic-world.ts";

export interface NetworkConfig {
  readonly seed: number;
  readonly peers: number;
  readonly seeds?: number;
  readonly options?: ConstructorParameters<typeof ClassicWorld>[0] extends infer C
    ? NonNullable<C> extends { options?: infer O }
      ? O
      : never
    : never;
  /** Pause between two who join. */
  readonly joinEveryMs?: number;
}

/** Seeds -1, -2, … and peers 1, 2, … who joined one after the other. */
export function classicNetwork({
  seed,
  peers,
  seeds,
  options,
  joinEveryMs = 100,
}: NetworkConfig): ClassicWorld {
  const world = new ClassicWorld({ seed, seeds, options });
  for (const id of world.seedIds) world.addSeed(id);
  for (let id = 1; id <= peers; id++) {
    world.runUntil(world.now + joinEveryMs);
    world.addPeer(id);
  }
  return world;
}

/** The overlay of the living is one piece, every link is known at both ends, and all but the eldest have an elder. */
export function expectSoundOverlay(world: ClassicWorld): void {
  expect(world.parts(), "parts of the overlay").toBe(1);
  const age = new Map(
    [...world.peers].map(([peer, { registration }]) => [peer, { peer, since: registration.since }]),
  );
  const withoutElder: NodeId[] = [];
  for (const [peer, { overlay }] of world.peers) {
    for (const neighbor of overlay.neighbors) {
      expect(
        world.peers.get(neighbor)?.overlay.has(peer),
        `the link ${peer} - ${neighbor} at its other end`,
      ).toBe(true);
    }
    const me = age.get(peer)!;
    if (!overlay.neighbors.some((neighbor) => isElder(age.get(neighbor)!, me))) withoutElder.push(peer);
  }
  expect(withoutElder, "peers without an elder neighbor").toHaveLength(1);
}

/** Every seed lists exactly the living peers, in their present life. */
export function expectExactLists(world: ClassicWorld): void {
  const living = [...world.peers].map(
    ([peer, { registration }]) => `${peer} in life ${registration.incarnation}`,
  );
  for (const [id, { registry }] of world.seeds) {
    const listed = registry.list.map(({ peer, incarnation }) => `${peer} in life ${incarnation}`);
    expect(listed.toSorted(), `the list of seed ${id}`).toEqual(living.toSorted());
  }
  const fingerprints = [...world.seeds.values()].map(({ registry }) => registry.fingerprint);
  expect(new Set(fingerprints).size, "different fingerprints").toBe(1);
}

/** Whatever the living have published every living peer has got, once. Returns how many messages that were. */
export function expectAllDelivered(world: ClassicWorld): number {
  const nameOf = (notice: Record<string, any>) =>
    `${identityOf(notice["origin"])}/${notice["incarnation"]}/${notice["sequence"]}`;
  const got = new Map<NodeId, Set<string>>([...world.peers.keys()].map((peer) => [peer, new Set()]));
  const lives = new Map<NodeId, number>();
  for (const { node, notice } of world.notices) {
    if (notice.type === "delivered") {
      expect(got.get(node)?.has(nameOf(notice)) ?? false, `${nameOf(notice)} twice at ${node}`).toBe(false);
      got.get(node)?.add(nameOf(notice));
    }
    if (notice.type === "published") lives.set(node, notice["incarnation"]);
  }
  const published = world
    .of("published")
    .filter(({ node, notice }) => world.peers.has(node) && lives.get(node) === notice["incarnation"])
    .map(({ node, notice }) => ({ node, name: nameOf(notice) }));
  const missing: string[] = [];
  for (const [peer, names] of got) {
    for (const { node, name } of published)
      if (node !== peer && !names.has(name)) missing.push(`${name} at ${peer}`);
  }
  expect(missing, "not delivered").toEqual([]);
  return published.length;
}

/** A fingerprint of everything that was announced, in order. */
export function hashOfNotices(world: ClassicWorld): number {
  let hash = 0;
  for (const entry of world.notices) hash = hashText(JSON.stringify(entry), hash);
  return hash;
}
