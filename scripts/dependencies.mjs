// Prints what each dependency costs: `node scripts/dependencies.mjs [folder]`, after `npm ci` there.
// Packages that several dependencies share are counted with each of them, and once in the total.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2] ?? ".";
const packages = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")).packages;

/** Where `name` is found from the package at `from`, as Node looks for it. */
function resolve(from, name) {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf("/node_modules/")))) {
    const path = base === "" ? `node_modules/${name}` : `${base}/node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (base === "") return undefined;
    if (!base.includes("/node_modules/")) base = "";
  }
}

/** The package and all that it brings and that is installed on this machine. */
function withAll(name) {
  const found = new Set();
  const add = (path) => {
    if (path === undefined || found.has(path) || !existsSync(join(folder, path))) return;
    found.add(path);
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = packages[path];
    const needed = Object.keys(peerDependencies ?? {}).filter((peer) => !peerDependenciesMeta?.[peer]?.optional);
    for (const one of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...needed]) add(resolve(path, one));
  };
  add(resolve("", name));
  return found;
}

/** On disk, without packages installed inside it. */
function bytesOf(directory) {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isFile()) bytes += statSync(path).blocks * 512;
    else if (entry.isDirectory() && entry.name !== "node_modules") bytes += bytesOf(path);
  }
  return bytes;
}

function show(name, paths) {
  let bytes = 0;
  for (const path of paths) bytes += bytesOf(join(folder, path));
  console.log(`${name.padEnd(28)} ${String(paths.size).padStart(4)} packages ${(bytes / 1e6).toFixed(1).padStart(6)} MB`);
}

const { dependencies = {}, devDependencies = {}, workspaces = [] } = packages[""];
for (const [title, names] of [
  ["dependencies", Object.keys(dependencies)],
  ["devDependencies", Object.keys(devDependencies)],
  ...workspaces.map((workspace) => [workspace, Object.keys(packages[workspace].devDependencies ?? {})]),
]) {
  const all = new Set();
  for (const name of names) {
    const paths = withAll(name);
    for (const path of paths) all.add(path);
    show(name, paths);
  }
  if (names.length > 0) show(`all ${title}`, all);
}
