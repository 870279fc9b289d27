import { Command, Option } from "commander";
import pc from "picocolors";
import { addressOf, identityOf, type NodeId, UsageError } from "../core/index.ts";
import { escapeText } from "../node/index.ts";
import { components } from "../theory/graph-measures.ts";
import {
  type ApiOptions,
  addApiOptions,
  answers,
  askAll,
  chooseNode,
  findAllApis,
  findApi,
  jsonText,
  nodePath,
  print,
  showId,
  table,
} from "./api-client.ts";

interface NeighborsOptions extends ApiOptions {
  readonly all?: boolean;
  readonly dot?: boolean;
  readonly json?: boolean;
}

export function neighborsCommand(): Command {
  return addApiOptions(
    new Command("neighbors")
      .description("Show the links of a node with their round trips, or the whole overlay")
      .argument("[node]", "name or port of the node; not needed where there is only one")
      .option("--all", "the overlay of all nodes that run here: who has which neighbors, and the degrees")
      .addOption(new Option("--dot", "the overlay for Graphviz").conflicts("json"))
      .option("--json", "print the result as JSON"),
  )
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine neighbors peer-1
  $ grapevine neighbors --all
  $ grapevine neighbors --dot | neato -Tsvg > overlay.svg
`,
    )
    .action((node: string | undefined, options: NeighborsOptions) => {
      if (!options.all && !options.dot) return neighborsOf(node, options);
      if (node !== undefined)
        throw new UsageError(`node: "${node}" cannot go with --all; leave one of them out`);
      return overlay(options);
    });
}

async function neighborsOf(wanted: string | undefined, options: NeighborsOptions): Promise<void> {
  const client = await findApi(options, wanted);
  const node = await chooseNode(client, wanted).catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message}; --all shows the links of all`);
  });
  const answer = await client.get(nodePath(node, "neighbors"), answers.neighbors);
  if (options.json) return await print(jsonText(answer));
  if (answer.neighbors.length === 0) return await print(`${escapeText(node)} has no neighbors.`);
  const names = new Map((await client.nodes()).map(({ name, contact }) => [identityOf(contact), name]));
  const rows = answer.neighbors.map(({ peer, host, port, rttMs }) => [
    escapeText(names.get(identityOf(peer)) ?? ""),
    showId(peer),
    escapeText(host),
    port,
    rttMs === null ? "unknown" : `${Number(rttMs.toFixed(1))} ms`,
  ]);
  await print(table(["name", "id", "host", "port", "round trip"], rows));
}

// ---- The overlay ----

interface Vertex {
  readonly contact: NodeId;
  /** What people call it; its address where it is no node of a process that we could ask. */
  readonly name: string;
  /** Undefined for a node of somewhere else, whose links we know in part. */
  readonly role: string | undefined;
  readonly neighbors: Vertex[];
}

interface Overlay {
  readonly vertices: readonly Vertex[];
  readonly links: readonly (readonly [Vertex, Vertex])[];
}

async function overlay(options: NeighborsOptions): Promise<void> {
  const graphs = await askAll(findAllApis(options), (client) => client.get("/v1/graph", answers.graph));
  const graph = merge(
    graphs.flatMap(({ nodes }) => nodes),
    graphs.flatMap(({ links }) => links),
  );
  if (options.dot) return await print(dotText(graph));
  if (options.json) {
    const nodes = graph.vertices.flatMap(({ name, contact, role }) =>
      role === undefined ? [] : { name, contact, role },
    );
    return await print(jsonText({ nodes, links: graph.links.map(([a, b]) => [a.contact, b.contact]) }));
  }
  await print(describe(graph));
}

/** Both ends of a link may have told of it. Nodes of other processes come last, in the order in which they are named. */
function merge(
  nodes: readonly { name: string; contact: NodeId; role: string }[],
  pairs: readonly (readonly [NodeId, NodeId])[],
): Overlay {
  const vertices = new Map<NodeId, Vertex>();
  for (const { name, contact, role } of nodes) vertices.set(contact, { name, contact, role, neighbors: [] });
  const vertexOf = (contact: NodeId) => {
    const known = vertices.get(contact) ?? {
      contact,
      name: addressOf(contact),
      role: undefined,
      neighbors: [],
    };
    vertices.set(contact, known);
    return known;
  };
  const links: [Vertex, Vertex][] = [];
  for (const pair of pairs) {
    const [a, b] = pair.map(vertexOf) as [Vertex, Vertex];
    if (a === b || a.neighbors.includes(b)) continue;
    a.neighbors.push(b);
    b.neighbors.push(a);
    links.push([a, b]);
  }
  return { vertices: [...vertices.values()], links };
}

function describe({ vertices, links }: Overlay): string {
  // Seeds introduce peers and hold no links of the overlay.
  const peers = vertices.filter(({ role }) => role === "peer");
  const strangers = vertices.filter(({ role }) => role === undefined);
  if (peers.length === 0) return "No peer is running here, so there is no overlay.";
  const rows = peers.map(({ name, neighbors }) => [
    escapeText(name),
    neighbors.length,
    neighbors.map((one) => escapeText(one.name)).join(" "),
  ]);
  const degrees = peers.map(({ neighbors }) => neighbors.length);
  const mean = degrees.reduce((sum, degree) => sum + degree, 0) / peers.length;
  const members = [...peers, ...strangers];
  const indexOf = new Map(members.map((vertex, index) => [vertex, index]));
  const adjacency = members.map(({ neighbors }) => neighbors.flatMap((one) => indexOf.get(one) ?? []));
  const parts = components(adjacency).length;
  const elsewhere =
    strangers.length === 0 ? "" : `, and ${strangers.length} elsewhere whose other links are not known here`;
  return [
    table(["peer", "degree", "neighbors"], rows),
    "",
    `${peers.length} peers${elsewhere}; ${links.length} links; degrees ${Math.min(...degrees)} to ${Math.max(...degrees)}, mean ${mean.toFixed(2)}; ` +
      (parts === 1 ? "connected" : pc.red(`in ${parts} parts`)),
    "",
    pc.dim("degree  peers"),
    ...degreeBars(degrees),
  ].join("\n");
}

function degreeBars(degrees: readonly number[]): string[] {
  const histogram = new Map<number, number>();
  for (const degree of degrees) histogram.set(degree, (histogram.get(degree) ?? 0) + 1);
  const most = Math.max(...histogram.values());
  return [...histogram]
    .sort(([a], [b]) => a - b)
    .map(([degree, count]) => {
      const bar = "#".repeat(Math.max(1, Math.round((count / most) * barWidth)));
      return `${String(degree).padStart(6)}  ${String(count).padStart(5)}  ${pc.cyan(bar)}`;
    });
}

const barWidth = 40;

function dotText({ vertices, links }: Overlay): string {
  // Seeds hold no links: they would only float around the picture.
  const shown = vertices.filter(({ role, neighbors }) => role !== "seed" || neighbors.length > 0);
  const lines = shown.map(({ contact, name, role }) => {
    const look = role === undefined ? ", style=dashed" : "";
    return `  ${quote(contact)} [label=${quote(name)}${look}];`;
  });
  for (const [a, b] of links) lines.push(`  ${quote(a.contact)} -- ${quote(b.contact)};`);
  return `graph overlay {\n${lines.join("\n")}\n}`;
}

/** A string of the DOT language. Backslashes are doubled: labels give some of their own a meaning. */
function quote(text: NodeId): string {
  return `"${escapeText(String(text)).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
