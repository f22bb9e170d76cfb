import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cipherSuite, tlsVersion } from "../load/terms.ts";
import { tryRunVersionCommand } from "./run-version-command.ts";
import type { Site, Subject } from "./subject.ts";

export const hitch: Subject = {
  name: "hitch",
  packages: ["hitch"],
  virtualIp: "127.0.1.52",
  hasWorkers: false,

  tryBuild() {
    const text = tryRunVersionCommand("hitch", ["-V"]);
    return text === undefined
      ? undefined
      : {
          version: /^hitch (\S+)/m.exec(text)?.[1] ?? "unknown",
          tlsLibrary: linkedTlsLibrary(),
        };
  },

  prepare(site) {
    const configuration = configurationOf(site);
    const path = join(site.folder, "hitch.conf");
    writeFileSync(path, configuration);
    return { program: "hitch", args: [`--config=${path}`], configuration };
  },
};

function configurationOf(site: Site): string {
  // It refuses to run its workers as root.
  const isRoot = process.getuid?.() === 0;
  const frontends = site.listeners.map(
    ({ virtualIp, port, keyType }) => `frontend = {
  host = "${virtualIp}"
  port = "${port}"
  pem-file = "${site.certificates[keyType].combinedPath}"
}
`,
  );
  return `${frontends.join("")}backend = "[127.0.0.1]:${site.endpointPort}"
workers = ${site.workers}
backlog = 511
tls-protos = ${tlsVersion}
ciphersuites = "${cipherSuite}"
ecdh-curve = "${site.groups.join(":")}"
ocsp-dir = ""
log-level = 1
${isRoot ? 'user = "nobody"\n' : ""}`;
}

/** hitch does not tell, so: what the libcrypto that it links to calls itself. */
function linkedTlsLibrary(): string {
  const programPath = tryRunVersionCommand("sh", ["-c", "command -v hitch"])?.trim() ?? "";
  const linked = tryRunVersionCommand("ldd", [programPath]) ?? "";
  const path = /libcrypto\S* => (\S+)/.exec(linked)?.[1];
  const text = path === undefined ? "" : readFileSync(path, "latin1");
  return /OpenSSL \d+\.\d+\.\d+/.exec(text)?.[0] ?? "unknown";
}
