/** What must be true of a classic network when nothing has happened to it for a while. */
import { expect } from "vitest";
import { hashText, identityOf, type NodeId } from "../../src/core/index.ts";
import { isElder } from "../../src/membership/seniority.ts";
import { ClassicWorld, type ClassicWorldConfig } from "./classic-world.ts";

export interface NetworkConfig extends ClassicWorldConfig {
  readonly seed: number;
  readonly peers: number;
  /** Pause between two who join. */
  readonly joinEveryMs?: number;
}

/** Seeds -1, -2, … and peers 1, 2, … who joined one after the other. */
export function classicNetwork({ peers, joinEveryMs = 100, ...config }: NetworkConfig): ClassicWorld {
  const world = new ClassicWorld(config);
  for (const id of world.seedIds) world.addSeed(id);
  for (let id = 1; id <= peers; id++) {
    world.runUntil(world.now + joinEveryMs);
    world.addPeer(id);
  }
  return world;
}

/** The overlay of the living is one piece, every link is known at both ends, and all but the eldest have an elder. */
export function faultsOfOverlay(world: ClassicWorld): string[] {
  const faults: string[] = [];
  if (world.parts() !== 1) faults.push(`the overlay is in ${world.parts()} parts`);
  const age = new Map(
    [...world.peers].map(([peer, { registration }]) => [peer, { peer, since: registration.since }]),
  );
  const withoutElder: NodeId[] = [];
  for (const [peer, { overlay }] of world.peers) {
    for (const neighbor of overlay.neighbors) {
      if (!world.peers.get(neighbor)?.overlay.has(peer)) faults.push(`${neighbor} has no link to ${peer}`);
    }
    const elders = overlay.neighbors.filter((neighbor) => {
      const other = age.get(neighbor);
      return other !== undefined && isElder(other, age.get(peer)!);
    });
    if (elders.length === 0) withoutElder.push(peer);
  }
  if (withoutElder.length > 1) faults.push(`without an elder neighbor: ${withoutElder.join()}`);
  return faults;
}

/** Every seed lists exactly the living peers, in their present life. */
export function faultsOfLists(world: ClassicWorld): string[] {
  const living = [...world.peers].map(([peer, { registration }]) => `${peer}/${registration.incarnation}`);
  return [...world.seeds].flatMap(([id, { registry }]) => {
    const listed = registry.list.map(({ peer, incarnation }) => `${peer}/${incarnation}`);
    const missing = living.filter((peer) => !listed.includes(peer));
    const superfluous = listed.filter((peer) => !living.includes(peer));
    if (missing.length + superfluous.length === 0) return [];
    return [
      `seed ${id} lacks ${missing.join() || "nobody"} and has ${superfluous.join() || "nobody"} too much`,
    ];
  });
}

/** The seeds' lists are the same, down to the neighbors of each peer. */
export function faultsOfAgreement(world: ClassicWorld): string[] {
  const fingerprints = new Set([...world.seeds.values()].map(({ registry }) => registry.fingerprint));
  return fingerprints.size <= 1 ? [] : [`${fingerprints.size} different fingerprints`];
}

/** Nothing is wrong with the network, or soon will be: something is always being told or mended. */
export function expectSoundNetwork(world: ClassicWorld, withinMs = 60_000): void {
  const faults = () => [...faultsOfOverlay(world), ...faultsOfLists(world), ...faultsOfAgreement(world)];
  const deadline = world.now + withinMs;
  while (world.now < deadline && faults().length > 0) world.runUntil(world.now + 500);
  expect(faults()).toEqual([]);
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
