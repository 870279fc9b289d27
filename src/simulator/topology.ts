import { UsageError } from "../core/index.ts";
import { type Latency, linkSettings } from "./link-settings.ts";

export type RoutedSettings = Extract<Latency, { model: "routed" }>;

/** What a link has carried. `from` and `to` are routers; an uplink is the link between a subnet and its router. */
export type LinkLoad = (
  | { readonly kind: "link"; readonly from: number; readonly to: number }
  | { readonly kind: "uplink"; readonly subnet: number; readonly router: number }
) & { readonly messages: number; readonly bytes: number };

/** What a router has forwarded, from wherever to wherever. */
export interface RouterLoad {
  readonly router: number;
  readonly messages: number;
  readonly bytes: number;
}

/**
 * Subnets behind routers, routers joined by links: each message takes the shortest way, and each link counts what it
 * carries.
 *
 *     node --localMs-- router(subnet of sender) --ms-- … --ms-- router(subnet of receiver) --localMs-- node
 *
 * Within a subnet a message takes 2 localMs and loads nothing: it passes a switch, not the router. Between two
 * subnets of one router it loads both uplinks and the router. Ways are computed once (Dijkstra from each router);
 * of two equally short ones the same is taken always, and the way back may be another than the way there.
 *
 * Not modelled: links never fail, never fill up and never slow down with their load; ways do not change.
 */
export class RoutedTopology {
  readonly subnets: number;
  readonly routers: number;
  readonly #links: RoutedSettings["links"];
  readonly #routerOf: Uint16Array;
  readonly #subnetOf: Uint16Array;
  readonly #localMs: number;
  /** From router to router, by row of the table. */
  readonly #ms: Float64Array;
  /** The link by which the shortest way from one router to another begins. */
  readonly #firstLink: Int32Array;
  /**
   * Messages are counted by the pair of routers between which they travel, and only `loads` walks the ways: so a
   * message costs the same on a long way as on a short one.
   */
  readonly #messages: Float64Array;
  readonly #bytes: Float64Array;
  readonly #uplinkMessages: Float64Array;
  readonly #uplinkBytes: Float64Array;

  /** Throws `UsageError` where the settings are wrong, or a subnet cannot be reached from another. */
  constructor(settings: RoutedSettings, rows: number) {
    linkSettings({ latency: settings });
    const { routers, links, subnets, localMs = 0 } = settings;
    this.routers = routers;
    this.subnets = subnets.length;
    this.#links = links;
    this.#localMs = localMs;
    this.#routerOf = Uint16Array.from(subnets);
    this.#subnetOf = new Uint16Array(rows);
    for (let row = 0; row < rows; row++) this.#subnetOf[row] = row % subnets.length;
    this.#ms = new Float64Array(routers * routers).fill(Infinity);
    this.#firstLink = new Int32Array(routers * routers).fill(-1);
    const linksOf = linksByRouter(links, routers);
    for (let router = 0; router < routers; router++) this.#findWaysTo(router, linksOf);
    this.#checkReach(subnets);
    this.#messages = new Float64Array(routers * routers);
    this.#bytes = new Float64Array(routers * routers);
    this.#uplinkMessages = new Float64Array(subnets.length);
    this.#uplinkBytes = new Float64Array(subnets.length);
  }

  subnetOf(row: number): number {
    return this.#subnetOf[row]!;
  }

  /** Throws `UsageError` if there is no such subnet. */
  assign(row: number, subnet: number): void {
    if (!Number.isInteger(subnet) || subnet < 0 || subnet >= this.subnets) {
      throw new UsageError(`subnet: ${subnet} is not one of 0 to ${this.subnets - 1}`);
    }
    this.#subnetOf[row] = subnet;
  }

  /** From node to node, without jitter. */
  pathMs(from: number, to: number): number {
    const there = this.#routerOf[this.#subnetOf[from]!]!;
    const here = this.#routerOf[this.#subnetOf[to]!]!;
    return this.#ms[there * this.routers + here]! + 2 * this.#localMs;
  }

  /** Counts a message on each link of its way. */
  carry(from: number, to: number, bytes: number): void {
    const subnet = this.#subnetOf[from]!;
    const toSubnet = this.#subnetOf[to]!;
    if (subnet === toSubnet) return;
    this.#uplinkMessages[subnet]! += 1;
    this.#uplinkBytes[subnet]! += bytes;
    this.#uplinkMessages[toSubnet]! += 1;
    this.#uplinkBytes[toSubnet]! += bytes;
    const way = this.#routerOf[subnet]! * this.routers + this.#routerOf[toSubnet]!;
    this.#messages[way]! += 1;
    this.#bytes[way]! += bytes;
  }

  /** Each link and each uplink with what it has carried in both directions, hottest first (by messages, then bytes). */
  loads(): LinkLoad[] {
    const messages = new Float64Array(this.#links.length);
    const bytes = new Float64Array(this.#links.length);
    this.#eachWay((from, to, count, size) => {
      for (const { link } of this.#hops(from, to)) {
        messages[link]! += count;
        bytes[link]! += size;
      }
    });
    const loads: LinkLoad[] = this.#links.map(([from, to], i) => {
      return { kind: "link", from, to, messages: messages[i]!, bytes: bytes[i]! };
    });
    for (let subnet = 0; subnet < this.subnets; subnet++) {
      loads.push({
        kind: "uplink",
        subnet,
        router: this.#routerOf[subnet]!,
        messages: this.#uplinkMessages[subnet]!,
        bytes: this.#uplinkBytes[subnet]!,
      });
    }
    return loads.sort(hottestFirst);
  }

  /** Each router with what it has forwarded between subnets, hottest first. */
  routerLoads(): RouterLoad[] {
    const messages = new Float64Array(this.routers);
    const bytes = new Float64Array(this.routers);
    this.#eachWay((from, to, count, size) => {
      messages[from]! += count;
      bytes[from]! += size;
      for (const { router } of this.#hops(from, to)) {
        messages[router]! += count;
        bytes[router]! += size;
      }
    });
    return Array.from(messages, (count, router) => ({
      router,
      messages: count,
      bytes: bytes[router]!,
    })).sort(hottestFirst);
  }

  /** Begins to count anew. */
  clearLoads(): void {
    for (const column of [this.#messages, this.#bytes, this.#uplinkMessages, this.#uplinkBytes])
      column.fill(0);
  }

  #eachWay(visit: (from: number, to: number, messages: number, bytes: number) => void): void {
    for (let from = 0; from < this.routers; from++) {
      for (let to = 0; to < this.routers; to++) {
        const way = from * this.routers + to;
        if (this.#messages[way]! > 0) visit(from, to, this.#messages[way]!, this.#bytes[way]!);
      }
    }
  }

  /** The links of a way in order, each with the router to which it leads. */
  *#hops(from: number, to: number): Generator<{ readonly link: number; readonly router: number }> {
    let router = from;
    while (router !== to) {
      const link = this.#firstLink[router * this.routers + to]!;
      router = otherEnd(this.#links[link]!, router);
      yield { link, router };
    }
  }

  /** Dijkstra from the destination: links go both ways, so the way from it is also a way to it. */
  #findWaysTo(destination: number, linksOf: readonly (readonly number[])[]): void {
    const isDone = new Uint8Array(this.routers);
    this.#ms[destination * this.routers + destination] = 0;
    for (;;) {
      const nearest = this.#nearest(destination, isDone);
      if (nearest < 0) return;
      isDone[nearest] = 1;
      const nearestMs = this.#ms[nearest * this.routers + destination]!;
      for (const link of linksOf[nearest]!) {
        const farther = otherEnd(this.#links[link]!, nearest);
        const cell = farther * this.routers + destination;
        const ms = nearestMs + this.#links[link]![2];
        if (isDone[farther] || ms >= this.#ms[cell]!) continue;
        this.#ms[cell] = ms;
        this.#firstLink[cell] = link;
      }
    }
  }

  /** The nearest router that has been seen and is not done; of equals, the one with the lowest number. */
  #nearest(destination: number, isDone: Uint8Array): number {
    let nearest = -1;
    let nearestMs = Infinity;
    for (let router = 0; router < this.routers; router++) {
      const ms = this.#ms[router * this.routers + destination]!;
      if (isDone[router] || ms >= nearestMs) continue;
      nearest = router;
      nearestMs = ms;
    }
    return nearest;
  }

  #checkReach(subnets: readonly number[]): void {
    const first = subnets[0]!;
    for (const router of subnets) {
      if (this.#ms[first * this.routers + router]! < Infinity) continue;
      throw new UsageError(`latency.links: no way leads from router ${first} to router ${router}`);
    }
  }
}

function linksByRouter(links: RoutedSettings["links"], routers: number): number[][] {
  const linksOf = Array.from({ length: routers }, (): number[] => []);
  links.forEach(([from, to], link) => {
    linksOf[from]!.push(link);
    linksOf[to]!.push(link);
  });
  return linksOf;
}

function otherEnd([from, to]: RoutedSettings["links"][number], end: number): number {
  return from === end ? to : from;
}

interface Load {
  readonly messages: number;
  readonly bytes: number;
}

/** The sort is stable: equals stay in the order of the settings. */
function hottestFirst(a: Load, b: Load): number {
  return b.messages - a.messages || b.bytes - a.bytes;
}
