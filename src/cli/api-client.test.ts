import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { UsageError } from "../core/index.ts";
import {
  ApiClient,
  answers,
  askAll,
  chooseNode,
  EventStreamParser,
  findAllApis,
  findApi,
  jsonText,
  nodePath,
  print,
  showMoment,
  showTime,
  table,
} from "./api-client.ts";

const self = `${"a".repeat(40)}@127.0.0.1:9001`;
const servers: Server[] = [];
let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "api-client-"));
  vi.stubEnv("XDG_RUNTIME_DIR", base);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(base, { recursive: true });
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function serveJson(status: number, body: unknown): Promise<string> {
  return serve((_request, response) => response.writeHead(status).end(JSON.stringify(body)));
}

function nodeNamed(name: string, role = "peer", port = 9001) {
  return { name, role, contact: self, host: "127.0.0.1", port, isRunning: true };
}

/** A file as `announce` writes it, of a process that lives as long as this test: the test itself, or its parent. */
function announceAs(pid: number, url: string, nodes: string[], token?: string): void {
  const folder = join(base, "grapevine");
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  writeFileSync(join(folder, `${pid}.json`), JSON.stringify({ pid, url, token, nodes, startedAt: pid }));
}

describe("one control API", () => {
  const ask = (url: string, token?: string) => new ApiClient({ url, token }).get("/v1/nodes", answers.nodes);

  test("the token is sent, and the answer's further fields pass through", async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      seen.push(request.headers.authorization, request.url);
      response.end(JSON.stringify({ nodes: [{ ...nodeNamed("alice"), more: 1 }] }));
    });
    expect(await ask(url, "secret")).toEqual({ nodes: [{ ...nodeNamed("alice"), more: 1 }] });
    expect(seen).toEqual(["Bearer secret", "/v1/nodes"]);
  });

  test("a post is JSON", async () => {
    const url = await serve((request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () =>
        response.end(
          JSON.stringify({
            published: `${request.headers["content-type"]} ${body}`,
            ...{ sent: 1, queued: 0, dropped: 0 },
          }),
        ),
      );
    });
    const client = new ApiClient({ url });
    const answer = await client.post(nodePath("a/b", "publish"), { text: "hi" }, answers.published);
    expect(answer.published).toBe('application/json {"text":"hi"}');
  });

  test("names cannot climb out of their place in the path", () => {
    expect(nodePath("../x?y#z", "kill")).toBe("/v1/nodes/..%2Fx%3Fy%23z/kill");
  });

  test("a refused connection says that nobody is there", async () => {
    const url = await serveJson(200, {});
    const server = servers.pop()!;
    server.close();
    await once(server, "close");
    await expect(ask(url)).rejects.toThrow(`nobody answers at ${url}`);
    await expect(ask(url)).rejects.toBeInstanceOf(UsageError);
  });

  test("without a token, and with a wrong one, it says what to give", async () => {
    const url = await serveJson(401, { error: "no" });
    await expect(ask(url)).rejects.toThrow(
      "asks for a token; give it with --token or in GRAPEVINE_API_TOKEN",
    );
    await expect(ask(url, "wrong")).rejects.toThrow("refuses this token");
  });

  test("other refusals say what the server says, and do not obey it", async () => {
    const url = await serveJson(404, { error: 'there is no node "x"\u001b[2J' });
    await expect(ask(url)).rejects.toThrow('there is no node "x"\\x1b[2J');
  });

  test("another program on that port is recognised", async () => {
    const strangers = [
      await serveJson(200, { hello: "world" }),
      await serveJson(404, "nothing"),
      await serve((_request, response) => response.end("<html>")),
      await serve((_request, response) => response.writeHead(302, { location: "http://example.org" }).end()),
    ];
    for (const url of strangers)
      await expect(ask(url)).rejects.toThrow("is not the control API of a grapevine");
  });

  test("a redirection is not followed, or the token would go elsewhere", async () => {
    let isAsked = false;
    const elsewhere = await serve((_request, response) => {
      isAsked = true;
      response.end();
    });
    const url = await serve((_request, response) => response.writeHead(307, { location: elsewhere }).end());
    await expect(ask(url, "secret")).rejects.toThrow("(status 307)");
    expect(isAsked).toBe(false);
  });

  test("who does not answer in time is given up", async () => {
    const url = await serve(() => {});
    const client = new ApiClient({ url });
    await expect(client.nodes(50)).rejects.toThrow(`${url} did not answer within 0.05 s`);
  });

  test("a connection that breaks off is no stack trace", async () => {
    const url = await serve((request) => request.socket.destroy());
    await expect(ask(url)).rejects.toThrow("broke off");
  });

  test("a token that no header can carry is a clear error", async () => {
    const url = await serveJson(200, {});
    await expect(ask(url, "line\nbreak")).rejects.toThrow(`cannot ask ${url}`);
  });

  test("a port that fetch refuses is explained", async () => {
    await expect(ask("http://127.0.0.1:6000")).rejects.toThrow("fetch keeps this port for another protocol");
  });
});

describe("following the trace", () => {
  const event = (type: string) => ({ at: 1, node: self, layer: "broadcast", type });

  async function follow(write: (response: ServerResponse) => void) {
    const paths: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      paths.push(request.url);
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      write(response);
    });
    const stopping = new AbortController();
    const events: string[] = [];
    const outcome = new ApiClient({ url }).follow(
      { node: "a b", types: ["x", "y"] },
      ({ type }) => {
        events.push(type);
        if (type === "stop") stopping.abort();
      },
      stopping.signal,
    );
    return { outcome, events, paths };
  }

  test("events arrive, comments and nonsense do not, and the end is told", async () => {
    const { outcome, events, paths } = await follow((response) => {
      response.write(": following\n\n");
      response.write(`data: ${JSON.stringify(event("one"))}\n\ndata: nonsense\n\ndata: {"at":"x"}\n\n`);
      response.end(
        `event: other\ndata: ${JSON.stringify(event("no"))}\n\nevent: end\ndata: {"error":"bye"}\n\n`,
      );
    });
    expect(await outcome).toBe("ended");
    expect(events).toEqual(["one"]);
    expect(paths).toEqual(["/v1/trace?node=a+b&types=x%2Cy"]);
  });

  test("the signal stops it, also while nothing happens", async () => {
    const { outcome, events } = await follow((response) =>
      response.write(`data: ${JSON.stringify(event("stop"))}\n\ndata: ${JSON.stringify(event("late"))}\n\n`),
    );
    expect(await outcome).toBe("stopped");
    expect(events).toEqual(["stop"]);
    const stopping = new AbortController();
    const quiet = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      setImmediate(() => stopping.abort());
    });
    expect(await new ApiClient({ url: quiet }).follow({}, () => {}, stopping.signal)).toBe("stopped");
  });

  test("who reads too slowly learns why it was dropped", async () => {
    const { outcome } = await follow((response) =>
      response.end('event: dropped\ndata: {"error":"you read more slowly than things happen"}\n\n'),
    );
    await expect(outcome).rejects.toThrow("dropped us: you read more slowly than things happen");
  });

  test("a process that is killed is noticed", async () => {
    for (const end of ["destroy", "end"] as const) {
      const { outcome } = await follow((response) => {
        response.write(": following\n\n");
        setTimeout(() => response[end](), 20);
      });
      await expect(outcome).rejects.toThrow("broke off; has the process been killed?");
    }
  });

  test("a refusal is shown as such", async () => {
    const url = await serveJson(503, { error: "64 follow the trace already; end one of them" });
    const never = new AbortController().signal;
    await expect(new ApiClient({ url }).follow({}, () => {}, never)).rejects.toThrow(
      "64 follow the trace already",
    );
  });

  test("what is no stream of events is no trace", async () => {
    const url = await serveJson(200, {});
    const never = new AbortController().signal;
    await expect(new ApiClient({ url }).follow({}, () => {}, never)).rejects.toThrow(
      "is not the control API",
    );
  });
});

describe("server-sent events", () => {
  const stream = ': hi\r\nevent: end\r\ndata: a\ndata:b\r\r\nid: 7\ndata: {"x":1}\n\n\n\ndata: torn';
  const expected = [
    { type: "end", data: "a\nb" },
    { type: "message", data: '{"x":1}' },
  ];

  test("lines may end in three ways, and an event may have several lines of data", () => {
    expect(new EventStreamParser(1000).push(stream)).toEqual(expected);
  });

  test("however the text is cut, the events are the same", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const parser = new EventStreamParser(1000);
      const events = [...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))];
      expect(events, `cut at ${cut}`).toEqual(expected);
    }
    const parser = new EventStreamParser(1000);
    expect([...stream].flatMap((character) => parser.push(character))).toEqual(expected);
  });

  test("an event without end is refused, whether it is one line or many", () => {
    expect(() => new EventStreamParser(100).push("data: ".padEnd(200, "x"))).toThrow(UsageError);
    const parser = new EventStreamParser(100);
    expect(() => {
      for (let i = 0; i < 20; i++) parser.push("data: 0123456789\n");
    }).toThrow(UsageError);
  });
});

describe("finding whom to ask", () => {
  test("where nothing runs, it says how to start", async () => {
    await expect(findApi({})).rejects.toThrow(
      "no grapevine process is running here; start one with `grapevine up`",
    );
    expect(() => findAllApis({})).toThrow("no grapevine process is running here");
  });

  test("the only process is asked, with its token, whatever node is wanted", async () => {
    const url = await serve((request, response) => {
      const isKnown = request.headers.authorization === "Bearer its own";
      response.writeHead(isKnown ? 200 : 401).end(JSON.stringify({ nodes: [nodeNamed("alice")] }));
    });
    announceAs(process.pid, url, ["alice"], "its own");
    for (const wanted of [undefined, "alice", "nobody"]) {
      const client = await findApi({ token: "of another" }, wanted);
      expect(client.url).toBe(url);
      expect(await client.nodes()).toHaveLength(1);
    }
  });

  test("of several, the one that has the node is asked; without a name the user chooses", async () => {
    announceAs(process.pid, "http://127.0.0.1:1111", ["alice", "seed-1"]);
    announceAs(process.ppid, "http://127.0.0.1:2222", ["bob", "seed-1"]);
    expect((await findApi({}, "bob")).url).toBe("http://127.0.0.1:2222");
    expect(findAllApis({})).toHaveLength(2);
    const ambiguous = await findApi({}).catch((error) => error.message);
    expect(ambiguous).toContain("2 grapevine processes run here");
    expect(ambiguous).toContain("--api http://127.0.0.1:1111");
    expect(ambiguous).toContain(`pid ${process.ppid}`);
    expect(ambiguous).toContain("bob, seed-1");
    await expect(findApi({}, "seed-1")).rejects.toThrow('2 processes here have a node "seed-1"; say which');
  });

  test("of several, ports and late nodes are found by asking; who hangs is left out", async () => {
    const first = await serveJson(200, { nodes: [nodeNamed("alice", "peer", 9001)] });
    const second = await serveJson(200, {
      nodes: [nodeNamed("bob", "peer", 9002), nodeNamed("late", "peer", 9003)],
    });
    announceAs(process.pid, first, ["alice"]);
    announceAs(process.ppid, second, ["bob"]);
    expect((await findApi({}, "9001")).url).toBe(first);
    expect((await findApi({}, "9002")).url).toBe(second);
    expect((await findApi({}, "late")).url).toBe(second);
    await expect(findApi({}, "nobody")).rejects.toThrow('no process here has a node "nobody"');
    announceAs(process.pid, await serve(() => {}), ["alice"]);
    expect((await findApi({}, "9002")).url).toBe(second);
  });

  test("the user's own choice wins, in three ways of writing, and a known process brings its token", async () => {
    announceAs(process.pid, "http://127.0.0.1:1111", ["alice"]);
    for (const api of ["http://127.0.0.1:4000", "http://127.0.0.1:4000/", "127.0.0.1:4000", "4000"]) {
      expect((await findApi({ api }, "alice")).url).toBe("http://127.0.0.1:4000");
    }
    expect((await findApi({ api: "https://example.org/grape/" })).url).toBe("https://example.org/grape");
    expect((await findApi({ api: "[::1]:4000" })).url).toBe("http://[::1]:4000");
    const url = await serve((request, response) => {
      response.end(JSON.stringify({ nodes: [nodeNamed(request.headers.authorization ?? "none")] }));
    });
    announceAs(process.pid, url, ["alice"], "its own");
    expect(await (await findApi({ api: url })).nodes()).toMatchObject([{ name: "Bearer its own" }]);
    expect(await (await findApi({ api: url, token: "mine" })).nodes()).toMatchObject([
      { name: "Bearer mine" },
    ]);
  });

  test("an empty variable of the environment is no choice", async () => {
    announceAs(process.pid, "http://127.0.0.1:1111", ["alice"]);
    expect((await findApi({ api: "", token: "" })).url).toBe("http://127.0.0.1:1111");
  });

  test("what is no address is refused with an example", async () => {
    for (const api of ["ftp://x", "http://user:pw@x", "::", "http://", "70000", "http://x/?q=1"]) {
      await expect(findApi({ api }), api).rejects.toThrow(`--api: "${api}" is no address of a control API`);
    }
  });

  test("asking all shows those that answer, and warns about the others", async () => {
    const warn = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const good = new ApiClient({ url: await serveJson(200, { nodes: [nodeNamed("alice")] }) });
    const bad = new ApiClient({ url: await serveJson(500, { error: "broken" }) });
    expect(await askAll([bad, good], (client) => client.nodes())).toHaveLength(1);
    expect(warn).toHaveBeenCalledWith("grapevine: broken\n");
    await expect(askAll([bad], (client) => client.nodes())).rejects.toThrow("broken");
  });
});

describe("choosing the node", () => {
  const clientWith = async (...nodes: object[]) => new ApiClient({ url: await serveJson(200, { nodes }) });

  test("a name is taken as it is; the only running node needs none", async () => {
    const client = await clientWith(nodeNamed("seed-1", "seed"), { ...nodeNamed("dead"), isRunning: false });
    expect(await chooseNode(client, "x")).toBe("x");
    expect(await chooseNode(client, undefined)).toBe("seed-1");
    await expect(chooseNode(client, undefined, "peer")).rejects.toThrow("has no running peer");
    await expect(chooseNode(await clientWith(), undefined)).rejects.toThrow("has no running node");
  });

  test("among several, any peer can publish, and all else needs a name", async () => {
    const many = Array.from({ length: 12 }, (_, i) => nodeNamed(`peer-${i + 1}`));
    const client = await clientWith(nodeNamed("seed-1", "seed"), ...many);
    expect(await chooseNode(client, undefined, "peer")).toBe("peer-1");
    await expect(chooseNode(client, undefined)).rejects.toThrow(/There are seed-1, .*peer-7 and 5 more$/);
  });
});

describe("showing", () => {
  test("columns line up; empty ones are left out", () => {
    const text = stripVTControlCharacters(
      table(
        ["name", "none", "count"],
        [
          ["alice", "", 7],
          ["bo", "", 1234567],
        ],
      ),
    );
    expect(text).toBe("name     count\nalice        7\nbo     1234567");
  });

  test("a clock that says nonsense does no harm", () => {
    expect(showTime(new Date(2026, 1, 26, 19, 39, 24, 7).getTime())).toBe("2026-02-26 19:39:24");
    expect(showMoment(new Date(2026, 1, 26, 19, 39, 24, 7).getTime())).toBe("2026-02-26 19:39:24.007");
    for (const at of [Number.NaN, Number.POSITIVE_INFINITY, 1e300]) {
      expect(showTime(at)).toBe("unknown");
      expect(showMoment(at)).toBe("unknown");
    }
  });

  test("JSON for a terminal means the same, and commands nothing", () => {
    const value = { text: "\u001b[2J\u009b2J\u007f\u202e\u2028\u{e0041}é😀\ud800" };
    const text = jsonText(value);
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    expect(text).toContain("é😀");
    expect(JSON.parse(text)).toEqual(value);
  });

  test("a reader that has seen enough ends the command without a word; a slow one is waited for; a full disk is told", async () => {
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    await print("quick");
    expect(write).toHaveBeenCalledWith("quick\n");
    write.mockReturnValue(false);
    let isDone = false;
    const slow = print("slow").then(() => {
      isDone = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDone).toBe(false);
    process.stdout.emit("drain");
    await slow;
    const exit = vi.spyOn(process, "exit").mockImplementation((code) => {
      throw new Error(`exit ${code}`);
    });
    const warn = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const fail = (code: string) => process.stdout.emit("error", Object.assign(new Error(code), { code }));
    expect(() => fail("EPIPE")).toThrow("exit 0");
    expect(warn).not.toHaveBeenCalled();
    expect(() => fail("ENOSPC")).toThrow("exit 1");
    expect(warn).toHaveBeenCalledWith("grapevine: cannot write the output (ENOSPC)\n");
    exit.mockRestore();
  });
});
