import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { BenchFailure } from "../bench-failure.ts";
import { httpRequestOf } from "./exchange.ts";
import {
  benchServerName,
  cipherSuite,
  tlsVersion,
  type LoadPlan,
  type PreparedLoad,
} from "./messages.ts";

export const h2loadPackage = "nghttp2-client";

/**
 * Runs h2load with as many connections as the plan says, and as many streams on each as make up its concurrency. It connects for each
 * run, so a run contains the handshakes of its connections.
 */
export async function prepareH2load(plan: LoadPlan): Promise<PreparedLoad> {
  return {
    close: async () => {},
    async run() {
      // The death signal ends h2load if this process is killed.
      const prefix = ["--pdeathsig", "TERM", "h2load"];
      const child = spawn("setpriv", [...prefix, ...h2loadArgsOf(plan)], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
      const failure = failureIn(output, plan);
      if (failure !== undefined) throw new BenchFailure(`${failure} ${errors.slice(-200)}`.trim());
      return { operations: plan.operations };
    },
  };
}

export function h2loadArgsOf({
  target,
  tls,
  concurrency,
  connections = 1,
  operations,
  http,
}: LoadPlan): string[] {
  const [listener] = target.listeners;
  if (http === undefined) throw new TypeError("h2load needs a plan for HTTP.");
  const [, path = "/"] = httpRequestOf(http).toString("latin1").split(" ", 2);
  return [
    ...["-n", String(operations), "-c", String(connections)],
    ...["-m", String(Math.ceil(concurrency / connections))],
    `--tls13-ciphers=${cipherSuite}`,
    `--groups=${tls.group}`,
    "--npn-list=h2",
    `--connect-to=${listener?.virtualIp}:${listener?.port}`,
    `https://${benchServerName}${path}`,
  ];
}

/** Says what went wrong by the output of h2load, or what it has negotiated instead of what the plan says. */
export function failureIn(output: string, { operations, tls }: LoadPlan): string | undefined {
  const negotiated = ["TLS Protocol", "Cipher", "Server Temp Key", "Application protocol"].map(
    (name) => new RegExp(`^${name}: (\\S+)`, "m").exec(output)?.[1] ?? "nothing",
  );
  const expected = [tlsVersion, cipherSuite, tls.group, "h2"];
  if (negotiated.join() !== expected.join()) {
    return `h2load negotiated ${negotiated.join(", ")} instead of ${expected.join(", ")}.`;
  }
  const successes = Number(/^status codes: (\d+) 2xx/m.exec(output)?.[1] ?? 0);
  if (successes === operations) return undefined;
  const requests = /^requests: .*$/m.exec(output)?.[0] ?? "no requests";
  return `h2load got ${successes} of ${operations} answers (${requests}).`;
}
