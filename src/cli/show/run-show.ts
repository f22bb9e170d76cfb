import { setTimeout as delay } from "node:timers/promises";
import { DirectorError } from "#model/failure.ts";
import { getFromAdmin } from "#cli/admin-client.ts";
import { failureShapeOf, printFailure } from "#cli/print-failure.ts";
import type { Terminal } from "#cli/terminal.ts";
import { showCertificates } from "./show-certificates.ts";
import { showDocument, showPolicies, showProfiles } from "./show-document.ts";
import { showHandshakes } from "./show-handshakes.ts";
import { showHistory, showRevision } from "./show-history.ts";
import type { ShowKind, ShowView } from "./show-kind.ts";
import { showStatus, showWorkers } from "./show-status.ts";
import { showListeners, showVnics } from "./show-vnics.ts";

export interface ShowRequest {
  readonly kind: ShowKind;
  readonly name: string | undefined;
  /** How many handshakes or revisions to show. */
  readonly limit: number;
  readonly isJson: boolean;
  readonly isWatching: boolean;
  readonly socketPath: string;
}

const WATCH_INTERVAL_MS = 2_000;
const CLEAR_SCREEN = "\u001b[H\u001b[2J\u001b[3J";

/** Prints once or, if it watches, every 2 s until `signal` aborts. While it watches, failures are printed and do not end it. */
export async function runShow(
  request: ShowRequest,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  terminal.out(await printed(request));
  while (request.isWatching) {
    try {
      await delay(WATCH_INTERVAL_MS, undefined, { signal });
    } catch {
      return;
    }
    try {
      const text = await printed(request);
      terminal.out(terminal.isInteractive ? CLEAR_SCREEN + text : text);
    } catch (error) {
      printFailure(terminal, failureShapeOf(error), request.isJson);
    }
  }
}

function printed(request: ShowRequest): Promise<string> {
  switch (request.kind) {
    case "status":
      return printedBy(showStatus, request);
    case "workers":
      return printedBy(showWorkers, request);
    case "vnics":
      return printedBy(showVnics, request);
    case "listeners":
      return printedBy(showListeners, request);
    case "certificates":
      return printedBy(showCertificates, request);
    case "profiles":
      return printedBy(showProfiles, request);
    case "policies":
      return printedBy(showPolicies, request);
    case "document":
      return printedBy(showDocument, request);
    case "history":
      return printedBy(showHistory, request);
    case "revision":
      return printedBy(showRevision, request);
    case "handshakes":
      return printedBy(showHandshakes, request);
    default:
      return request.kind satisfies never;
  }
}

const nounOf = (kind: ShowKind): string =>
  kind === "policies" ? "policy" : kind.replace(/s$/, "");

async function printedBy<Reply>(view: ShowView<Reply>, request: ShowRequest): Promise<string> {
  const { kind, name, limit, isJson, isWatching, socketPath } = request;
  const given = await getFromAdmin(socketPath, view.path(limit, name));
  const reply = view.of === undefined ? (given as Reply) : view.of(given);
  const shown = name === undefined ? reply : view.named?.(reply, name, limit);
  if (shown === undefined) {
    throw new DirectorError("not-found", `There is no ${nounOf(kind)} named '${name}'.`);
  }
  if (!isJson) return view.text(shown, Date.now());
  return `${JSON.stringify(shown, undefined, isWatching ? undefined : 2)}\n`;
}
