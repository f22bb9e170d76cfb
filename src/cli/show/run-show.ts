import { setTimeout as delay } from "node:timers/promises";
import { DirectorError } from "#model/failure.ts";
import { quoted } from "#model/problem.ts";
import { getFromAdmin } from "#cli/admin-client.ts";
import { jsonLine, jsonText } from "#cli/json-text.ts";
import { failureShapeOf, printFailure } from "#cli/print-failure.ts";
import { openScreen } from "#cli/watch-screen.ts";
import type { Terminal } from "#cli/terminal.ts";
import { showCertificate } from "./show-certificate.ts";
import { showCertificates } from "./show-certificates.ts";
import { showConnections } from "./show-connections.ts";
import { showHandshakeGroups } from "./show-handshake-groups.ts";
import { showHandshakes } from "./show-handshakes.ts";
import { showHistory, showRevision } from "./show-history.ts";
import type { ShowFilters, ShowKind, ShowView } from "./show-kind.ts";
import { showPolicies, showProfiles } from "./show-profiles.ts";
import { showServers } from "./show-servers.ts";
import { showStatus, showWorkers } from "./show-status.ts";
import { showListeners, showVnics } from "./show-vnics.ts";

export interface ShowRequest {
  readonly kind: ShowKind;
  readonly name: string | undefined;
  /** How many handshakes, connections or revisions to show. */
  readonly limit: number;
  readonly filters: ShowFilters;
  readonly isJson: boolean;
  readonly isWatching: boolean;
  readonly socketPath: string;
}

const WATCH_INTERVAL_MS = 2_000;

/** Prints once or, if it watches, every 2 s until `signal` aborts. While it watches, failures are printed and do not end it. */
export async function runShow(
  request: ShowRequest,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const first = await printed(request, terminal.columns);
  if (!request.isWatching) return terminal.out(first);
  using screen = openScreen(terminal, request.isJson);
  screen.out(first);
  for (;;) {
    try {
      await delay(WATCH_INTERVAL_MS, undefined, { signal });
    } catch {
      return;
    }
    try {
      screen.out(await printed(request, terminal.columns));
    } catch (error) {
      printFailure(screen, failureShapeOf(error), request.isJson);
    }
  }
}

async function printed(request: ShowRequest, width: number | undefined): Promise<string> {
  switch (request.kind) {
    case "status":
      return printedBy(showStatus, request, width);
    case "workers":
      return printedBy(showWorkers, request, width);
    case "servers":
      return printedBy(showServers, request, width);
    case "vnics":
      return printedBy(showVnics, request, width);
    case "listeners":
      return printedBy(showListeners, request, width);
    case "certificates":
      return printedBy(showCertificates, request, width);
    case "certificate":
      return printedBy(showCertificate, request, width);
    case "profiles":
      return printedBy(showProfiles, request, width);
    case "policies":
      return printedBy(showPolicies, request, width);
    case "document": {
      // It takes the parser of YAML.
      const { showDocument } = await import("./show-document.ts");
      return printedBy(showDocument, request, width);
    }
    case "history":
      return printedBy(showHistory, request, width);
    case "revision":
      return printedBy(showRevision, request, width);
    case "handshakes":
      return request.filters["group"] === undefined
        ? printedBy(showHandshakes, request, width)
        : printedBy(showHandshakeGroups, request, width);
    case "connections":
      return printedBy(showConnections, request, width);
    default:
      return request.kind satisfies never;
  }
}

const nounOf = (kind: ShowKind): string =>
  kind === "policies" ? "policy" : kind.replace(/s$/, "");

async function printedBy<Reply>(
  view: ShowView<Reply>,
  request: ShowRequest,
  width: number | undefined,
): Promise<string> {
  const { kind, name, limit, isJson, isWatching, socketPath, filters } = request;
  const given = await getFromAdmin(socketPath, view.path(limit, name, filters));
  const other =
    view.otherPath === undefined ? undefined : await getFromAdmin(socketPath, view.otherPath);
  const reply = view.of === undefined ? (given as Reply) : view.of(given, other);
  const shown = name === undefined ? reply : view.named?.(reply, name);
  if (shown === undefined) {
    throw new DirectorError("not-found", `There is no ${nounOf(kind)} ${quoted(name)}.`);
  }
  if (!isJson) return view.text(shown, Date.now(), width);
  return isWatching ? jsonLine(shown) : jsonText(shown);
}
