import { UsageError } from "../core/index.ts";
import { AccessLines } from "./access-lines.ts";
import { Connectivity } from "./connectivity.ts";
import { CounterRandom } from "./counter-random.ts";
import { LastArrivals } from "./last-arrivals.ts";
import { type LatencyModel, latencyModel, RoutedLatency, ZonesLatency } from "./latency.ts";
import { type LinkSettings, linkSettings, maxZones } from "./link-settings.ts";
import type { RoutedTopology } from "./topology.ts";

/** Instead of a delay: the message never arrives. */
export const lost = -1;
/** Instead of a delay: the stream is cut; ask again later. */
export const held = -2;

/** Losses in a row after which a stream gets a message through all the same, so that loss 1 is slow and not endless. */
const maxRetransmissions = 10;

/** What has happened to messages so far. */
export interface LinkCounters {
  /** All that were not held: those that arrive, and the three kinds below that do not. */
  sent: number;
  /** Lost at random. */
  lost: number;
  /** Datagrams that did not pass a partition or a cut. */
  cut: number;
  /** Dropped because they would have waited too long for a turn on a line. */
  queueDropped: number;
  duplicated: number;
  reordered: number;
  /** Losses that a stream has made good. */
  retransmitted: number;
}

/**
 * What lies between the nodes: asked for each message, it says how long the message is under way, or that it is lost.
 *
 *     cut? -> upload line of the sender -> lost? -> download line of the receiver -> latency -> overtaken?
 *
 * A message crosses both lines at once: it has passed when the slower is done with it, and is under way for the
 * latency after that. Lines serve in the order of sending, not of arrival: nobody can know the future, and over a
 * busy line the number of bytes per second is right either way. What is lost or cut off has used its sender's line,
 * because the sender does not know.
 *
 * A stream keeps the messages of each ordered pair of nodes in order. A loss costs it time and no bandwidth, and a
 * message that is sent again holds up those behind it. A cut does not lose what is sent: the answer is `held`, nothing
 * is counted or charged, and the caller asks again later, oldest message first.
 *
 * Not modelled: the three-way handshake, windows and slow start of TCP; bytes of headers; losses that come in bursts;
 * queues inside the network (a `RoutedTopology` counts and never delays). What is already under way when the network is
 * cut is the caller's to decide: `connectivity` can be asked again at the arrival.
 *
 * The dice are those of the sender, and only what is switched on draws: loss, then latency, then reordering.
 */
export class Links {
  readonly rows: number;
  readonly connectivity: Connectivity;
  readonly counters: LinkCounters = {
    sent: 0,
    lost: 0,
    cut: 0,
    queueDropped: 0,
    duplicated: 0,
    reordered: 0,
    retransmitted: 0,
  };
  readonly #seed: number;
  readonly #random: CounterRandom;
  readonly #lastArrivals: LastArrivals;
  #settings: LinkSettings;
  #latency: LatencyModel;
  /** True if latency alone decides, as long as the network is whole: the common case, and one draw. */
  #isPlain = false;
  /** Only where a bandwidth is limited. */
  #upload: AccessLines | undefined;
  #download: AccessLines | undefined;
  /** The zone of each node that was put into one, else -1: another latency model must know it, too. */
  #zones: Int32Array | undefined;

  /** Throws `UsageError` naming the setting, the value and the rule. */
  constructor({
    settings = {},
    rows,
    seed,
  }: {
    readonly settings?: Partial<LinkSettings>;
    readonly rows: number;
    readonly seed: number;
  }) {
    this.#settings = linkSettings(settings);
    this.rows = rows;
    this.#seed = seed;
    this.#random = new CounterRandom(seed, "links", rows);
    this.#lastArrivals = new LastArrivals(rows);
    this.connectivity = new Connectivity(rows);
    this.#latency = latencyModel(this.#settings.latency, rows, seed);
    this.#apply();
  }

  get settings(): LinkSettings {
    return this.#settings;
  }

  get latency(): LatencyModel {
    return this.#latency;
  }

  /** Subnets and routers with their loads, if the latency model has them. */
  get topology(): RoutedTopology | undefined {
    return this.#latency instanceof RoutedLatency ? this.#latency.topology : undefined;
  }

  /**
   * Milliseconds until the message arrives, an integer of at least 0, or `lost` (-1), or `held` (-2). `isDatagram`: it
   * travels beside the streams, as a node sends its pings beside its links.
   */
  transitMs(from: number, to: number, bytes: number, now: number, isDatagram = false): number {
    if (!this.#isPlain || this.connectivity.isCutting)
      return this.#carefulTransitMs(from, to, bytes, now, isDatagram);
    // Hot: once per message of a simulation (bench:simulator).
    this.counters.sent++;
    this.#random.row = from;
    return this.#latency.sampleMs(from, to, this.#random);
  }

  /** Asked once for each message that arrives: milliseconds until a second copy of it does, or -1 if there is none. */
  duplicateMs(from: number, to: number, _now: number, isDatagram = false): number {
    const { kind, duplication } = this.#settings;
    if (duplication === 0 || (kind === "stream" && !isDatagram)) return -1;
    this.#random.row = from;
    if (this.#random.unit() >= duplication) return -1;
    this.counters.duplicated++;
    return this.#latency.sampleMs(from, to, this.#random);
  }

  /** From now on links are like this; what is not named stays. Throws `UsageError` before anything has changed. */
  change(settings: Partial<LinkSettings>): void {
    const named = Object.entries(settings).filter(([, value]) => value !== undefined);
    const changed = linkSettings({ ...this.#settings, ...Object.fromEntries(named) });
    // A model that is not named stays as it is, with the loads that it has counted.
    if (settings.latency !== undefined) {
      const model = latencyModel(changed.latency, this.rows, this.#seed);
      this.#zones?.forEach((zone, row) => {
        if (zone >= 0) assignZone(model, row, zone);
      });
      this.#latency = model;
    }
    this.#settings = changed;
    this.#apply();
  }

  /** This node's lines, whatever the settings say of the others. 0 is without limit. */
  setBandwidth(row: number, uploadBytesPerSecond: number, downloadBytesPerSecond: number): void {
    this.#checkRow(row);
    linkSettings({ uploadBytesPerSecond, downloadBytesPerSecond });
    this.#upload ??= new AccessLines(this.rows);
    this.#upload.setOne(row, uploadBytesPerSecond);
    this.#download ??= new AccessLines(this.rows);
    this.#download.setOne(row, downloadBytesPerSecond);
    this.#isPlain = false;
  }

  /**
   * Puts a node into a zone: of the matrix, or a subnet. With other latency models it is a name for partitions by
   * zone. Throws `UsageError` if the latency model has no such zone.
   */
  setZone(row: number, zone: number): void {
    this.#checkRow(row);
    if (!Number.isInteger(zone) || zone < 0 || zone > maxZones) {
      throw new UsageError(`zone: ${zone} is not an integer from 0 to ${maxZones}`);
    }
    assignZone(this.#latency, row, zone);
    this.#zones ??= new Int32Array(this.rows).fill(-1);
    this.#zones[row] = zone;
  }

  /** The zone or subnet of a node; 0 where nobody has said. */
  zoneOf(row: number): number {
    if (this.#latency instanceof ZonesLatency) return this.#latency.zoneOf(row);
    if (this.#latency instanceof RoutedLatency) return this.#latency.topology.subnetOf(row);
    return Math.max(0, this.#zones?.[row] ?? 0);
  }

  #carefulTransitMs(from: number, to: number, bytes: number, now: number, isDatagram: boolean): number {
    const { kind, loss, reordering, maxQueueMs } = this.#settings;
    const isStream = kind === "stream" && !isDatagram;
    const isCut = !this.connectivity.passes(from, to);
    if (isCut && isStream) return held;
    this.counters.sent++;

    const uploadMs = this.#upload === undefined ? 0 : this.#upload.take(from, bytes, now, maxQueueMs);
    if (uploadMs < 0) {
      this.counters.queueDropped++;
      return lost;
    }
    if (isCut) {
      this.counters.cut++;
      return lost;
    }

    this.#random.row = from;
    let delayMs = 0;
    if (loss > 0) {
      const losses = this.#losses(isStream ? maxRetransmissions : 1);
      if (losses > 0 && !isStream) {
        this.counters.lost++;
        return lost;
      }
      this.counters.retransmitted += losses;
      delayMs += this.#settings.retransmitMs * ((1 << losses) - 1);
    }

    const downloadMs = this.#download === undefined ? 0 : this.#download.take(to, bytes, now, maxQueueMs);
    if (downloadMs < 0) {
      this.counters.queueDropped++;
      return lost;
    }
    delayMs += Math.max(uploadMs, downloadMs);
    delayMs += this.#latency.sampleMs(from, to, this.#random);
    this.topology?.carry(from, to, bytes);

    if (isStream) return this.#lastArrivals.inOrder(from, to, now + delayMs, now) - now;
    if (reordering > 0 && this.#random.unit() < reordering) {
      this.counters.reordered++;
      delayMs += this.#settings.reorderMs;
    }
    return delayMs;
  }

  /** How often in a row the message gets lost. */
  #losses(atMost: number): number {
    let losses = 0;
    while (losses < atMost && this.#random.unit() < this.#settings.loss) losses++;
    return losses;
  }

  /** Brings the rest in line with the settings. */
  #apply(): void {
    const { kind, loss, reordering, uploadBytesPerSecond, downloadBytesPerSecond } = this.#settings;
    if (uploadBytesPerSecond > 0) this.#upload ??= new AccessLines(this.rows);
    this.#upload?.setAll(uploadBytesPerSecond);
    if (downloadBytesPerSecond > 0) this.#download ??= new AccessLines(this.rows);
    this.#download?.setAll(downloadBytesPerSecond);
    if (kind === "datagram") this.#lastArrivals.clear();
    this.#isPlain =
      kind === "datagram" &&
      loss === 0 &&
      reordering === 0 &&
      this.#upload === undefined &&
      this.#download === undefined &&
      this.topology === undefined;
  }

  #checkRow(row: number): void {
    if (Number.isInteger(row) && row >= 0 && row < this.rows) return;
    throw new UsageError(`row: ${row} is not from 0 to ${this.rows - 1}`);
  }
}

function assignZone(model: LatencyModel, row: number, zone: number): void {
  if (model instanceof ZonesLatency) model.assign(row, zone);
  if (model instanceof RoutedLatency) model.topology.assign(row, zone);
}
