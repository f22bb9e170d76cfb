import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cipherSuite, tlsVersion } from "../load/terms.ts";
import { tryRunVersionCommand } from "./run-version-command.ts";
import { idleTimeoutS, type Site, type Subject } from "./subject.ts";

export const haproxy: Subject = {
  name: "haproxy",
  packages: ["haproxy"],
  virtualIp: "127.0.1.50",
  hasWorkers: false,

  tryBuild() {
    const text = tryRunVersionCommand("haproxy", ["-vv"]);
    return text === undefined
      ? undefined
      : {
          version: /^HAProxy version (\S+)/m.exec(text)?.[1] ?? "unknown",
          tlsLibrary: tlsLibraryOf(text),
        };
  },

  prepare(site) {
    const configuration = configurationOf(site);
    const path = join(site.folder, "haproxy.cfg");
    writeFileSync(path, configuration);
    return { program: "haproxy", args: ["-db", "-f", path], configuration };
  },
};

/** AWS-LC calls itself an old OpenSSL, with its own name in parentheses. */
function tlsLibraryOf(text: string): string {
  const running = /^Running on \S+ version : (.+)$/m.exec(text)?.[1] ?? "unknown";
  return /AWS-LC \S*\d/.exec(running)?.[0] ?? running.split(" ", 2).join(" ");
}

function configurationOf(site: Site): string {
  const binds = site.listeners.map(
    ({ virtualIp, port, keyType }) =>
      `  bind ${virtualIp}:${port} ssl crt ${site.certificates[keyType].combinedPath}\n`,
  );
  return `global
  nbthread ${site.workers}
  maxconn ${site.maxConnections}
  ssl-default-bind-options ssl-min-ver ${tlsVersion}
  ssl-default-bind-ciphersuites ${cipherSuite}
  ssl-default-bind-curves ${site.groups.join(":")}
defaults
  mode tcp
  timeout connect 5s
  timeout client ${idleTimeoutS}s
  timeout server ${idleTimeoutS}s
listen bench
${binds.join("")}  server web-1 127.0.0.1:${site.endpointPort}
`;
}
