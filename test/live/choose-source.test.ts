import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { chooseSource } from "../../dashboard/src/sources/choose-source.ts";
import { startControlApi } from "../../src/node/control-api.ts";

// The page carries no trace.
beforeAll(() => void vi.stubGlobal("document", { getElementById: () => null }));
afterAll(() => void vi.unstubAllGlobals());

const kindAt = async (address: string) => (await chooseSource(new URL(address)))?.kind;

describe("the network that the page opens with", () => {
  test("is the one of the server that handed it out, whether that wants a token or not", async () => {
    for (const token of [undefined, "secret"]) {
      const api = await startControlApi({ port: 0, nodes: () => [], token });
      expect(await kindAt(`${api.url}/#/network`)).toBe("live");
      await api.close();
      expect(await kindAt(`${api.url}/`)).toBeUndefined();
    }
  });

  test("is the recorded one of its address, whoever handed the page out", async () => {
    const source = await chooseSource(
      new URL("http://127.0.0.1:1/page/?trace=runs/a%2520run.ndjson#/spread"),
    );
    expect([source?.kind, source?.label]).toEqual(["recorded", "a run.ndjson"]);
  });

  test("is to be chosen where a server of files handed it out, even one that answers everything with a page", async () => {
    for (const status of [200, 404]) {
      const server = createServer((_, response) => {
        response.writeHead(status, { "content-type": "text/html" });
        response.end("<!doctype html>");
      });
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
      expect(await kindAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).toBeUndefined();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    expect(await kindAt("file:///page/index.html")).toBeUndefined();
  });
});
