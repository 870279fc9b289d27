/**
 * A node that looks up and stores, and nothing else: a router and the store over datagrams, without seeds and gossip. It
 * joins through any node of its kind that it is told of, and costs little enough to run hundreds in one process.
 *
 *     const node = await LookupNode.start({ identity, security, listen, bootstrap: ["10.0.0.5:9000"] });
 *     await node.joined;
 *     const { closest } = await node.lookup("song.mp3").report;
 */
import {
  formatContact,
  hostOf,
  identityOf,
  isKey,
  type NodeId,
  type Persist,
  portOf,
  type Random,
  type RouterJoined,
  type RoutingProtocol,
  Stack,
  type Tagged,
  type Typed,
  UsageError,
} from "../core/index.ts";
import type { Payload } from "../dissemination/messages.ts";
import { type Routing, type RoutingOptions, routing } from "../profiles/routing.ts";
import type { Address, DatagramSocket } from "../transport/index.ts";
import { Codec, type WireOptions } from "../wire/index.ts";
import { isMember } from "./cluster.ts";
import { type DatagramEvent, type DatagramOptions, Datagrams } from "./datagrams.ts";
import type { Identity } from "./identity.ts";
import { LiveEnvironment } from "./live-environment.ts";
import { type LookupCallOptions, type LookupRun, Lookups } from "./lookups.ts";
import type { Security } from "./node.ts";
import { persist, remember } from "./persistence.ts";
import {
  type DeleteOptions,
  type FoundRecord,
  type GetOptions,
  type OperationResult,
  type PutOptions,
  Records,
} from "./records.ts";
import { sharedKeyedNode } from "./shared-texts.ts";
import { LiveSignatures } from "./signatures.ts";
import { DiskStore, type Store } from "./store.ts";
import { systemRandom } from "./system-random.ts";
import { atEndOfTurn } from "./turn.ts";

/** Every tunable of a lookup node. */
export interface LookupNodeOptions extends RoutingOptions {
  readonly datagrams?: Partial<DatagramOptions>;
  readonly wire?: Partial<WireOptions>;
}

export interface LookupNodeConfig {
  readonly identity: Identity;
  readonly security: Security;
  /** Port 0 takes a free one. */
  readonly listen: Address;
  /** The host that others are told; default: the address from which they hear us. */
  readonly advertise?: string;
  /** Nodes to join through: "id@host:port", or "host:port" for whoever answers there. None: the first of its network. */
  readonly bootstrap?: readonly string[];
  readonly router?: "kademlia" | "chord" | "pastry";
  /** Nodes of other names are refused. */
  readonly cluster?: string;
  /** Where table and records survive this process; without it, every life is the first. */
  readonly dataFolder?: string;
  readonly options?: LookupNodeOptions;
  readonly random?: Random;
  /** Puts something else in the place of the UDP port: a lab that loses, delays and cuts. */
  readonly bind?: (address: Address) => Promise<DatagramSocket>;
  /** Hears every notice from the very first on. */
  readonly onNotice?: LookupNodeListener;
}

type Notice = Typed & Record<string, any>;
export type LookupNodeListener = (layer: string, notice: Notice) => void;

/** Notices of the shell itself have this layer. */
const shellLayer = "node";

export type LookupNodeNotice =
  | { readonly type: "listening"; readonly contact: NodeId }
  | { readonly type: "stopped"; readonly reason: string }
  | { readonly type: "warning"; readonly text: string }
  | DatagramEvent;

/** What a reply with eight contacts leaves of a datagram of 1200 bytes. */
const defaultMaxReplyBytes = 640;
/** Beside value and name: signature, key, token, numbers, header and seal. */
const recordOverheadBytes = 360;

export class LookupNode {
  readonly datagrams: Datagrams;
  /** Resolves when the router is part of the network; rejected if the node stops before. */
  readonly joined: Promise<RouterJoined>;
  readonly #config: LookupNodeConfig;
  readonly #codec: Codec;
  readonly #lookups: Lookups;
  readonly #records: Records;
  readonly #listeners = new Set<LookupNodeListener>();
  #disk: Store | undefined;
  #env!: LiveEnvironment;
  #stack!: Stack;
  #routing: Routing | undefined;
  #isStopped = false;

  private constructor(config: LookupNodeConfig) {
    this.#config = config;
    this.#codec = sharedCodec(config.options?.wire);
    if (config.onNotice !== undefined) this.#listeners.add(config.onNotice);
    const { identity, security, cluster = "grapevine", bind, options } = config;
    this.datagrams = new Datagrams({
      codec: this.#codec,
      identity,
      cluster,
      isMember: membership(security),
      onMessage: (from, message) => this.#enter(() => this.#stack.onMessage(from, message, this.#env)),
      onEvent: (event) => this.#tell(shellLayer, event),
      ...(bind === undefined ? {} : { bind }),
      ...(options?.datagrams === undefined ? {} : { options: options.datagrams }),
    });
    const hears = {
      isRunning: () => !this.#isStopped,
      onNotice: (listener: (notice: Notice) => void) => this.onNotice((_layer, notice) => listener(notice)),
    };
    this.#lookups = new Lookups({
      ...hears,
      router: () => this.router,
      command: (body) => this.command(this.#routing!.name, body),
    });
    this.#records = new Records({
      ...hears,
      hasStore: () => this.#routing !== undefined,
      command: (body) => this.command("store", body),
    });
    this.joined = new Promise((resolve, reject) => {
      const stop = this.onNotice((_layer, notice) => {
        if (notice.type === "router-joined") resolve(notice as unknown as RouterJoined);
        else if (notice.type === "stopped")
          reject(new UsageError("lookup node: it stopped before it had joined"));
        else return;
        stop();
      });
    });
    this.joined.catch(() => {}); // whoever does not wait for it need not hear of it
  }

  /** Listens, remembers, and begins to join. Throws `UsageError` for options and folders that cannot be used. */
  static async start(config: LookupNodeConfig): Promise<LookupNode> {
    const node = new LookupNode(config);
    try {
      await node.#start();
    } catch (error) {
      await node.datagrams.destroy();
      await node.#disk?.close();
      throw error;
    }
    return node;
  }

  async #start(): Promise<void> {
    const {
      identity,
      listen,
      advertise,
      dataFolder,
      security,
      random,
      options,
      router = "kademlia",
    } = this.#config;
    if (advertise === undefined && (listen.host === "0.0.0.0" || listen.host === "::"))
      throw new UsageError(`advertise: ${listen.host} is no address that others could call; give one`);
    const bootstrap = (this.#config.bootstrap ?? []).map(bootstrapContact);
    if (dataFolder !== undefined) {
      this.#disk = await DiskStore.open(
        dataFolder,
        (text) => this.#warn(text),
        (error) => this.#warn(`cannot write ${dataFolder}: ${error.message}`),
      );
    }
    const memory = this.#disk === undefined ? undefined : await remember(this.#disk, this.#codec);
    if (memory !== undefined && memory.unreadable > 0)
      this.#warn(`${memory.unreadable} entries in ${dataFolder} cannot be read and are left out`);
    await this.datagrams.listen(listen, advertise);
    this.#env = new LiveEnvironment({
      self: this.datagrams.contact,
      random: random ?? systemRandom,
      send: (to, message) => this.datagrams.send(to, message),
      onTimer: (timer) => this.#enter(() => this.#stack.onTimer(timer, this.#env)),
      onNotice: (notice) => this.#onNotice(notice),
    });
    this.#routing = routing({
      self: this.contact,
      keyedNode: sharedKeyedNode,
      // The port may be a new one, and this node among its own bootstrap nodes.
      bootstrap: bootstrap.filter((node) => identityOf(node) !== identity.id),
      signatures: new LiveSignatures(identity, membership(security)),
      restored: memory?.routing,
      options: {
        ...options,
        lookup: { ...options?.lookup, router },
        kademlia: { maxReplyBytes: defaultMaxReplyBytes, ...options?.kademlia },
      },
    })!;
    this.#stack = new Stack({ ...this.#routing.layers });
    this.#tell(shellLayer, { type: "listening", contact: this.contact });
    this.#enter(() => this.#stack.start(this.#env));
  }

  // ---- What a user may ask ------------------------------------------------------------------------------------------

  get contact(): NodeId {
    return this.datagrams.contact;
  }
  get isRunning(): boolean {
    return !this.#isStopped;
  }
  get router(): RoutingProtocol | undefined {
    return this.#routing?.router;
  }

  /** The nodes that are responsible for a name, or for a key of 40 hexadecimal digits; see `LookupRun`. */
  lookup(nameOrKey: string, options?: LookupCallOptions): LookupRun {
    return this.#lookups.start(nameOrKey, options);
  }

  /** As `GrapevineNode.put`; throws `UsageError` also for what does not fit into a datagram. */
  async put(name: string, value: Payload, options?: PutOptions): Promise<OperationResult> {
    const bytes =
      (typeof value === "string" ? Buffer.byteLength(value) : value.length) + Buffer.byteLength(name);
    const most = this.datagrams.maxFrameBytes - recordOverheadBytes;
    if (bytes > most)
      throw new UsageError(
        `value: with its name ${bytes} bytes, and a node that has datagrams only sends at most ${most}`,
      );
    return this.#records.put(name, value, options);
  }

  get(name: string, options?: GetOptions): Promise<FoundRecord | undefined> {
    return this.#records.get(name, options);
  }

  delete(name: string, options?: DeleteOptions): Promise<boolean> {
    return this.#records.delete(name, options);
  }

  /** Hands a command to a layer: the router's name, or "store". */
  command(layer: string, body: Notice): void {
    if (this.#isStopped) return;
    this.#enter(() => this.#stack.onCommand({ layer, body }, this.#env));
  }

  /** Calls `listener` for every notice from now on; call the result to stop. */
  onNotice(listener: LookupNodeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // ---- Ending -------------------------------------------------------------------------------------------------------

  /** Hands over what is kept here, says goodbye, and stops. */
  async leave(): Promise<void> {
    if (this.#isStopped) return;
    await this.#records.handOver();
    this.command(this.#routing!.name, { type: "leave" });
    await this.close("left");
  }

  /** Stops in order, without handing over: the others will notice. */
  async close(reason = "closed"): Promise<void> {
    if (this.#isStopped) return;
    this.#stop();
    await this.datagrams.close();
    await this.#disk?.close();
    this.#tell(shellLayer, { type: "stopped", reason });
  }

  /** Stops as a killed process would: nothing is said or written any more. */
  async kill(): Promise<void> {
    if (this.#isStopped) return;
    this.#stop();
    await this.datagrams.destroy();
    await this.#disk?.close();
    this.#tell(shellLayer, { type: "stopped", reason: "killed" });
  }

  #stop(): void {
    this.#isStopped = true;
    this.#env.close();
  }

  // ---- Between the stack and the world --------------------------------------------------------------------------------

  #enter(step: () => void): void {
    if (this.#isStopped) return;
    try {
      step();
    } catch (error) {
      if (error instanceof UsageError) throw error;
      // Our own belief is broken: this node stops before it harms others.
      this.#warn(`stopped: ${error instanceof Error ? error.stack : String(error)}`);
      void this.kill();
    }
  }

  #onNotice({ layer, body }: Tagged): void {
    if (body.type === "persist") this.#persist(layer, body as Persist);
    else this.#tell(layer, body);
  }

  #persist(layer: string, notice: Persist): void {
    const done = notice.isAwaited
      ? () => this.command(layer, { type: "persisted", key: notice.key })
      : undefined;
    if (this.#disk !== undefined) persist(this.#disk, this.#codec, layer, notice, done);
    else if (done !== undefined) atEndOfTurn(done);
  }

  #tell(layer: string, notice: Notice): void {
    for (const listener of this.#listeners) {
      try {
        listener(layer, notice);
      } catch (error) {
        // Somebody else's mistake: it must neither stop this node nor go unseen.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }

  #warn(text: string): void {
    this.#tell(shellLayer, { type: "warning", text });
  }
}

let codec: Codec | undefined;

/** One serves all nodes of the process that want the usual limits. */
function sharedCodec(options: Partial<WireOptions> | undefined): Codec {
  if (options !== undefined) return new Codec(options);
  codec ??= new Codec();
  return codec;
}

function membership(security: Security): (publicKey: Uint8Array, token: Uint8Array) => boolean {
  if (security.type === "plaintext") return () => true;
  return (publicKey, token) => isMember(security.memberKey, publicKey, token);
}

/** `id@host:port`, `@host:port` or `host:port`. */
function bootstrapContact(text: string): NodeId {
  const contact = text.includes("@") ? text : `@${text}`;
  const id = String(identityOf(contact));
  const port = portOf(contact);
  const isFit =
    (id === "" || isKey(id)) &&
    Number.isInteger(port) &&
    port >= 1 &&
    port <= 65_535 &&
    hostOf(contact) !== "" &&
    formatContact(id, hostOf(contact), port) === contact;
  if (!isFit) throw new UsageError(`bootstrap: ${text} is neither host:port nor id@host:port`);
  return contact;
}
