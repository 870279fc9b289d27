/** Who is in a trace, and whether they lived when something happened. */
import { type Identity, identityOf, type NodeId } from "../core/index.ts";

export interface TracedNode {
  /** As it was written last: a node may move to another address. */
  id: NodeId;
  name: string;
  /** `seed`, `peer`, or `unknown` as long as nobody has named it. */
  role: string;
  /** Its place in the rows of the messages. Who loses its disk gets a new one: it may be told everything again. */
  row: number;
  /** It has events of its own; others are only spoken of. */
  isSeen: boolean;
  state: "unborn" | "alive" | "paused" | "closed" | "dead" | "left";
  /** Its present life: the number of publications before it began, and before it ended. */
  lifeFrom: number;
  lifeTo: number;
  /** Copies of messages that it has sent. */
  sends: number;
}

export class NodeRegister {
  readonly #nodes: TracedNode[] = [];
  /** Every way in which a node was written, so that its identity is cut out once only. */
  readonly #byId = new Map<NodeId, TracedNode>();
  readonly #byIdentity = new Map<Identity, TracedNode>();
  /** The latest at that address, `@host:port`: whoever dials a seed knows no more of it. */
  readonly #byAddress = new Map<string, TracedNode>();
  /** The latest of that name. */
  readonly #byName = new Map<string, TracedNode>();
  #rows = 0;

  get all(): readonly TracedNode[] {
    return this.#nodes;
  }

  of(id: NodeId): TracedNode {
    return this.#byId.get(id) ?? this.#find(id);
  }

  /** A node that does not listen yet stands in the trace under its name: then these are one. */
  name(id: NodeId, name: string, role: string): TracedNode {
    const early = this.#byIdentity.get(name);
    if (early !== undefined && typeof id === "string" && !this.#byIdentity.has(keyOf(id)))
      this.#byIdentity.set(keyOf(id), early);
    const node = this.of(id);
    node.id = id;
    node.name = name;
    node.role = role;
    this.#byName.set(name, node);
    return node;
  }

  /** Who comes back under another id has the role that its name had. */
  roleOf(name: string): string {
    return this.#byName.get(name)?.role ?? "unknown";
  }

  takeNewRow(node: TracedNode): void {
    node.row = this.#rows++;
  }

  #find(id: NodeId): TracedNode {
    const key = keyOf(id);
    const known = this.#byIdentity.get(key);
    // A name may pass to another node, so that it is looked up each time.
    if (known === undefined && typeof id === "string" && this.#byName.has(id)) return this.#byName.get(id)!;
    const address = addressOf(id);
    if (known === undefined && address === id && this.#byAddress.has(address))
      return this.#byAddress.get(address)!;
    const node = known ?? this.#atAddress(id, key, address) ?? this.#create(id, key);
    this.#byId.set(id, node);
    if (address !== undefined && address !== id) this.#byAddress.set(address, node);
    return node;
  }

  /** Somebody was spoken of by address alone, and it is known now who that is. */
  #atAddress(id: NodeId, key: Identity, address: string | undefined): TracedNode | undefined {
    const node = address === undefined || address === id ? undefined : this.#byIdentity.get(address);
    if (node === undefined) return undefined;
    this.#byIdentity.delete(address!);
    this.#byIdentity.set(key, node);
    node.id = id;
    return node;
  }

  #create(id: NodeId, key: Identity): TracedNode {
    const node: TracedNode = {
      id,
      name: "",
      role: "unknown",
      row: this.#rows++,
      isSeen: false,
      state: "unborn",
      lifeFrom: 0,
      lifeTo: Number.POSITIVE_INFINITY,
      sends: 0,
    };
    this.#nodes.push(node);
    this.#byIdentity.set(key, node);
    return node;
  }
}

/** `"@host:port"` has no key: whoever answers there. */
function keyOf(id: NodeId): Identity {
  const identity = identityOf(id);
  return identity === "" ? id : identity;
}

/** `@host:port`; undefined where there is none. */
function addressOf(id: NodeId): string | undefined {
  const at = typeof id === "string" ? id.indexOf("@") : -1;
  return at < 0 ? undefined : (id as string).slice(at);
}
