import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tryRunVersionCommand } from "./run-version-command.ts";
import { benchPolicy, idleTimeoutS, maxConnections, type Site, type Subject } from "./subject.ts";

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
          tlsLibrary: /^Running on \S+ version : (\S+ \S+)/m.exec(text)?.[1] ?? "unknown",
        };
  },

  prepare(site) {
    const configuration = configurationOf(site);
    const path = join(site.folder, "haproxy.cfg");
    writeFileSync(path, configuration);
    return { program: "haproxy", args: ["-db", "-f", path], configuration };
  },
};

function configurationOf(site: Site): string {
  return `global
  nbthread 1
  maxconn ${maxConnections}
  ssl-default-bind-options ssl-min-ver ${benchPolicy.version}
  ssl-default-bind-ciphersuites ${benchPolicy.suite}
  ssl-default-bind-curves ${benchPolicy.group}
defaults
  mode tcp
  timeout connect 5s
  timeout client ${idleTimeoutS}s
  timeout server ${idleTimeoutS}s
listen bench
  bind ${site.virtualIp}:${site.port} ssl crt ${site.certificate.combinedPath}
  server web-1 127.0.0.1:${site.endpointPort}
`;
}
