/** Is run by each engine. Prints how many microseconds a worker takes to choose one of 10,000 certificates by name. */
import { CertificateIndex } from "#dataplane/tls/certificate-index.ts";
import type { ClientHello } from "#dataplane/tls/client-hello.ts";
import { PRESETS } from "#model/document/policy.ts";
import type { CertificateName, MaterialId } from "#model/names.ts";
import type { SnapshotCertificate } from "#model/records/snapshot.ts";

const count = Number(process.argv[2]);
const rounds = 5;
const hellosInARound = 200_000;

const bindings = new Map(
  Array.from({ length: count }, (_, at): [CertificateName, SnapshotCertificate] => {
    const name = `site-${at}` as CertificateName;
    const names = ["", "www.", "*.static."].map((prefix) => `${prefix}site-${at}.example.org`);
    const schemes = { keySchemes: [0x0403], chainSchemes: [0x0403] };
    const material = `material-${at}` as MaterialId;
    return [name, { name, material, names, keyType: "ecdsa", notAfterMs: Infinity, ...schemes }];
  }),
);
const steps = CertificateIndex.build(
  { certificates: [...bindings.keys()], policy: PRESETS.intermediate, strictServerName: false },
  bindings,
);
let built = steps.next();
while (built.done !== true) built = steps.next();
const index = built.value;

const helloOf = (serverName: string): ClientHello => ({
  serverName,
  otherName: undefined,
  alpn: [],
  legacyVersion: 0x0303,
  versions: [0x0304],
  cipherSuites: [0x1301],
  groups: [29],
  signatureSchemes: [0x0403],
  certificateSchemes: [0x0403],
  hasSessionTicket: false,
  extensionTypes: [],
});
const hellos = Array.from({ length: 5_000 }, (_, at) =>
  helloOf(`${["", "www.", "img.static."][at % 3]}site-${(at * 7) % count}.example.org`),
);

let best = Infinity;
for (let round = 0; round < rounds; round += 1) {
  let chosen = 0;
  const startedMs = performance.now();
  for (let done = 0; done < hellosInARound; done += hellos.length) {
    for (const hello of hellos) if (index.select(hello, 1) !== undefined) chosen += 1;
  }
  if (chosen !== hellosInARound) throw new Error("Some names had no certificate.");
  best = Math.min(best, ((performance.now() - startedMs) * 1_000) / hellosInARound);
}
console.log(best);
