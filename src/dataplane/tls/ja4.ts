import { createHash } from "node:crypto";
import type { ClientHello } from "./client-hello.ts";

const SERVER_NAME = 0;
const ALPN = 16;
const NOTHING = "0".repeat(12);

const VERSIONS: Readonly<Record<number, string>> = {
  0x0304: "13",
  0x0303: "12",
  0x0302: "11",
  0x0301: "10",
  0x0300: "s3",
};

/** Returns the JA4 fingerprint of a client, as in `t13d1516h2_8daaf6152771_e5627efa2ab1`. It is defined by FoxIO's JA4 technical details. */
export function ja4Of(hello: ClientHello): string {
  const { cipherSuites, extensionTypes, signatureSchemes, versions, alpn } = hello;
  const version = VERSIONS[Math.max(...versions)] ?? "00";
  const destination = extensionTypes.includes(SERVER_NAME) ? "d" : "i";
  const suites = sortedHex(cipherSuites);
  const listed = extensionTypes.filter((type) => type !== SERVER_NAME && type !== ALPN);
  const extensions = [sortedHex(listed), signatureSchemes.map(hexOf).join(",")].filter(Boolean);
  return [
    `t${version}${destination}${countOf(cipherSuites)}${countOf(extensionTypes)}${endsOf(alpn[0] ?? "")}`,
    hashOf(suites),
    listed.length === 0 ? NOTHING : hashOf(extensions.join("_")),
  ].join("_");
}

const hexOf = (code: number): string => code.toString(16).padStart(4, "0");
const sortedHex = (codes: readonly number[]): string => codes.map(hexOf).toSorted().join(",");
const countOf = (codes: readonly number[]): string =>
  String(Math.min(codes.length, 99)).padStart(2, "0");
const hashOf = (text: string): string =>
  text === "" ? NOTHING : createHash("sha256").update(text).digest("hex").slice(0, 12);

/** Returns the first and last character of the first protocol, or those of its hexadecimal form if one is not a letter or digit. */
function endsOf(protocol: string): string {
  if (protocol === "") return "00";
  const hex = Buffer.from(protocol, "latin1").toString("hex");
  const isPlain = /^[A-Za-z0-9]/.test(protocol) && /[A-Za-z0-9]$/.test(protocol);
  const text = isPlain ? protocol : hex;
  return `${text.at(0)}${text.at(-1)}`;
}
