// What a tree of processes uses, from /proc: a browser is several.
import { readdirSync, readFileSync } from "node:fs";

const ticksPerSecond = 100; // USER_HZ, the same on every Linux that Node runs on

/** CPU time of the process and of all that it has started, of those that are there. */
export function cpuMsOf(pid) {
  return treeOf(pid).reduce((sum, { ticks }) => sum + (ticks * 1000) / ticksPerSecond, 0);
}

/** Memory, what several share counted once. */
export function memoryBytesOf(pid) {
  return treeOf(pid).reduce((sum, one) => sum + proportionalBytes(one.pid), 0);
}

function treeOf(root) {
  const all = new Map();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      all.set(Number(entry), {
        pid: Number(entry),
        parent: Number(fields[1]),
        ticks: Number(fields[11]) + Number(fields[12]),
      });
    } catch {
      // It has just ended.
    }
  }
  const isOfTree = (pid) => {
    for (let at = all.get(pid); at !== undefined; at = all.get(at.parent)) if (at.pid === root) return true;
    return false;
  };
  return [...all.values()].filter(({ pid }) => isOfTree(pid));
}

function proportionalBytes(pid) {
  try {
    const [, kib] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}
