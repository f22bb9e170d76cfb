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
  /** The command of the program in a shell. */
  readonly command: string;
}

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
  const { document, sources, caPath, socketPath, command } = facts;
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
    ...listeners.flatMap((listener) => curlCommand(listener, listeners, quoted(caPath))),
    `  ${command} show vnics --socket ${quoted(socketPath)}`,
    `  ${command} show handshakes --failed --socket ${quoted(socketPath)}`,
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
  const address = ip.includes(":") ? `[${ip}]` : ip;
  if (serverName !== undefined) {
    const resolve = `--resolve ${serverName}:${port}:${address}`;
    return [`  curl --cacert ${ca} ${resolve} https://${serverName}:${port}/`];
  }
  const target = listeners.find((other) => other.ip === ip && other.port === to)?.serverName;
  if (mode !== "redirect" || target === undefined) return [];
  const resolve = [port, to].map((each) => `--resolve ${target}:${each}:${address}`).join(" ");
  return [`  curl --location --cacert ${ca} ${resolve} http://${target}:${port}/`];
}

/** Quotes a path for a POSIX shell. */
const quoted = (path: string): string =>
  /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
