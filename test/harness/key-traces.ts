import { createPrivateKey } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Director } from "./director.ts";
import { descendantsOf } from "./process-facts.ts";

/** What would give a private key away: the lines of its PEM, and its secret number in the usual notations. */
export function keyTraces(keyPem: string): readonly string[] {
  const lines = keyPem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  const { d } = createPrivateKey(keyPem).export({ format: "jwk" });
  const secret = Buffer.from(d ?? "", "base64url");
  // The first line of an EC key is the same for all, as it says of which kind it is.
  const distinct = lines.slice(1).filter((line) => line.length > 20);
  const notations = (["hex", "base64url", "latin1"] as const).map((name) => secret.toString(name));
  return ["PRIVATE KEY-----", ...distinct, ...notations, secret.toString("base64").slice(0, -2)];
}

const apiPaths = [
  ...["/healthz", "/readyz", "/metrics", "/v1/status", "/v1/workers", "/v1/vnics"],
  ...["/v1/listeners", "/v1/certificates", "/v1/handshakes", "/v1/nothing"],
];

/** Everything that a director lets out, by where it stands: log, replies, commands, state, and what the system shows of it. */
export async function textsOf(director: Director): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  texts.set("log", director.logs.map((line) => JSON.stringify(line)).join("\n"));
  for (const path of apiPaths) {
    const { headers, body } = await director.api(path);
    texts.set(path, JSON.stringify([headers, body]));
  }
  for (const kind of ["certificates", "handshakes"]) {
    const { stdout, stderr } = await director.cli("show", kind, "--json");
    texts.set(`tlsd show ${kind}`, stdout + stderr);
  }
  const entries = readdirSync(director.dataDir, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    texts.set(path, readFileSync(path, "latin1"));
  }
  for (const pid of [director.pid, ...descendantsOf(director.pid).map((one) => one.pid)]) {
    for (const file of ["cmdline", "environ"]) {
      texts.set(`/proc/${pid}/${file}`, readFileSync(`/proc/${pid}/${file}`, "latin1"));
    }
  }
  return texts;
}
