import { escapeControls } from "#model/escape-controls.ts";
import type { ChainFacts } from "#model/document/certificate.ts";
import type {
  CertificateDetail,
  CertificateTraffic,
  CertificateUse,
} from "#model/records/certificate-detail.ts";
import type { CertificateVersionShape } from "#model/records/certificate-version.ts";
import { spanText, timeText } from "#cli/spans.ts";
import { hung, remarksOf, tableOf } from "#cli/table.ts";
import { attentionText, expiryText, keyText } from "./show-certificates.ts";
import type { ShowView } from "./show-kind.ts";

type Row = readonly [name: string, value: string];
type ChainCertificate = ChainFacts["certificates"][number];

/** NAME is a certificate. */
export const showCertificate: ShowView<CertificateDetail> = {
  path: (_limit, name = "") => `/v1/certificates/${encodeURIComponent(name)}/status`,
  named: (certificate) => certificate,
  text(certificate, nowMs, width) {
    const { name, source, state, traffic, chain, attention, usedBy, versions } = certificate;
    const rows: readonly Row[] = [
      ["certificate", name],
      ["source", source],
      ["state", state],
      ...factRowsOf(certificate, nowMs),
      ...(traffic === undefined ? [] : trafficRowsOf(traffic, nowMs)),
    ];
    const lines = rows.flatMap(([title, value]) =>
      hung(title.padEnd(14), escapeControls(value), width ?? Infinity),
    );
    return [
      lines.map((line) => `${line}\n`).join(""),
      remarksOf(
        "Needs attention",
        attention.map((one) => [one.code, attentionText(one)]),
        width,
      ),
      chainText(chain, width),
      usesText(usedBy, width),
      versionsText(versions, width),
    ].join("");
  },
};

function factRowsOf({ facts }: CertificateDetail, nowMs: number): readonly Row[] {
  if (facts === undefined) return [];
  return [
    ["names", facts.names.join(", ") || "-"],
    ["key", keyText(facts)],
    ["subject", facts.subject || "-"],
    ["issuer", facts.issuer || "-"],
    ["serial", facts.serialNumber],
    ["valid from", timeText(facts.notBeforeMs)],
    ["valid until", expiryText(facts, nowMs)],
    ["SHA-256", facts.fingerprint],
    ["SPKI pin", facts.spkiPin],
  ];
}

function trafficRowsOf(
  { newHandshakes, resumedHandshakes, failures, lastUseAt }: CertificateTraffic,
  nowMs: number,
): readonly Row[] {
  const lastUseMs = Date.parse(lastUseAt);
  const causes = Object.entries(failures).map(([cause, count]) => `${count} ${cause}`);
  return [
    ["handshakes", `${newHandshakes} new, ${resumedHandshakes} resumed`],
    ["failures", causes.join(", ") || "none"],
    ["last use", `${timeText(lastUseMs)} (${spanText(nowMs - lastUseMs)} ago)`],
  ];
}

function chainText(chain: ChainFacts | undefined, width: number | undefined): string {
  if (chain === undefined) return "";
  const until = ({ notAfterMs }: ChainCertificate): string =>
    notAfterMs === undefined ? "-" : timeText(notAfterMs);
  const from = ({ notBeforeMs }: ChainCertificate): string =>
    notBeforeMs === undefined ? "-" : timeText(notBeforeMs);
  const table = tableOf<readonly [number, ChainCertificate]>(
    [
      { title: "CHAIN", cell: ([at]) => at + 1, isNumber: true },
      { title: "SUBJECT", cell: ([, { subject }]) => subject || "-" },
      { title: "ISSUER", cell: ([, { issuer }]) => issuer || "-" },
      { title: "SERIAL", cell: ([, { serialNumber }]) => serialNumber },
      { title: "VALID FROM", cell: ([, one]) => from(one) },
      { title: "VALID UNTIL", cell: ([, one]) => until(one) },
      { title: "SHA-256", cell: ([, { fingerprint }]) => fingerprint },
    ],
    [...chain.certificates.entries()],
    width,
  );
  return `\n${table}`;
}

function versionsText(
  versions: readonly CertificateVersionShape[],
  width: number | undefined,
): string {
  if (versions.length === 0) return "";
  const untilOf = ({ facts }: CertificateVersionShape): string =>
    facts === undefined ? "-" : timeText(facts.notAfterMs);
  const table = tableOf<CertificateVersionShape>(
    [
      { title: "VERSION", cell: ({ id }) => id, isNumber: true },
      { title: "STATE", cell: ({ state }) => state },
      { title: "SERIAL", cell: ({ facts }) => facts?.serialNumber ?? "-" },
      { title: "VALID UNTIL", cell: untilOf },
      { title: "CAME", cell: ({ at }) => timeText(Date.parse(at)) },
      { title: "BY", cell: ({ by }) => by.user ?? by.origin },
      { title: "FROM", cell: ({ from }) => from },
    ],
    versions,
    width,
  );
  return `\n${table}`;
}

function usesText(usedBy: readonly CertificateUse[], width: number | undefined): string {
  if (usedBy.length === 0) return "";
  const table = tableOf<CertificateUse>(
    [
      { title: "USED BY", cell: ({ listener }) => listener },
      { title: "SHOWN TO", cell: ({ shownTo }) => shownTo },
      { title: "PATH", cell: ({ path }) => path },
    ],
    usedBy,
    width,
  );
  return `\n${table}`;
}
