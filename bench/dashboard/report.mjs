// What was measured, for people.
const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0);
const percent = (share) =>
  `${(100 * share).toFixed(Math.abs(share) < 0.01 ? 2 : Math.abs(share) < 0.1 ? 1 : 0)} %`;
const whole = (value) => Math.round(value).toLocaleString("en");
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function printTable(caption, columns, rows) {
  const lines = [columns, ...rows];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const isText = (column) => column < 2 && rows.every((row) => !/^[\d.]/.test(row[column]));
  const pad = (text, column) =>
    isText(column) ? text.padEnd(widths[column]) : text.padStart(widths[column]);
  console.log(`\n${caption}`);
  for (const [index, line] of lines.entries()) {
    console.log(`  ${line.map(pad).join("   ").trimEnd()}`);
    if (index === 0) console.log(`  ${widths.map((width) => "-".repeat(width)).join("   ")}`);
  }
}

export function printSizes({ sizes, options }) {
  const { forMs, messagesPerSecond, isPlaintext } = options;
  for (const { peers, isLive, deliveriesPerMessage } of sizes)
    console.log(
      isLive
        ? `${peers} peers: a live network in one process, ${isPlaintext ? "plaintext, signed" : "TLS, signed"}.`
        : `${whole(peers)} peers: what the real stacks said in the simulator (${whole(deliveriesPerMessage)} deliveries of each message), played back in real time.`,
    );
  printTable(
    `The page, ${messagesPerSecond} messages/s, ${forMs / 1000} s for each view; CPU of a core, memory in MiB, the heap after collecting garbage`,
    ["peers", "view", "frames/s", "p99 ms", "longest ms", "browser CPU", "heap, begin", "end", "browser"],
    sizes.flatMap(({ peers, views }) =>
      views.map((view) => [
        whole(peers),
        view.view,
        view.framesPerSecond.toFixed(1),
        view.p99Ms.toFixed(0),
        view.longestMs.toFixed(0),
        percent(view.browserCpuShare),
        ...view.heapBytes.map(mebibytes),
        mebibytes(view.browserBytes),
      ]),
    ),
  );
  printTable(
    "The server: its CPU while nobody watches, while the page does, and the difference",
    [
      "peers",
      "messages/s",
      "deliveries/s",
      "nobody",
      "watched",
      "for the page",
      "per 1,000 told",
      "us/heard",
      "heard/s",
      "told/s",
      "KiB/s",
      "followed",
      "MiB",
    ],
    sizes.map(({ peers, unwatched, views }) => {
      const of = (pick) => mean(views.map(pick));
      const watched = of(({ server }) => server.cpuShare);
      const told = of(({ feedEventsPerSecond }) => feedEventsPerSecond);
      const heard = of(({ server }) => server.noticesPerSecond);
      const cost = watched - unwatched.cpuShare;
      return [
        whole(peers),
        of(({ server }) => server.messagesPerSecond).toFixed(0),
        whole(of(({ server }) => server.deliveriesPerSecond)),
        percent(unwatched.cpuShare),
        percent(watched),
        percent(cost),
        percent(cost / (told / 1000)),
        ((1e6 * cost) / heard).toFixed(2),
        whole(heard),
        whole(told),
        whole(of(({ feedBytesPerSecond }) => feedBytesPerSecond) / 1024),
        percent(of(({ followedShare }) => followedShare)),
        mebibytes(Math.max(...views.map(({ server }) => server.residentBytes))),
      ];
    }),
  );
  console.log(
    "\n  Heard: notices of all nodes, from which those that are told are chosen, feedEventsPerSecond at most.",
  );
  console.log(
    "  Followed: messages whose spreading is told, each of them whole; the page says so. Totals count all.",
  );
  for (const { peers, views, unwatched, problems } of sizes) {
    const leftOut = views.reduce(
      (sum, { server }) => sum + server.messagesLeftOut,
      unwatched.messagesLeftOut,
    );
    if (leftOut > 0)
      console.log(
        `  ${whole(peers)} peers: ${whole(leftOut)} messages were not played, the process could not keep up.`,
      );
    const reconnects = views.reduce((sum, view) => sum + view.reconnects, 0);
    if (reconnects > 0) console.log(`  ${whole(peers)} peers: the feed began anew ${reconnects} times.`);
    for (const problem of new Set(problems))
      console.log(`  ${whole(peers)} peers: the page complains: ${problem}`);
  }
}

export function printLaboratory({ nodes, paced, fast, eventsPerSecond, heapBytes, browserBytes, problems }) {
  const row = (name, { framesPerSecond, p99Ms, longestMs, browserCpuShare }) => [
    name,
    framesPerSecond.toFixed(1),
    p99Ms.toFixed(0),
    longestMs.toFixed(0),
    percent(browserCpuShare),
  ];
  printTable(
    `A rumor among ${whole(nodes)} simulated nodes in the page, each a cell of the grid`,
    ["speed", "frames/s", "p99 ms", "longest ms", "browser CPU"],
    [row("2 rounds/s", paced), row("as fast as it goes", fast)],
  );
  console.log(
    `\n  ${whole(eventsPerSecond)} events/s at most; heap of the page ${mebibytes(heapBytes)} MiB, all of the browser ${mebibytes(browserBytes)} MiB.`,
  );
  for (const problem of new Set(problems)) console.log(`  The page complains: ${problem}`);
}

export function printSoak({ peers, isLive, soakMinutes, samples, events, growth, problems }) {
  const every = Math.max(1, Math.floor(samples.length / 12));
  printTable(
    `${whole(peers)} peers, ${isLive ? "live" : "played back"}, watched for ${soakMinutes} minutes; memory in MiB, heaps after collecting garbage`,
    ["minute", "events told", "heap of the page", "browser", "heap of the server", "server"],
    samples
      .filter((_, i) => i % every === every - 1)
      .map((sample) => [
        sample.minute.toFixed(1),
        whole(sample.events),
        mebibytes(sample.heapBytes),
        mebibytes(sample.browserBytes),
        mebibytes(sample.serverHeapBytes),
        mebibytes(sample.serverBytes),
      ]),
  );
  const perHour = (bytes) => `${bytes < 0 ? "" : "+"}${mebibytes(bytes)} MiB/h`;
  console.log(
    `\n  ${whole(events)} events. In the second half: heap of the page ${perHour(growth.heapBytes)}, browser ${perHour(growth.browserBytes)}, heap of the server ${perHour(growth.serverHeapBytes)}, server ${perHour(growth.serverBytes)}.`,
  );
  for (const problem of new Set(problems)) console.log(`  The page complains: ${problem}`);
}
