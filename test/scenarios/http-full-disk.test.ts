import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect } from "node:http2";
import { join } from "node:path";
import { it } from "node:test";
import { Agent, request } from "undici";
import { eventually } from "#harness/deadline.ts";
import { startHttpEndpoint } from "#harness/endpoints.ts";
import { forEachEngine } from "#harness/engines.ts";
import { closeAtTestEnd } from "#harness/lifetime.ts";
import { isEvent, type LogLine } from "#harness/log-capture.ts";
import { mountDataFolder, tryMountReason } from "#harness/mounted-folder.ts";
import { startShop } from "#harness/shop.ts";

const reason = await tryMountReason();
const mayMount = reason === undefined ? {} : { skip: reason };
/** More than the lines that wait for a disk without room. */
const diskKb = 48 * 1024;
const askersOfKind = 8;
/** So long that few lines are more than may wait. */
const path = `/${"p".repeat(3_000)}`;
const deadlineMs = 60_000;

forEachEngine((engine) => {
  it(
    "serves all requests while the disk of log and state is full, counts the lost lines, and goes on when there is room",
    mayMount,
    async () => {
      const endpoint = await startHttpEndpoint("served");
      const disk = await mountDataFolder(diskKb);
      const logPath = join(disk.folder, "data", "access.log");
      const shop = await startShop({
        engine,
        folder: disk.folder,
        prefix: ["sh", "-c", `exec "$@" >>${logPath}`, "sh"],
        logsElsewhere: true,
        listeners: { web: { mode: "http", to: endpoint.port } },
      });
      const { director } = shop;
      const origin = `https://${shop.ip}:${shop.portOf("web")}`;
      const tls = { rejectUnauthorized: false, servername: "shop.example" };
      const agent = new Agent({ connect: tls });
      const session = connect(origin, tls);
      closeAtTestEnd(async () => {
        session.destroy();
        await agent.destroy();
      });
      const askOverHttp2 = (): Promise<unknown> =>
        new Promise((resolve, reject) => {
          const stream = session.request({ ":path": path, ":authority": "shop.example" });
          let status: unknown;
          stream.on("response", (fields) => {
            status = fields[":status"];
          });
          stream.on("end", () => resolve(status)).on("error", reject);
          stream.resume().end();
        });
      const askOverHttp1 = async (): Promise<unknown> => {
        const { statusCode, body } = await request(`${origin}${path}`, { dispatcher: agent });
        await body.dump();
        return statusCode;
      };
      let requests = 0;
      const stop = new AbortController();
      const askInTurn = async (ask: () => Promise<unknown>): Promise<void> => {
        while (!stop.signal.aborted) {
          requests += 1;
          assert.equal(await ask(), 200);
        }
      };
      const linesOf = async (event: string): Promise<readonly LogLine[]> => {
        const lines = (await readFile(logPath, "utf8")).split("\n").slice(0, -1);
        return lines
          .map((line) => JSON.parse(line) as LogLine)
          .filter((line) => isEvent(line, event));
      };
      const metric = async (name: string): Promise<number> => (await director.metrics()).sum(name);

      await askOverHttp1();
      await eventually(async () => (await linesOf("exchange")).length === 1);
      disk.fill();
      const asking = Promise.all(
        [askOverHttp1, askOverHttp2].flatMap((ask) =>
          Array.from({ length: askersOfKind }, () => askInTurn(ask)),
        ),
      );
      await eventually(
        async () => (await metric("tlsd_log_lines_dropped_total")) > 100,
        deadlineMs,
        "lost lines",
      );
      const said = (await director.status()).notices.filter((text) => /log cannot be/.test(text));
      assert.match(said.join(), /Make room.*ENOSPC/);
      const server = { name: "other", address: "127.0.0.9" };
      const refused = await director.api("/v1/servers/other", {
        method: "PUT",
        body: { address: server.address },
      });
      assert.deepEqual(
        [refused.status, (refused.body as { readonly code?: unknown }).code],
        [500, "state-unwritable"],
      );
      stop.abort();
      await asking;

      disk.free();
      await eventually(
        async () => (await director.status()).notices.every((text) => !/log cannot/.test(text)),
        deadlineMs,
        "the log is written again",
      );
      const [lost] = await eventually(async () => {
        const lines = await linesOf("log-lines-dropped");
        return lines.length === 1 && lines;
      });
      assert.match(String(lost?.["msg"]), /could not be written: .*ENOSPC/);
      assert.equal(lost?.["count"], await metric("tlsd_log_lines_dropped_total"));
      const [raised, over] = [await linesOf("log-unwritable"), await linesOf("notice-over")];
      assert.equal(raised.length, 1);
      assert.match(String(raised[0]?.["msg"]), /Make room/);
      assert.equal(over.filter(({ notice }) => notice === "log-unwritable").length, 1);

      await askOverHttp1();
      const expected = requests + 2;
      const isWhole = async (): Promise<boolean> => {
        const written = (await linesOf("exchange")).length;
        return written + (await metric("tlsd_events_dropped_total")) === expected;
      };
      await eventually(isWhole, deadlineMs, "a line or a count for each request");
      const { status } = await director.api("/v1/servers/other", {
        method: "PUT",
        body: { address: server.address },
      });
      assert.equal(status, 201);
    },
  );
});
