import { generateKeyPairSync } from "node:crypto";
import {
  alternativeNames,
  der,
  distinguishedName,
  extension,
  generalNames,
  oid,
  sequence,
  stringTags,
} from "./der.ts";
import { generalizedTime, utcTime, type KeyPair, type OddFields } from "./odd-certificate.ts";

const { dns, email, ip, other, registeredId, uri } = generalNames;
const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();

const ecKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });
const signer = ecKeys.privateKey;

export interface LegalCase {
  readonly fields: OddFields;
  /** The DNS names that it is chosen by. */
  readonly names: readonly string[];
}

/** RFC 5280 allows it, or TLS libraries have always taken it: it loads, and both engines serve it. */
export const legalCertificates: Readonly<Record<string, LegalCase>> = {
  "empty subject": {
    fields: {
      subject: distinguishedName(),
      extensions: [alternativeNames(dns("a.example"), dns("*.B.example"))],
    },
    names: ["a.example", "*.b.example"],
  },
  "empty subject and issuer": {
    fields: { subject: distinguishedName(), issuer: distinguishedName() },
    names: [],
  },
  "no alternative name": { fields: {}, names: ["odd.example"] },
  "empty list of alternative names": {
    fields: { extensions: [alternativeNames()] },
    names: ["odd.example"],
  },
  "addresses only": {
    fields: {
      subject: distinguishedName(),
      extensions: [alternativeNames(ip(192, 0, 2, 1), ip(...Buffer.alloc(16, 1)))],
    },
    names: [],
  },
  "names of every other kind": {
    fields: {
      extensions: [
        alternativeNames(
          uri("https://x/a, DNS:evil.example"),
          registeredId("1.2.3.4"),
          other("1.2.3.4", "x, DNS:evil.example"),
          email("a@b.example"),
          dns("b.example"),
        ),
      ],
    },
    names: ["b.example"],
  },
  "names with NUL, commas, quotes, ports and raw UTF-8": {
    fields: {
      subject: distinguishedName(),
      extensions: [
        alternativeNames(
          dns("a.example\0.evil.example"),
          dns("x, DNS:evil.example"),
          dns('"q".example'),
          dns("a\nb.example"),
          dns("bücher.example"),
          dns("xn--bcher-kva.example"),
          dns("0f8fad5bd9cb469fa16570867728950e.example.internal:8443"),
          dns("trailing.example."),
          dns("a..example"),
          dns("-a.example"),
          dns("*"),
          dns("*.*.example"),
          dns(`${"a".repeat(64)}.example`),
        ),
      ],
    },
    names: ["xn--bcher-kva.example", "trailing.example"],
  },
  "a name that no expression may be slow on": {
    fields: {
      subject: distinguishedName({
        type: "CN",
        value: "0f8fad5b-d9cb-469f-a165-70867728950e (device)",
      }),
    },
    names: [],
  },
  "RDNs of several values": {
    fields: {
      subject: distinguishedName(
        [
          { type: "CN", value: "m.example" },
          { type: "O", value: "x + CN=evil.example" },
        ],
        { type: "CN", value: "n.example" },
      ),
    },
    names: ["m.example", "n.example"],
  },
  "a common name of 100,000 characters": {
    fields: { subject: distinguishedName({ type: "CN", value: "l".repeat(100_000) }) },
    names: [],
  },
  "a BMPString": {
    fields: {
      subject: distinguishedName({ type: "CN", value: utf16("b.example"), tag: stringTags.bmp }),
    },
    names: ["b.example"],
  },
  "a TeletexString": {
    fields: {
      subject: distinguishedName({
        type: "CN",
        value: Buffer.from("b\u00fc.example", "latin1"),
        tag: stringTags.teletex,
      }),
    },
    names: [],
  },
  "control characters, commas and quotes": {
    fields: {
      subject: distinguishedName(
        { type: "CN", value: "a\nCN=evil.example\u001b[31m" },
        { type: "O", value: 'a, b="c"\\ \0 z' },
      ),
    },
    names: [],
  },
  "a NUL in the common name": {
    fields: { subject: distinguishedName({ type: "CN", value: "good.example\0.evil.example" }) },
    names: [],
  },
  // U+212A becomes an ASCII k in lower case.
  "a Kelvin sign for a K": {
    fields: { subject: distinguishedName({ type: "CN", value: "ban\u212a.example" }) },
    names: [],
  },
  "serial number zero": { fields: { serial: Buffer.of(0) }, names: ["odd.example"] },
  "negative serial number": { fields: { serial: Buffer.of(0xfb) }, names: ["odd.example"] },
  "serial number of 1,000 bytes": {
    fields: { serial: Buffer.alloc(1_000, 0x11) },
    names: ["odd.example"],
  },
  "no expiry": {
    fields: { notAfter: generalizedTime("99991231235959Z") },
    names: ["odd.example"],
  },
  "valid since 1950": { fields: { notBefore: utcTime("500101000000Z") }, names: ["odd.example"] },
  "version 1": { fields: { version: 1 }, names: ["odd.example"] },
  "another extended key usage": {
    fields: {
      extensions: [extension("2.5.29.37", true, sequence(oid("1.3.6.1.5.5.7.3.2")))],
    },
    names: ["odd.example"],
  },
  "a critical extension that is not known": {
    fields: { extensions: [extension("1.2.3.4.5", true, der(0x05))] },
    names: ["odd.example"],
  },
  "a thousand names": {
    fields: {
      extensions: [
        alternativeNames(...Array.from({ length: 1_000 }, (_, at) => dns(`h${at}.example`))),
      ],
    },
    names: Array.from({ length: 1_000 }, (_, at) => `h${at}.example`),
  },
  Ed25519: { fields: { keys: generateKeyPairSync("ed25519") }, names: ["odd.example"] },
};

/** What clients or engines refuse, or no TLS uses: it has a problem that says so. */
export const illegalCertificates: Readonly<
  Record<string, { readonly fields: OddFields; readonly problem: RegExp }>
> = {
  "a date that does not exist": {
    fields: { notAfter: utcTime("401331000000Z") },
    problem: /^certificate-malformed: .*a date that does not exist/,
  },
  "version 1 with extensions": {
    fields: { version: 1, extensions: [alternativeNames(dns("a.example"))] },
    problem: /^certificate-malformed: .*has extensions although its version is 1/,
  },
  "an extension twice": {
    fields: {
      extensions: [alternativeNames(dns("a.example")), alternativeNames(dns("b.example"))],
    },
    problem: /^certificate-malformed: .*the same extension twice/,
  },
  "a damaged subjectAltName": {
    fields: { extensions: [extension("2.5.29.17", false, Buffer.from("hello"))] },
    problem: /^certificate-malformed: .*damaged subjectAltName/,
  },
  "a BMPString of three bytes": {
    fields: {
      subject: distinguishedName({ type: "CN", value: Buffer.from("abc"), tag: stringTags.bmp }),
    },
    problem: /^certificate-malformed: Certificate 1 of the file, in line 1, is damaged/,
  },
  "no serial number": {
    fields: { serial: Buffer.alloc(0) },
    problem: /^certificate-malformed: .*damaged/,
  },
  Ed448: {
    fields: { keys: generateKeyPairSync("ed448") },
    problem: /^key-malformed: .*type ed448/,
  },
  X25519: {
    fields: { keys: generateKeyPairSync("x25519"), signer },
    problem: /^key-malformed: .*x25519/,
  },
  DSA: {
    fields: {
      keys: generateKeyPairSync("dsa", { modulusLength: 2048, divisorLength: 256 }),
      signer,
    },
    problem: /^key-malformed: .*type dsa/,
  },
  "a curve that no client takes": {
    fields: { keys: generateKeyPairSync("ec", { namedCurve: "secp224r1" }) },
    problem: /^key-malformed: .*secp224r1/,
  },
  "a curve that is spelled out": {
    fields: { keys: explicitKeys() },
    problem: /^certificate-unusable: .*contains the parameters/,
  },
};

/** Engine bun refuses it, and engine node serves it. */
export const nodeOnlyCertificates: Readonly<
  Record<string, { readonly fields: OddFields; readonly refusal: RegExp }>
> = {
  "RSA-PSS": {
    fields: { keys: generateKeyPairSync("rsa-pss", { modulusLength: 2048 }), signer },
    refusal: /RSA-PSS/,
  },
  "no digitalSignature": {
    fields: { extensions: [extension("2.5.29.15", true, der(0x03, Buffer.of(1, 0x06)))] },
    refusal: /digitalSignature/,
  },
};

function explicitKeys(): KeyPair {
  return generateKeyPairSync("ec", { namedCurve: "P-256", paramEncoding: "explicit" });
}
