/**
 * What programs print, as news of a member: `{ type, about }`. `type` is "up", "doubted" (a probe of it, also through
 * helpers, got no answer) or "failed"; `about` is how the program names the member. Nothing here touches a process.
 */

const serfLines = [
  [/\[INFO\] serf: EventMemberJoin: (\S+) /, "up"],
  [/\[INFO\] serf: EventMemberFailed: (\S+) /, "failed"],
  [/\[INFO\] memberlist: Suspect (\S+) has failed, /, "doubted"],
];

/** What a line of a Serf agent's log says of a member; undefined where it says nothing of any. */
export function serfNews(line) {
  for (const [pattern, type] of serfLines) {
    const match = pattern.exec(line);
    if (match !== null) return { type, about: match[1] };
  }
  return undefined;
}

const noticeTypes = {
  "member-up": "up",
  "probe-failed": "doubted",
  "member-failed": "failed",
};

/** What a line of our trace says of a member, `about` being its `host:port`; with the time of the notice. */
export function traceNews(line) {
  if (!line.includes('"layer":"membership"')) return undefined;
  const event = JSON.parse(line);
  const type = noticeTypes[event.type];
  if (type === undefined) return undefined;
  return { at: event.at, type, about: addressIn(event.peer) };
}

/** `id@host:port` without the id. */
export function addressIn(contact) {
  return contact.slice(contact.indexOf("@") + 1);
}

/** Cuts chunks of text into lines; the last one waits for its end. */
export class Lines {
  #rest = "";

  push(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    return lines;
  }
}

const etherBytes = 14;
const ipv4Bytes = 20;
const headers = { udp: etherBytes + ipv4Bytes + 8, tcp: etherBytes + ipv4Bytes + 20 };

/**
 * Bytes of payload that `tc -s class show` has counted in the classes of UDP and of TCP: all without the headers of
 * loopback's frames, IPv4, and UDP or TCP without options.
 */
export function payloadIn(classes, { udp, tcp }) {
  const counted = (id, headerBytes) => {
    const pattern = new RegExp(`class htb ${id} [^\\n]*\\n\\s*Sent (\\d+) bytes (\\d+) pkt`);
    const match = pattern.exec(classes);
    if (match === null) throw new Error(`tc has no class ${id}: ${classes}`);
    const packets = Number(match[2]);
    return { bytes: Number(match[1]) - packets * headerBytes, packets };
  };
  return { udp: counted(udp, headers.udp), tcp: counted(tcp, headers.tcp) };
}
