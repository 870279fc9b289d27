/**
 * Hosts on this machine: network namespaces, so that nothing else of the machine is in what we count, lose and cut.
 * Members live on addresses of a host, as several programs on one computer would.
 *
 * Loss is the kernel's: a classic BPF program on what an interface receives draws a random number for each packet, of
 * UDP and TCP alike, and drops it silently. (netem would do the same; it is missing in many kernels that are small.)
 */
import { execFileSync } from "node:child_process";
import { payloadIn } from "./parsing.mjs";

const made = new Set();

export function removeHosts() {
  for (const host of made) host.remove();
}

/** What is missing for hosts on this machine; undefined if nothing is. */
export function whyNoHosts() {
  if (process.platform !== "linux") return "network namespaces are needed, and only Linux has them";
  if (process.getuid() !== 0) return "network namespaces are needed, and only root may make them";
  let host;
  try {
    host = new Host("probe");
    host.lose(0.2);
    host.counted();
  } catch (error) {
    if (error.code === "ENOENT") return "there is no `ip` or `tc`; install the package iproute2";
    return `this kernel lacks what is needed: ${String(error.stderr ?? error.message).trim()}`;
  } finally {
    host?.remove();
  }
}

// "Numbers above the packet's end" are the kernel's extensions of classic BPF; this one is a random number of 32 bits.
const loadRandom = `32 0 0 ${2 ** 32 - 0x1000 + 56}`;
const jumpIfAtLeast = (value, then, otherwise) => `53 ${then} ${otherwise} ${value}`;
const pass = "6 0 0 4294967295";
const drop = "6 0 0 2";
const dropAll = `1,${drop}`;
const dropShare = (share) =>
  `4,${loadRandom},${jumpIfAtLeast(Math.round(share * 2 ** 32), 1, 0)},${drop},${pass}`;

const classes = { other: "1:1", udp: "1:17", tcp: "1:6" };

export class Host {
  #space;

  constructor(name) {
    this.#space = `grapevine-bench-${process.pid}-${name}`;
    this.#run("ip", "netns", "add", this.#space);
    made.add(this);
    this.#inside("ip", "link", "set", "lo", "up");
    // Headers of TCP are of one length then, and what is left is payload.
    for (const option of ["tcp_timestamps", "tcp_sack"])
      this.#inside("sh", "-c", `echo 0 > /proc/sys/net/ipv4/${option}`);
    this.#tc("qdisc", "add", "dev", "lo", "root", "handle", "1:", "htb", "default", "1");
    for (const id of Object.values(classes))
      this.#tc(
        "class",
        "add",
        "dev",
        "lo",
        "parent",
        "1:",
        "classid",
        id,
        "htb",
        "rate",
        "10gbit",
        "quantum",
        "60000",
      );
    for (const [protocol, id] of [
      ["17", classes.udp],
      ["6", classes.tcp],
    ]) {
      const match = ["u32", "match", "ip", "protocol", protocol, "0xff", "flowid", id];
      this.#tc("filter", "add", "dev", "lo", "parent", "1:", "protocol", "ip", ...match);
    }
    this.#tc("qdisc", "add", "dev", "lo", "clsact");
  }

  /** What goes before a command so that it runs on this host. */
  get within() {
    return ["ip", "netns", "exec", this.#space];
  }

  /** Lays a cable between two hosts, and gives each so many addresses at its end. */
  static join(a, addressesOfA, b, addressesOfB) {
    a.#inside("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", b.#space);
    for (const [host, addresses] of [
      [a, addressesOfA],
      [b, addressesOfB],
    ]) {
      for (const address of addresses) host.#inside("ip", "address", "add", `${address}/16`, "dev", "eth0");
      host.#inside("ip", "link", "set", "eth0", "up");
      host.#tc("qdisc", "add", "dev", "eth0", "clsact");
    }
  }

  /** Loses this share of all packets between members of this host from now on; 0 none. */
  lose(share) {
    this.#filter("lo", share === 0 ? undefined : dropShare(share));
  }

  /** Nothing comes over the cable any more. Nobody is told: it is silence, not an error. */
  cut() {
    this.#filter("eth0", dropAll);
  }

  mend() {
    this.#filter("eth0", undefined);
  }

  /** Payload that was sent between the members of this host so far, lost or not. */
  counted() {
    return payloadIn(this.#tc("-s", "class", "show", "dev", "lo"), classes);
  }

  remove() {
    if (!made.delete(this)) return;
    try {
      this.#run("ip", "netns", "delete", this.#space);
    } catch {
      // It is gone already.
    }
  }

  #filter(device, bytecode) {
    this.#tc("filter", "del", "dev", device, "ingress");
    if (bytecode !== undefined)
      this.#tc("filter", "add", "dev", device, "ingress", "bpf", "direct-action", "bytecode", bytecode);
  }

  #tc(...args) {
    return this.#inside("tc", ...args);
  }

  #inside(...command) {
    return this.#run(...this.within, ...command);
  }

  #run(program, ...args) {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }
}
