/** Results as tables of text, ours beside theirs. */

const seconds = (ms) => (ms === undefined ? "-" : (ms / 1000).toFixed(2));
const rounded = (value) =>
  value === undefined || !Number.isFinite(value)
    ? "-"
    : value >= 100
      ? String(Math.round(value))
      : value.toFixed(1);

export function median(values) {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Ours to theirs, as "1 : 4.7" when theirs is larger and "3.1 : 1" when ours is. */
export function ratio(ours, theirs) {
  if (!(ours > 0) || !(theirs > 0)) return "-";
  return theirs >= ours ? `1 : ${rounded(theirs / ours)}` : `${rounded(ours / theirs)} : 1`;
}

const verdict = (goal, isMet) =>
  `${goal}: ${isMet === undefined ? "not measured" : isMet ? "met" : "MISSED"}`;

/** `1.40 (1.03-2.88)`. */
function spread(values) {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return "-";
  return `${seconds(median(known))} (${seconds(Math.min(...known))}-${seconds(Math.max(...known))})`;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

function table(caption, rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (cells) =>
    `  ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("   ")}`;
  const [head, ...body] = rows;
  return [caption, line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line), ""].join(
    "\n",
  );
}

/** Each part of `results` is `[{ setting…, serf, grapevine }]`; a system that was not measured is missing there. */
export function report(results) {
  const parts = { crash, loss, pauses, healing, idle, simulated };
  return Object.entries(parts)
    .filter(([name]) => results[name]?.length > 0)
    .map(([name, format]) => format(results[name]))
    .join("\n");
}

function crash(entries) {
  const of = (results, pick) => results?.map(pick) ?? [];
  const row = ({ count, how, serf, grapevine }) => {
    const first = (results) => of(results, ({ firstFailedMs }) => firstFailedMs);
    const [ours, theirs] = [median(first(grapevine)), median(first(serf))];
    const isMet = ours === undefined || theirs === undefined ? undefined : ours <= theirs / 2;
    return [
      `${count}, ${how}`,
      ...[serf, grapevine].flatMap((results) => [
        spread(of(results, ({ doubtedMs }) => doubtedMs)),
        spread(first(results)),
        spread(of(results, ({ lastFailedMs }) => lastFailedMs)),
        results === undefined ? "-" : String(sum(of(results, ({ falseVerdicts }) => falseVerdicts))),
      ]),
      ratio(ours, theirs),
      verdict("at most half", isMet),
    ];
  };
  const columns = (name) => [`${name}: doubted`, "first failed", "all failed", "false"];
  return table("A crash, in seconds: median (least-most)", [
    ["nodes", ...columns("Serf"), ...columns("Grapevine"), "first failed, ours : theirs", "goal"],
    ...entries.map(row),
  ]);
}

function loss(entries) {
  const cells = (result) =>
    result === undefined
      ? ["-", "-", "-"]
      : [result.doubts, result.falseVerdicts, result.victims].map(String);
  const row = ({ count, share, serf, grapevine }) => {
    const isMet =
      serf === undefined || grapevine === undefined
        ? undefined
        : grapevine.falseVerdicts <= serf.falseVerdicts;
    const minutes = (serf ?? grapevine).nodeMinutes / count;
    return [
      `${count}, ${100 * share} %, ${rounded(minutes)} min`,
      ...cells(serf),
      ...cells(grapevine),
      verdict("not more false ones", isMet),
    ];
  };
  const columns = (name) => [`${name}: doubts`, "false verdicts", "about members"];
  return table("Loss, while nobody fails: verdicts", [
    ["nodes, packets lost, for", ...columns("Serf"), ...columns("Grapevine"), "goal"],
    ...entries.map(row),
  ]);
}

function pauses(entries) {
  const rows = [];
  for (const { count, serf, grapevine } of entries) {
    for (const pauseMs of new Set((serf ?? grapevine).map((result) => result.pauseMs))) {
      const of = (results) => results?.filter((result) => result.pauseMs === pauseMs);
      const verdicts = (results, field) =>
        results === undefined ? undefined : sum(results.map((result) => result[field]));
      const cells = (results) =>
        results === undefined
          ? ["-", "-", "-"]
          : [
              String(verdicts(results, "verdictsOnThePaused")),
              String(verdicts(results, "verdictsOnOthers")),
              spread(results.map(({ backAfterMs }) => backAfterMs)),
            ];
      const all = (results) =>
        verdicts(results, "verdictsOnThePaused") + verdicts(results, "verdictsOnOthers");
      const isMet =
        serf === undefined || grapevine === undefined ? undefined : all(of(grapevine)) <= all(of(serf));
      rows.push([
        `1 of ${count}, ${pauseMs / 1000} s, ${of(serf ?? grapevine).length} times`,
        ...cells(of(serf)),
        ...cells(of(grapevine)),
        verdict("not more false ones", isMet),
      ]);
    }
  }
  const columns = (name) => [`${name}: on the paused`, "on others", "back after"];
  return table("A pause: verdicts, and seconds from its end until the last one took it back", [
    ["paused", ...columns("Serf"), ...columns("Grapevine"), "goal"],
    ...rows,
  ]);
}

function healing(entries) {
  const row = ({ perSide, cutMs, serf, grapevine }) => {
    const healed = (results) => results?.map(({ healedMs }) => healedMs) ?? [];
    const [ours, theirs] = [median(healed(grapevine)), median(healed(serf))];
    const found = (results) =>
      results === undefined
        ? "-"
        : `${sum(results.map(({ verdicts }) => verdicts))} of ${sum(results.map(({ ofVerdicts }) => ofVerdicts))}`;
    return [
      `${perSide} + ${perSide}, ${cutMs / 1000} s`,
      found(serf),
      spread(healed(serf)),
      found(grapevine),
      spread(healed(grapevine)),
      ratio(ours, theirs),
      verdict("at most 5 s", ours === undefined ? undefined : Math.max(...healed(grapevine)) <= 5000),
    ];
  };
  return table("A partition: verdicts before it was mended, and seconds until everybody sees everybody", [
    ["cut", "Serf: failed", "healed", "Grapevine: failed", "healed", "ours : theirs", "goal"],
    ...entries.map(row),
  ]);
}

function idle(entries) {
  const cells = (result) =>
    result === undefined
      ? ["-", "-", "-", "-"]
      : [
          result.udpBytesPerSecond,
          result.tcpBytesPerSecond,
          result.bytesPerSecond,
          result.cpuMsPerSecond,
        ].map(rounded);
  const row = ({ count, serf, grapevine }) => [
    String(count),
    ...cells(serf),
    ...cells(grapevine),
    ratio(grapevine?.bytesPerSecond, serf?.bytesPerSecond),
    verdict("at most 250 B/s", grapevine === undefined ? undefined : grapevine.bytesPerSecond <= 250),
  ];
  const columns = (name) => [`${name}: UDP B/s`, "TCP B/s", "all B/s", "CPU ms/s"];
  return table("Idle, for each node: payload of UDP and TCP that it sends, as the kernel counts it", [
    ["nodes", ...columns("Serf"), ...columns("Grapevine"), "all, ours : theirs", "goal"],
    ...entries.map(row),
  ]);
}

function simulated(entries) {
  const row = ({ count, bytesPerSecond, datagramBytesPerSecond, streamBytesPerSecond, largest }) => [
    String(count),
    rounded(datagramBytesPerSecond),
    rounded(streamBytesPerSecond),
    rounded(bytesPerSecond),
    largest,
    verdict("at most 250 B/s", bytesPerSecond <= 250),
  ];
  return table("Idle in the simulator, for each node of Grapevine, everybody knowing everybody", [
    ["nodes", "datagrams B/s", "streams B/s", "all B/s", "most of it", "goal"],
    ...entries.map(row),
  ]);
}
