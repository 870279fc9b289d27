/** The living graph: draws a timeline's network frame by frame, and moves the camera. React only places it. */
import type { TraceEvent } from "../../../../src/core/index.ts";
import { type BookedMessage, messageKey, statesAt } from "../../../../src/trace/message-book.ts";
import { type Camera, fitTo, panBy, type Size, toWorld, zoomAt } from "../../drawing/graph-camera.ts";
import { GraphMotion } from "../../drawing/graph-motion.ts";
import { GraphPainter } from "../../drawing/graph-painter.ts";
import type { GraphTheme } from "../../drawing/graph-theme.ts";
import { LayoutKeeper, type LayoutKind } from "../../drawing/layout-keeper.ts";
import { palette } from "../../drawing/palette.ts";
import type { Timeline } from "../../timeline/timeline.ts";
import { type MessageChoice, messageAt } from "./message-choice.ts";
import { NetworkScene } from "./network-scene.ts";

/** Longer pauses between frames are of a page that nobody saw. */
const longestFrameMs = 250;
/** Messages of one `forwarded` event that are looked at. */
const maxMessagesOfEvent = 50;

export class NetworkStage {
  readonly scene = new NetworkScene();
  readonly #timeline: Timeline;
  readonly #painter: GraphPainter;
  readonly #keeper = new LayoutKeeper();
  readonly #motion = new GraphMotion();
  readonly #stopWatching: () => void;
  #camera: Camera = { x: 0, y: 0, scale: 1 };
  /** The camera follows the network until somebody moves it. */
  #fits = true;
  #choice: MessageChoice = { type: "latest" };
  #hoveredRow: number | undefined;
  #selectedRow: number | undefined;
  #isDirty = true;
  #linksAreDirty = true;
  #frame = 0;
  /** What was drawn last. */
  #drawn = { at: 0, version: -1, epoch: -1, cursor: 0, topology: -1, disturbances: -1, arrangements: -1 };
  #arrivals = new WeakMap<BookedMessage, { size: number; readonly byPair: Map<string, number> }>();

  constructor(
    timeline: Timeline,
    canvases: { readonly links: HTMLCanvasElement; readonly nodes: HTMLCanvasElement },
    theme: GraphTheme,
  ) {
    this.#timeline = timeline;
    this.#painter = new GraphPainter(canvases.links, canvases.nodes, theme);
    this.#stopWatching = timeline.onPassed((event) => this.#onPassed(event));
    this.#frame = requestAnimationFrame((now) => this.#draw(now));
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    this.#stopWatching();
    this.#keeper.close();
  }

  // ---- What is shown ----

  setup(size: Size, pixelRatio: number, theme: GraphTheme): void {
    this.#painter.setup(size, pixelRatio, theme);
    this.#needsAll();
  }

  show(choice: MessageChoice): void {
    this.#choice = choice;
    this.#motion.clear();
    this.#isDirty = true;
  }

  select(row: number | undefined): void {
    this.#selectedRow = row;
    this.#drawn.topology = -1;
    this.#isDirty = true;
  }
  hover(row: number | undefined): void {
    if (row === this.#hoveredRow) return;
    this.#hoveredRow = row;
    this.#isDirty = true;
  }

  setLayout(kind: LayoutKind): void {
    this.#keeper.setKind(kind);
    this.fit();
  }
  arrangeAgain(): void {
    this.#keeper.arrangeAgain();
    this.fit();
  }

  // ---- The camera ----

  fit(): void {
    this.#fits = true;
    this.#needsAll();
  }
  zoom(factor: number, x = this.#painter.size.width / 2, y = this.#painter.size.height / 2): void {
    this.#look(zoomAt(this.#camera, this.#painter.size, { x, y }, factor));
  }
  pan(byX: number, byY: number): void {
    this.#look(panBy(this.#camera, byX, byY));
  }
  /** Into the middle, as far as it is not seen well. */
  lookAt(row: number): void {
    const at = this.#keeper.place(row);
    if (at === undefined || this.#fits) return;
    this.#look({ ...this.#camera, x: at[0], y: at[1] });
  }

  /** Row of the node that is drawn there. */
  rowAt(x: number, y: number): number | undefined {
    return this.scene.drawn[this.#painter.placeAt(this.#camera, this.scene.nodes, x, y)]?.row;
  }
  drag(row: number, x: number, y: number): void {
    const to = toWorld(this.#camera, this.#painter.size, { x, y });
    this.#keeper.put(row, to.x, to.y);
    this.#fits = false;
    this.scene.move((each) => this.#keeper.place(each));
    this.#needsAll();
  }

  #look(camera: Camera): void {
    this.#camera = camera;
    this.#fits = false;
    this.#needsAll();
  }
  #needsAll(): void {
    this.#isDirty = true;
    this.#linksAreDirty = true;
  }

  // ---- Frames ----

  #draw(now: number): void {
    this.#frame = requestAnimationFrame((next) => this.#draw(next));
    const timeline = this.#timeline;
    const drawn = this.#drawn;
    const elapsedMs = Math.min(longestFrameMs, now - drawn.at);
    drawn.at = now;
    if (timeline.epoch !== drawn.epoch) this.#begin(timeline.epoch);
    if (timeline.version !== drawn.version) this.#update();
    // What is on its way stands still with the time of the network.
    const hadMotion = this.#motion.isMoving;
    if (timeline.pace.type !== "paused") this.#motion.advance(elapsedMs);
    const glides = this.#keeper.glide(now);
    if (glides || this.#keeper.arrangements !== drawn.arrangements) {
      drawn.arrangements = this.#keeper.arrangements;
      this.scene.move((row) => this.#keeper.place(row));
      this.#needsAll();
    }
    if (hadMotion && timeline.pace.type !== "paused") this.#isDirty = true;
    if (this.#painter.size.width === 0 || !(this.#isDirty || this.#linksAreDirty)) return;
    this.#paint();
  }

  #begin(epoch: number): void {
    this.#drawn.epoch = epoch;
    this.#keeper.forget();
    this.#motion.clear();
    this.#fits = true;
  }

  /** After the timeline has changed. */
  #update(): void {
    const { picture, cursor, version, messages } = this.#timeline;
    const drawn = this.#drawn;
    if (cursor < drawn.cursor) this.#motion.clear();
    const disturbances = picture.disturbances.length;
    const isSame = picture.topologyVersion === drawn.topology && disturbances === drawn.disturbances;
    // A picture of another moment counts its changes anew.
    if (!isSame || cursor < drawn.cursor) {
      this.scene.rebuild(picture, this.#selectedRow);
      this.#keeper.update(this.scene.layout);
      this.scene.move((row) => this.#keeper.place(row));
      drawn.topology = picture.topologyVersion;
      drawn.disturbances = disturbances;
      this.#linksAreDirty = true;
    }
    drawn.version = version;
    drawn.cursor = cursor;
    const message = messageAt(messages, this.#choice, cursor);
    const rows = picture.register.all.length + 1;
    this.scene.paint(message === undefined ? undefined : statesAt(message, cursor, rows));
    this.#isDirty = true;
  }

  #paint(): void {
    const { scene } = this;
    if (this.#fits) {
      const { xs, ys } = scene.placed();
      this.#camera = fitTo(xs, ys, xs.length, this.#painter.size);
    }
    if (this.#linksAreDirty) this.#painter.drawLinks(this.#camera, scene.nodes, scene.links);
    this.#painter.drawNodes(this.#camera, {
      nodes: scene.nodes,
      dots: scene.dots(this.#motion),
      glows: scene.glows(this.#motion),
      selected: this.#selectedRow === undefined ? -1 : scene.placeOf(this.#selectedRow),
      hovered: this.#hoveredRow === undefined ? -1 : scene.placeOf(this.#hoveredRow),
      dotColor: palette.infected,
    });
    this.#isDirty = false;
    this.#linksAreDirty = false;
  }

  // ---- What happens ----

  #onPassed(event: TraceEvent): void {
    const { register, source, pace } = this.#timeline;
    // A recorded run that is followed is being read: nobody watches it happen.
    if (source.kind === "recorded" && pace.type === "follow") return;
    if (event.type === "neighbor-up" && event.layer === "overlay") {
      const neighbor = event["neighbor"];
      if (typeof neighbor !== "string" && typeof neighbor !== "number") return;
      this.#motion.glow(register.of(event.node).row, register.of(neighbor).row);
    } else if (event.type === "forwarded") this.#onForwarded(event);
  }

  #onForwarded(event: TraceEvent): void {
    const { messages, register } = this.#timeline;
    const { to, count, sequence } = event;
    if (this.#choice.type === "none" || !Array.isArray(to) || typeof sequence !== "number") return;
    const last = sequence + Math.min(typeof count === "number" ? count : 1, maxMessagesOfEvent);
    for (let i = sequence; i < last; i++) {
      const key = messageKey({ ...event, sequence: i });
      if (key === undefined || (this.#choice.type === "one" && this.#choice.key !== key)) continue;
      const message = messages.get(key);
      const from = register.of(event.node).row;
      for (const target of to) {
        const row = register.of(target).row;
        this.#motion.send(from, row, message && this.#tookMs(message, event.at, from, row), this.#speed());
      }
      // Several messages of one publication travel together.
      return;
    }
  }

  #speed(): number {
    const { pace } = this.#timeline;
    return pace.type === "play" && pace.speed > 0 ? pace.speed : 1;
  }

  /** How long the copy was on its way, where it was the one that arrived first. */
  #tookMs(message: BookedMessage, sentAt: number, from: number, to: number): number | undefined {
    let known = this.#arrivals.get(message);
    if (known === undefined) {
      known = { size: 0, byPair: new Map() };
      this.#arrivals.set(message, known);
    }
    for (; known.size < message.receivers.length; known.size++) {
      const { senders, receivers, receivedAfterMs } = message;
      known.byPair.set(`${senders[known.size]} ${receivers[known.size]}`, receivedAfterMs[known.size]!);
    }
    const receivedMs = known.byPair.get(`${from} ${to}`);
    return receivedMs === undefined ? undefined : Math.max(0, receivedMs + message.publishedAt - sentAt);
  }
}
