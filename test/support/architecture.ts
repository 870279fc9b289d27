/**
 * The rules of the house that the compiler cannot see, as functions from sources to faults. A fault names the file,
 * the line and what to do instead. Who may import whom is one table, what pure code does without another.
 *
 * The parser is the one that vitest reads TypeScript with.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { parseAst } from "vite";

export interface Source {
  /** From the root of the repository, with slashes: `src/core/stack.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly specifier: string;
  /** The file that it means, where it is one of ours. */
  readonly target: string | undefined;
  /** Gone when the types are. */
  readonly isTypeOnly: boolean;
  readonly line: number;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: any;
}

export interface ParsedSource extends Source {
  readonly tree: Node;
  readonly imports: readonly Import[];
}

const isTest = (path: string) => /\.(test|contract)\.tsx?$/.test(path);
const folderOf = (path: string) => path.split("/")[1]!;

/** All TypeScript files below these folders, except what was built or installed. */
export function readSources(root: string, folders: readonly string[]): ParsedSource[] {
  const files = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return /^(node_modules|dist)$/.test(entry.name) ? [] : files(path);
      return /(?<!\.d)\.tsx?$/.test(entry.name) ? [path] : [];
    });
  return folders.flatMap(files).map((path) => {
    const text = readFileSync(join(root, path), "utf8");
    return parse({ path: path.replaceAll("\\", "/"), text });
  });
}

export function parse(source: Source): ParsedSource {
  const lang = source.path.endsWith(".tsx") ? "tsx" : "ts";
  const tree = parseAst(source.text, { lang }) as unknown as Node;
  const imports: Import[] = [];
  walk(tree, (node) => {
    const specifier = importedBy(node);
    if (specifier === undefined) return;
    const isOurs = specifier.startsWith(".");
    imports.push({
      specifier,
      target: isOurs ? posix.normalize(posix.join(posix.dirname(source.path), specifier)) : undefined,
      isTypeOnly: isTypeOnly(node),
      line: lineOf(source, node),
    });
  });
  return { ...source, tree, imports };
}

function importedBy(node: Node): string | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
    case "ImportExpression":
    case "TSImportType":
      return typeof node["source"]?.value === "string" ? node["source"].value : undefined;
    case "NewExpression": {
      // new URL("./worker.js", import.meta.url): how a worker is named: by what it is when it runs.
      const [file, base] = node["arguments"];
      const isOurs = node["callee"].name === "URL" && base !== undefined && typeof file?.value === "string";
      // What is no code is a file to read: it is ours to hand out, not to run.
      return isOurs && file.value.startsWith(".") && /\.[jt]sx?$/.test(file.value)
        ? file.value.replace(/worker\.js$/, "worker.ts")
        : undefined;
    }
  }
  return undefined;
}

function isTypeOnly(node: Node): boolean {
  if (node.type === "TSImportType") return true;
  if (node["importKind"] === "type" || node["exportKind"] === "type") return true;
  const specifiers: Node[] = node["specifiers"] ?? [];
  return (
    specifiers.length > 0 &&
    specifiers.every((one) => one["importKind"] === "type" || one["exportKind"] === "type")
  );
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const [field, value] of Object.entries(node)) {
    // A name that only says which member or key is meant is no reference.
    const isMere = (field === "property" || field === "key") && node["computed"] !== true;
    if (isMere && value?.type === "Identifier") continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string" && typeof child.start === "number") walk(child, visit);
    }
  }
}

function lineOf({ text }: Source, node: Node): number {
  return text.slice(0, node.start).split("\n").length;
}

// ---- Floors -----------------------------------------------------------------------------------------------------

const protocols = ["membership", "dissemination", "lookup", "storage"] as const;
/** Compiled without a machine; a page may run them. */
const pureFolders = [
  "core",
  "theory",
  ...protocols,
  "profiles",
  "simulator",
  "simulated",
  "trace",
  "scenario",
];
const belowLab = [...pureFolders, "wire", "transport", "node", "interop"];

/**
 * Which folders of `src` a folder may import. `messages` means: of these only messages.ts, and files whose
 * names end so. */
const floors: Readonly<
  Record<string, { readonly may: readonly string[]; readonly messages?: readonly string[] }>
> = {
  core: { may: [] },
  theory: { may: ["core"] },
  membership: { may: ["core"] },
  dissemination: { may: ["core"] },
  lookup: { may: ["core"] },
  storage: { may: ["core"] },
  profiles: { may: ["core", ...protocols] },
  simulator: { may: ["core"] },
  simulated: { may: ["core", "theory", ...protocols, "profiles", "simulator"] },
  trace: { may: ["core", "theory"] },
  scenario: {
    may: ["core", "theory", ...protocols, "profiles", "simulator", "simulated", "trace"],
  },
  wire: { may: ["core"], messages: protocols },
  transport: { may: ["core"] },
  node: {
    may: ["core", "theory", ...protocols, "profiles", "trace", "scenario", "wire", "transport"],
  },
  interop: { may: ["core", "theory", ...protocols, "profiles", "wire", "transport", "node"] },
  lab: { may: belowLab },
  cli: { may: [...belowLab, "lab"] },
};

/** Imports that go up, sideways, or out of the house. */
export function faultsOfFloors(sources: readonly ParsedSource[]): string[] {
  const faults: string[] = [];
  for (const { path, imports } of sources) {
    if (!path.startsWith("src/") || isTest(path) || path.split("/").length < 3) continue;
    const folder = folderOf(path);
    const floor = floors[folder];
    if (floor === undefined) {
      faults.push(`${path}: the folder ${folder} has no floor; give it one in test/support/architecture.ts`);
      continue;
    }
    for (const { specifier, target, line } of imports) {
      if (target === undefined) continue;
      const where = `${path}:${line}: imports ${specifier}`;
      if (!target.startsWith("src/")) {
        if (target !== "package.json") faults.push(`${where}, which is not in src; move what it needs there`);
        continue;
      }
      const other = folderOf(target);
      if (other === folder || floor.may.includes(other)) continue;
      if (floor.messages?.includes(other)) {
        if (/[/-]messages\.ts$/.test(target)) continue;
        faults.push(
          `${where}; ${folder} may import from ${other} only its messages.ts and *-messages.ts: put the type there`,
        );
        continue;
      }
      faults.push(
        `${where}; ${folder} may import ${floor.may.join(", ") || "nothing outside itself"}. ` +
          "If it needs something from above or beside it, that belongs in core as an interface",
      );
    }
  }
  return faults;
}

/** The page runs in browsers: of `src` it has what knows no machine, and of the rest the types. */
export function faultsOfThePage(sources: readonly ParsedSource[]): string[] {
  const faults: string[] = [];
  for (const { path, imports } of sources) {
    if (!path.startsWith("dashboard/src/") || isTest(path)) continue;
    for (const { specifier, target, isTypeOnly, line } of imports) {
      const where = `${path}:${line}: imports ${specifier}`;
      if (specifier.startsWith("node:")) faults.push(`${where}, which no browser has`);
      if (target === undefined || target.startsWith("dashboard/src/") || isTypeOnly) continue;
      if (!target.startsWith("src/") || !pureFolders.includes(folderOf(target)))
        faults.push(
          `${where}; the page may import ${pureFolders.join(", ")}, and of other folders only types: ` +
            "what it needs of them belongs into one of these, or is asked for over the control API",
        );
    }
  }
  return faults;
}

// ---- What pure code does without ----------------------------------------------------------------------------------

/** Where the order of a run is decided: there even the last bit of a logarithm counts. */
const exactFolders = ["core", ...protocols, "simulated", "scenario"];
const exempt = "src/core/deterministic-math.ts";

const useTimers = "use env.schedule, and recognise a timer that no longer matters";
const useNotices = "use env.notify: the shell writes, prints and counts notices";
const putIntoTheShell = "put it into src/node, and hand its result in as an option or a command";

/** Names of the machine, and what to use instead. */
const bannedNames: Readonly<Record<string, string>> = {
  setTimeout: useTimers,
  setInterval: useTimers,
  setImmediate: useTimers,
  queueMicrotask: useTimers,
  performance: "use env.now",
  console: useNotices,
  process: putIntoTheShell,
  require: putIntoTheShell,
  fetch: putIntoTheShell,
  globalThis: putIntoTheShell,
  Buffer: "use Uint8Array",
  crypto: "use env.random for dice and the Signatures that are handed in for proofs",
};

const bannedMembers: Readonly<Record<string, string>> = {
  "Date.now": "use env.now",
  "Math.random": "use env.random",
};

/** ECMAScript leaves their last bits to the engine. */
const approximated = [
  ..."acos acosh asin asinh atan atan2 atanh cbrt cos cosh exp expm1 hypot log log10 log1p log2 pow".split(
    " ",
  ),
  ..."sin sinh tan tanh".split(" "),
];

/** Clocks, dice, sockets and texts of the machine in code that must run the same everywhere. */
export function faultsOfPurity(sources: readonly ParsedSource[]): string[] {
  const faults: string[] = [];
  for (const source of sources) {
    const { path, tree, imports } = source;
    if (!path.startsWith("src/") || isTest(path) || !pureFolders.includes(folderOf(path))) continue;
    const isExact = exactFolders.includes(folderOf(path)) && path !== exempt;
    const fault = (node: Node, what: string, instead: string) =>
      faults.push(`${path}:${lineOf(source, node)}: ${what}; ${instead}`);
    for (const { specifier, line } of imports) {
      if (specifier.startsWith("node:")) faults.push(`${path}:${line}: ${specifier}; ${putIntoTheShell}`);
    }
    walk(tree, (node) => {
      if (node.type === "Identifier" && Object.hasOwn(bannedNames, node["name"])) {
        fault(node, node["name"], bannedNames[node["name"]]!);
      }
      const isDate = node["callee"]?.name === "Date";
      if (isDate && (node.type === "CallExpression" || node["arguments"].length === 0)) {
        fault(node, node.type === "CallExpression" ? "Date()" : "new Date()", "use new Date(env.now)");
      }
      const member = memberName(node);
      if (member !== undefined && Object.hasOwn(bannedMembers, member))
        fault(node, member, bannedMembers[member]!);
      if (isExact && member !== undefined && approximated.includes(member.replace(/^Math\./, ""))) {
        if (member.startsWith("Math."))
          fault(node, member, "use deterministic-math: engines differ in the last bit");
      }
      const isPower = node.type === "BinaryExpression" && node["operator"] === "**";
      if (isExact && isPower && !(isNumber(node["left"]) && isNumber(node["right"]))) {
        fault(node, "**", "use pow of deterministic-math: engines differ in the last bit");
      }
    });
  }
  return faults;
}

function isNumber(node: Node): boolean {
  return node.type === "Literal" && typeof node["value"] === "number";
}

/** `Math.log` for both `Math.log` and `Math["log"]`. */
function memberName(node: Node): string | undefined {
  if (node.type !== "MemberExpression" || node["object"].type !== "Identifier") return undefined;
  const { object, property, computed } = node;
  const name = computed ? property.value : property.name;
  return typeof name === "string" ? `${object.name}.${name}` : undefined;
}

// ---- The graph of imports -----------------------------------------------------------------------------------------

/** Files that import each other in a circle, types left out: those are gone when the program runs. */
export function cyclesIn(sources: readonly ParsedSource[]): string[] {
  const graph = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports
        .filter(({ isTypeOnly, target }) => !isTypeOnly && target !== undefined)
        .map(({ target }) => target!),
    ]),
  );
  const faults: string[] = [];
  const state = new Map<string, "open" | "done">();
  const trail: string[] = [];
  const visit = (path: string): void => {
    if (state.get(path) === "done" || !graph.has(path)) return;
    if (state.get(path) === "open") {
      const circle = [...trail.slice(trail.indexOf(path)), path];
      faults.push(`${circle.join(" -> ")}; move what they share into a file that imports neither`);
      return;
    }
    state.set(path, "open");
    trail.push(path);
    for (const next of graph.get(path)!) visit(next);
    trail.pop();
    state.set(path, "done");
  };
  for (const path of graph.keys()) visit(path);
  return faults;
}

const isEntry = (path: string) =>
  ["src/cli/main.ts", "dashboard/src/main.tsx"].includes(path) ||
  path === "test/support/chromium.ts" ||
  posix.basename(path) === "index.ts" ||
  isTest(path);

/** Files that nobody imports. Tests do not count as users of what is in src. */
export function orphansIn(sources: readonly ParsedSource[]): string[] {
  const used = new Set<string>();
  for (const { path, imports } of sources) {
    for (const { target } of imports) {
      if (target !== undefined && (!isTest(path) || target.startsWith("test/"))) used.add(target);
    }
  }
  return sources
    .filter(({ path }) => /^(src|test|dashboard)\//.test(path) && !isEntry(path) && !used.has(path))
    .map(({ path }) => `${path}: nobody imports it; export it from the folder's index.ts, or delete it`);
}

// ---- Tests ----------------------------------------------------------------------------------------------------------

/** Tests that run alone or not at all. */
export function faultsOfTests(sources: readonly ParsedSource[]): string[] {
  const faults: string[] = [];
  for (const source of sources) {
    if (!isTest(source.path)) continue;
    walk(source.tree, (node) => {
      const member = memberName(node);
      const [, runner, how] = /^(test|it|describe|suite)\.(only|skip|todo|fails)$/.exec(member ?? "") ?? [];
      if (runner === undefined) return;
      const instead =
        how === "only"
          ? "remove it: the other tests of the file do not run"
          : "mend the test or delete it; for what a machine may lack, use skipIf";
      faults.push(`${source.path}:${lineOf(source, node)}: ${member}; ${instead}`);
    });
  }
  return faults;
}

/** Where this repository begins. */
export const root = join(import.meta.dirname, "../..");
