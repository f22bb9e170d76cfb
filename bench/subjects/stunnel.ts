import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cipherSuite, tlsVersion } from "../load/terms.ts";
import { tryRunVersionCommand } from "./run-version-command.ts";
import { idleTimeoutS, type Site, type Subject } from "./subject.ts";

/** A thread for each connection. */
export const stunnel: Subject = {
  name: "stunnel",
  packages: ["stunnel4"],
  virtualIp: "127.0.1.53",
  hasWorkers: false,

  tryBuild() {
    const text = tryRunVersionCommand("stunnel", ["-version"]);
    return text === undefined
      ? undefined
      : {
          version: /^stunnel (\S+)/m.exec(text)?.[1] ?? "unknown",
          tlsLibrary:
            /^(?:Running|Compiled\/running) +with (\S+ \S+)/m.exec(text)?.[1] ?? "unknown",
        };
  },

  prepare(site) {
    const configuration = configurationOf(site);
    const path = join(site.folder, "stunnel.conf");
    writeFileSync(path, configuration);
    return { program: "stunnel", args: [path], configuration };
  },
};

function configurationOf(site: Site): string {
  const services = site.listeners.map(
    ({ virtualIp, port, keyType }) => `[${keyType}-${virtualIp}-${port}]
accept = ${virtualIp}:${port}
connect = 127.0.0.1:${site.endpointPort}
cert = ${site.certificates[keyType].combinedPath}
sslVersion = ${tlsVersion}
ciphersuites = ${cipherSuite}
curves = ${site.groups.join(":")}
TIMEOUTidle = ${idleTimeoutS}
`,
  );
  return `foreground = yes
pid =
syslog = no
debug = err
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
${services.join("")}`;
}
