import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { startDelayingProxy } from "#harness/delaying-proxy.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { startShop } from "#harness/shop.ts";
import { makeTempFolder, writeFiles } from "#harness/temp-folder.ts";

const run = promisify(execFile);
/** Long enough that the start, in which HTTP/2 opens its windows but the proxy has no slow start of TCP, weighs little. */
const uploadBytes = 192 * 2 ** 20;
/** Half of the time of a round trip of 50 ms. */
const delayMs = 25;
/** What Linux lets a connection of TCP have under way: net.ipv4.tcp_rmem has 6 MiB, of which a half is window. The way is half of a round trip. */
const windowBytes = (3 * 2 ** 20) / 2;
const rounds = 3;
const leastShare = 0.8;

forEachEngine((engine) => {
  describe("an upload over 50 ms of round trip", { concurrency: false }, () => {
    let url = "";
    let file = "";

    before(async () => {
      const endpoint = await startHttpEndpoint((request, response) => {
        let bytes = 0;
        request.on("data", (chunk: Buffer) => (bytes += chunk.length));
        request.on("end", () => response.end(String(bytes)));
      });
      const shop = await startShop({
        engine,
        listeners: { web: { mode: "http", to: endpoint.port } },
      });
      const target = { host: shop.ip, port: shop.portOf("web") };
      url = `https://127.0.0.1:${await startDelayingProxy(target, { delayMs, windowBytes })}/`;
      const folder = await makeTempFolder();
      await writeFiles(folder, { upload: "u".repeat(uploadBytes) });
      file = join(folder, "upload");
    });

    /** Uploads the file. Resolves with the seconds that it took. */
    async function upload(protocol: "--http1.1" | "--http2"): Promise<number> {
      const format = "\n%{time_total} %{http_version}";
      const flags = ["-sk", protocol, "--max-time", "60", "-H", "Expect:", "-w", format];
      const { stdout } = await run("curl", [...flags, "-T", file, url]);
      const [body, facts = ""] = stdout.split("\n");
      const [seconds, version] = facts.split(" ");
      assert.deepEqual(
        [body, version],
        [String(uploadBytes), protocol === "--http2" ? "2" : "1.1"],
      );
      return Number(seconds);
    }

    it("over HTTP/2 reaches 80 % of one over HTTP/1.1", async (t) => {
      const shares: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const first = await upload("--http1.1");
        const second = await upload("--http2");
        shares.push(first / second);
        t.diagnostic(`HTTP/1.1 ${first} s, HTTP/2 ${second} s`);
      }
      const median = shares.toSorted((one, other) => one - other)[Math.floor(rounds / 2)] ?? 0;
      assert.ok(median >= leastShare, shares.map((share) => share.toFixed(2)).join());
    });
  });
});
