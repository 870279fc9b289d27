import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { hasControlApi } from "../../dashboard/src/sources/control-api-probe.ts";
import { startControlApi } from "../../src/node/control-api.ts";

describe("the page that is opened", () => {
  test("finds the control API that handed it out, whether that wants a token or not", async () => {
    for (const token of [undefined, "secret"]) {
      const api = await startControlApi({ port: 0, nodes: () => [], token });
      expect(await hasControlApi(`${api.url}/`)).toBe(true);
      await api.close();
      expect(await hasControlApi(`${api.url}/`)).toBe(false);
    }
  });

  test("takes no server of files for one, even if that answers everything with a page", async () => {
    for (const status of [200, 404]) {
      const server = createServer((_, response) => {
        response.writeHead(status, { "content-type": "text/html" });
        response.end("<!doctype html>");
      });
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
      expect(await hasControlApi(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).toBe(false);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    expect(await hasControlApi("file:///page/")).toBe(false);
  });
});
