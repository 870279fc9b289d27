/**
 * The network as columns to draw: who is drawn and linked (after each change of the overlay), how everybody looks
 * (after each event), and where (while nodes move).
 */
import type { TraceEvent } from "../../../../src/core/index.ts";
import type { NetworkPicture, PicturedNode } from "../../../../src/trace/picture.ts";
import type { GraphMotion, Moving } from "../../drawing/graph-motion.ts";
import {
  type DrawnLinks,
  type DrawnMotion,
  type DrawnNodes,
  linkStyles,
} from "../../drawing/graph-painter.ts";
import { spacingOf } from "../../drawing/layout.ts";
import type { LaidOutNetwork } from "../../drawing/layout-keeper.ts";
import { appearanceOf, isThere, standingOf } from "./appearance.ts";

/** Who is no longer there stays to be seen: the dead, so many of them; others for a while. */
const maxGone = 100;
const endedStaysMs = 20_000;
const seedWeight = 0.3;

export class NetworkScene {
  /** By place. */
  drawn: readonly PicturedNode[] = [];
  nodes: DrawnNodes = {
    count: 0,
    xs: new Float32Array(0),
    ys: new Float32Array(0),
    forms: new Uint8Array(0),
    radii: new Uint8Array(0),
    names: [],
    spacing: 1,
  };
  links: DrawnLinks = { count: 0, ends: new Uint32Array(0), styles: new Uint8Array(0) };
  /** What the layout needs to know. */
  layout: LaidOutNetwork = {
    rows: new Uint32Array(0),
    keys: [],
    links: new Uint32Array(0),
    weights: new Float32Array(0),
  };
  /** By place. */
  degrees: Uint16Array = new Uint16Array(0);
  #places = new Map<number, number>();

  /** Place of a row; -1 where it is not drawn. */
  placeOf(row: number): number {
    return this.#places.get(row) ?? -1;
  }

  /** After a change of who is there, who is linked, who is chosen. */
  rebuild(picture: NetworkPicture, selectedRow: number | undefined): void {
    const drawn = whoIsDrawn(picture);
    const count = drawn.length;
    this.drawn = drawn;
    this.#places = new Map(drawn.map(({ row }, place) => [row, place]));
    const isSevered = severedBy(picture);
    const ends: number[] = [];
    const styles: number[] = [];
    this.degrees = new Uint16Array(count);
    for (const [a, b] of picture.links()) {
      const from = this.#places.get(a);
      const to = this.#places.get(b);
      if (from === undefined || to === undefined) continue;
      ends.push(from, to);
      this.degrees[from]!++;
      this.degrees[to]!++;
      const isOfSelected = a === selectedRow || b === selectedRow;
      styles.push(
        isSevered(drawn[from]!, drawn[to]!)
          ? linkStyles.severed
          : isOfSelected
            ? linkStyles.strong
            : linkStyles.plain,
      );
    }
    this.links = { count: styles.length, ends: Uint32Array.from(ends), styles: Uint8Array.from(styles) };
    this.nodes = {
      count,
      xs: new Float32Array(count),
      ys: new Float32Array(count),
      forms: new Uint8Array(count),
      radii: Uint8Array.from(drawn, ({ role }, place) =>
        role === "seed" ? 7 : Math.min(16, Math.round(4 + 1.5 * Math.sqrt(this.degrees[place]!))),
      ),
      names: drawn.map(({ name }) => name),
      spacing: this.nodes.spacing,
    };
    this.layout = this.#layoutOf(picture);
  }

  /** Puts everybody where they are at the moment. */
  move(placeOf: (row: number) => readonly [number, number] | undefined): void {
    const { count, xs, ys } = this.nodes;
    for (let place = 0; place < count; place++) {
      const at = placeOf(this.drawn[place]!.row);
      // Without a place it is not yet to be seen.
      xs[place] = at === undefined ? Number.NaN : at[0];
      ys[place] = at === undefined ? Number.NaN : at[1];
    }
    const placed = this.placed();
    this.nodes = { ...this.nodes, spacing: spacingOf(placed.xs, placed.ys, placed.xs.length) };
  }

  /** Where those are who have a place. */
  placed(): { readonly xs: Float32Array; readonly ys: Float32Array } {
    const { xs, ys } = this.nodes;
    return { xs: xs.filter((x) => !Number.isNaN(x)), ys: ys.filter((y) => !Number.isNaN(y)) };
  }

  paint(states: Uint8Array | undefined): void {
    const { forms } = this.nodes;
    this.drawn.forEach((node, place) => {
      forms[place] = appearanceOf(node, standingOf(node, states));
    });
  }

  dots(motion: GraphMotion): DrawnMotion {
    return this.#moving(motion.dots, (dot) => motion.shareOf(dot));
  }
  glows(motion: GraphMotion): DrawnMotion {
    return this.#moving(motion.glows, (glow) => 0.8 * (1 - motion.shareOf(glow)));
  }

  #moving(moving: readonly Moving[], shareOf: (one: Moving) => number): DrawnMotion {
    const ends = new Uint32Array(2 * moving.length);
    const shares = new Float32Array(moving.length);
    let count = 0;
    for (const one of moving) {
      const from = this.#places.get(one.from);
      const to = this.#places.get(one.to);
      if (from === undefined || to === undefined) continue;
      ends[2 * count] = from;
      ends[2 * count + 1] = to;
      shares[count++] = shareOf(one);
    }
    return { count, ends, shares };
  }

  #layoutOf(picture: NetworkPicture): LaidOutNetwork {
    const { drawn } = this;
    const indices = this.#places;
    const links: number[] = [];
    const weights: number[] = [];
    for (const [a, b] of picture.links()) {
      const from = indices.get(a);
      const to = indices.get(b);
      if (from === undefined || to === undefined) continue;
      links.push(from, to);
      weights.push(1);
    }
    // Seeds have no links of the overlay: they stand among those that have registered with them, or are in their lists.
    const near = (from: number, others: Iterable<number>) => {
      for (const row of others) {
        const to = indices.get(row);
        if (to === undefined || to === from) continue;
        links.push(from, to);
        weights.push(seedWeight);
      }
    };
    const isRegistered = drawn.some(({ registeredWith }) => registeredWith.size > 0);
    const seeds = drawn.filter(({ role }) => role === "seed").map(({ row }) => row);
    drawn.forEach((node, i) => {
      // Who is gone is in no list any more, and is not to drift away for that.
      near(i, isRegistered ? node.registeredWith : isThere(node) ? node.list : seeds);
    });
    return {
      rows: Uint32Array.from(drawn, ({ row }) => row),
      keys: drawn.map(({ name }) => name),
      links: Uint32Array.from(links),
      weights: Float32Array.from(weights),
    };
  }
}

function whoIsDrawn(picture: NetworkPicture): PicturedNode[] {
  const there: PicturedNode[] = [];
  const gone: PicturedNode[] = [];
  for (const node of picture.nodes.values()) {
    if (isThere(node)) there.push(node);
    else if (node.state === "dead" || picture.at - (node.until ?? 0) < endedStaysMs) gone.push(node);
  }
  gone.sort((a, b) => (b.until ?? 0) - (a.until ?? 0));
  // The dead lie below the living.
  return [...gone.slice(0, maxGone), ...there];
}

/** Whether a cut or a partition of the moment lies between two nodes, as far as the trace names who is apart. */
function severedBy(picture: NetworkPicture): (a: PicturedNode, b: PicturedNode) => boolean {
  const tests = picture.disturbances.map(({ event }) =>
    event.type === "cut" ? cutBetween(event) : partitionBetween(event),
  );
  return (a, b) => tests.some((test) => test(a.name, b.name));
}

function cutBetween(event: TraceEvent): (a: string, b: string) => boolean {
  const from = namesIn(event["from"]);
  const to = namesIn(event["to"]);
  return (a, b) => (from.has(a) && to.has(b)) || (from.has(b) && to.has(a));
}

function partitionBetween(event: TraceEvent): (a: string, b: string) => boolean {
  const { apart } = event;
  const groupOf = new Map<string, number>();
  if (Array.isArray(apart))
    apart.forEach((group, i) => {
      for (const name of namesIn(group)) groupOf.set(name, i + 1);
    });
  return (a, b) => (groupOf.get(a) ?? 0) !== (groupOf.get(b) ?? 0);
}

function namesIn(value: unknown): Set<string> {
  return new Set(Array.isArray(value) ? value.map(String) : []);
}
