/** What may stand for a host on the wire: an IPv4 address, an IPv6 address without brackets, or a name. */

const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`);
// Underscores are not in RFC 1123, but container networks hand out such names and resolve them.
const label = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
const hostname = new RegExp(`^${label}(?:\\.${label})*$`);
const endsInNumber = /(?:^|\.)\d+$/;
const hexGroup = /^[0-9A-Fa-f]{1,4}$/;

export const maxHostLength = 253; // RFC 1035, section 2.3.4, as text

export function isHost(host: string): boolean {
  if (host.length > maxHostLength) return false;
  if (host.includes(":")) return isIPv6(host);
  // "10.0.0.256" would reach a resolver as a name: a last label of digits means that an address was intended.
  if (endsInNumber.test(host)) return ipv4.test(host);
  return hostname.test(host);
}

/** RFC 4291, section 2.2, without zones: "%eth0" means nothing to anybody else. */
function isIPv6(host: string): boolean {
  const halves = host.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  let size = groups.length;
  const last = groups.at(-1);
  // An IPv4 tail stands for two groups, and only at the very end.
  if (last?.includes(".") && !host.endsWith("::")) {
    if (!ipv4.test(last)) return false;
    groups.pop();
    size += 1;
  }
  if (!groups.every((group) => hexGroup.test(group))) return false;
  return halves.length === 2 ? size <= 7 : size === 8;
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}
