import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { Logger } from "#control/telemetry/log.ts";
import { textRoute } from "./route.ts";

/** Yields the lines of a backup. */
export type Backup = () => AsyncGenerator<string, void>;

const DEADLINE_MS = 300_000;
/** The stream reads on only if the client reads, so this bounds the memory that a backup needs. */
const BUFFERED_LINES = 16;

/**
 * The route by which the state is backed up while the director runs. A backup waits for no change, and no change waits for it. If it
 * fails after its start, the reply ends early and lacks the last line.
 */
export function addBackupRoute(app: FastifyInstance, backup: Backup, log: Logger): void {
  app.get(
    "/v1/backup",
    {
      ...textRoute({
        operationId: "getBackup",
        tags: ["history"],
        summary:
          "Back up the state with its history, as JSON lines. It contains secrets. A backup whose last line does not have the key `end` is not complete",
        type: "application/jsonl",
      }),
      handlerTimeout: DEADLINE_MS,
    },
    (request, reply) => {
      const signal = AbortSignal.timeout(DEADLINE_MS);
      const lines = Readable.from(backup(), { highWaterMark: BUFFERED_LINES, signal });
      lines.once("error", (error) => {
        // A client that goes away ends its backup.
        if (request.raw.socket.destroyed) return;
        log.error({ event: "backup-failed", err: error }, "A backup failed.");
      });
      return reply.type("application/jsonl").send(lines);
    },
  );
}
