import type { X509Certificate } from "node:crypto";
import { quoted } from "#model/problem.ts";
import { certificateFieldsOf } from "../certificate-fields.ts";
import { presentedNamesOf } from "../presented-names.ts";
import { isSelfSigned, type ChainPart } from "./build-chain.ts";
import { subjectText } from "./find-parts.ts";
import type { ImportNote } from "./import-note.ts";

/** How many notes of one kind are listed. The others are counted. */
const MAX_NOTES = 10;

/** Returns a note for each text that is no DNS name. */
export function nameNotes(leaf: X509Certificate): readonly ImportNote[] {
  const fields = certificateFieldsOf(leaf);
  const used = new Set(presentedNamesOf(fields));
  return fields.dnsNames
    .filter((name) => !used.has(name.toLowerCase().replace(/\.$/, "")))
    .map((name) => ({
      kind: "name-left-out",
      message: `${quoted(name)} is not a DNS name, so the certificate is not served for it.`,
    }));
}

/** Returns what was done with the certificates of the files to make the chain. */
export function chainNotes(
  chain: readonly ChainPart[],
  files: readonly ChainPart[],
  root: ChainPart | undefined,
): readonly ImportNote[] {
  const inChain = new Set(chain.map(({ certificate }) => certificate));
  const left = files.filter(({ certificate }) => !inChain.has(certificate));
  const notes = left.map(({ certificate }): ImportNote =>
    certificate === root?.certificate || isSelfSigned(certificate)
      ? {
          kind: "root-left-out",
          message: `The root ${subjectText(certificate)} is left out, because clients have it.`,
        }
      : {
          kind: "unrelated-left-out",
          message: `${subjectText(certificate)} is left out, because the chain does not need it.`,
        },
  );
  const added = chain.filter(({ isFromFiles }) => !isFromFiles);
  const used = files.filter(({ certificate }) => inChain.has(certificate));
  const isSorted = used.every(({ certificate }, at) => chain[at]?.certificate === certificate);
  return [
    ...notes,
    ...added.map(({ certificate }): ImportNote => ({
      kind: "chain-completed",
      message: `${subjectText(certificate)} is added to the chain. The director has it from another certificate.`,
    })),
    ...(isSorted
      ? []
      : [{ kind: "chain-sorted", message: "The certificates are sorted into a chain." } as const]),
  ];
}

/** A bundle of CAs would otherwise make a note for each of them. */
export function boundedNotes(notes: readonly ImportNote[]): readonly ImportNote[] {
  const byKind = Map.groupBy(notes, ({ kind }) => kind);
  return [...byKind].flatMap(([kind, all]) => [
    ...all.slice(0, MAX_NOTES),
    ...(all.length <= MAX_NOTES
      ? []
      : [{ kind, message: `The same is so for ${all.length - MAX_NOTES} more.` }]),
  ]);
}
