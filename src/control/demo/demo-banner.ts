import { join, relative } from "node:path";
import { listenersOf } from "#model/document/document-listeners.ts";
import type { Document } from "#model/document/document.ts";
import { socketAddressOf } from "#model/names.ts";
import { controlModeOf } from "../control-mode.ts";
import type { Sources } from "../certificates/sources.ts";

export interface DemoFacts {
  readonly document: Document;
  readonly sources: Sources;
  /** The path that `prepareDemo` returned. */
  readonly caPath: string;
  readonly socketPath: string;
  /** The folder of the document. The printed commands run there. */
  readonly folder: string;
  /** The command of the program in a shell in that folder. */
  readonly command: string;
  /** The vNIC at which an old client has just failed. */
  readonly failedAt: string | undefined;
}

/** The socket that a command uses without --socket. */
const DEFAULT_SOCKET = "data/tlsd.sock";

interface DemoListener {
  readonly vnic: string;
  readonly ip: string;
  readonly port: number;
  readonly mode: string;
  readonly to: number | string | undefined;
  readonly serverName: string | undefined;
}

/** Returns the text for a new user: the addresses, commands to copy, and how to stop the demo. */
export function demoBanner(facts: DemoFacts): string {
  const { document, sources, caPath, socketPath, folder, command, failedAt } = facts;
  const isDefault = socketPath === join(folder, DEFAULT_SOCKET);
  const socket = isDefault ? "" : ` --socket ${quoted(socketPath)}`;
  const ca = quoted(relative(folder, caPath));
  const listeners = demoListenersOf(document, sources);
  const lines = [
    "",
    "TLS Director is serving its demo document.",
    "",
    "It listens on",
    ...listeners.map(
      ({ vnic, ip, port, mode }) => `  ${socketAddressOf(ip, port)}  ${mode.padEnd(8)}  ${vnic}`,
    ),
    "",
    "Try, in another terminal:",
    `  cd ${quoted(folder)}`,
    ...listeners.flatMap((listener) => curlCommand(listener, listeners, ca)),
    `  ${command} show vnics${socket}`,
    "",
    ...(failedAt === undefined
      ? []
      : [`A client that has only TLS 1.2 has just failed at ${failedAt}. To see why:`]),
    `  ${command} show handshakes${socket}`,
    "",
    `Admin socket: ${socketPath}`,
    "Stop it with Ctrl+C.",
    "",
  ];
  return `${lines.join("\n")}\n`;
}

const demoListenersOf = (document: Document, sources: Sources): readonly DemoListener[] =>
  listenersOf(document).map(({ owner, listener }) => {
    const [certificate] = controlModeOf(listener).clientTlsOf(listener)?.certificates ?? [];
    const { port, mode, to } = listener;
    const names = sources.certificates.get(certificate ?? "")?.facts.names;
    return { vnic: owner.name, ip: owner.vnic.ip, port, mode, to, serverName: names?.[0] };
  });

function curlCommand(
  listener: DemoListener,
  listeners: readonly DemoListener[],
  ca: string,
): readonly string[] {
  const { ip, port, mode, to, serverName } = listener;
  // It keeps the port of the URL, also after a redirection.
  const connect = `--connect-to ::${ip.includes(":") ? `[${ip}]` : ip}:`;
  if (serverName !== undefined) {
    return [`  curl --cacert ${ca} ${connect} https://${serverName}:${port}/`];
  }
  const target = listeners.find((other) => other.ip === ip && other.port === to)?.serverName;
  if (mode !== "redirect" || target === undefined) return [];
  return [`  curl --location --cacert ${ca} ${connect} http://${target}:${port}/`];
}

/** Quotes a path for a POSIX shell. */
const quoted = (path: string): string =>
  /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
