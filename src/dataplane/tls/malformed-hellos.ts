/** ClientHellos that violate the protocol, for tests of the parser and of a running director. */
import type { SentAlert } from "./alerts.ts";
import {
  alpn,
  BROWSER_MESSAGE,
  extension,
  groups,
  helloOf,
  long,
  messageOf,
  nameEntry,
  recordsOf,
  serverName,
  short,
  signatures,
  u16,
  u8,
  versions,
} from "./client-hello-bytes.ts";

const tail = (block: Buffer): Buffer => recordsOf(messageOf({ block }));
const first = recordsOf(BROWSER_MESSAGE, 100).subarray(0, 105);
const message = (type: number): Buffer => recordsOf(Buffer.from(BROWSER_MESSAGE).fill(type, 0, 1));
/** A message whose length is greater than the length of its parts. */
const padded = Buffer.concat([messageOf({}, [serverName("a")]), u8(0)]);
padded.writeUInt16BE(padded.length - 4, 2);

/** The hellos by the alert that RFC 8446 section 6.2 or RFC 5246 section 7.2.2 defines for them. */
export const MALFORMED_HELLOS: Readonly<Record<SentAlert, Readonly<Record<string, Buffer>>>> = {
  unexpected_message: {
    "an empty record": u8(22, 3, 1, 0, 0),
    "an empty record between others": Buffer.concat([first, u8(22, 3, 1, 0, 0)]),
    "another handshake message": message(2),
    "another handshake message, empty": recordsOf(u8(0, 0, 0, 0)),
    "another handshake message, long": recordsOf(u8(20, 0, 40, 0)),
    "a handshake message of no known type": message(255),
    "an alert": u8(21, 3, 1, 0, 2, 2, 40),
    "a change_cipher_spec": u8(20, 3, 3, 0, 1, 1),
    "application data": u8(23, 3, 3, 0x48, 0),
    "a record of no known type": u8(99, 3, 1, 0, 2),
    "a record of type 0": u8(0, 3, 1, 0, 2),
    "a record of type 255": u8(255, 3, 0, 0, 2),
    "an alert between the records": Buffer.concat([first, u8(21)]),
    "application data between the records": Buffer.concat([first, u8(23)]),
  },
  record_overflow: {
    "a record over 16 KiB": u8(22, 3, 1, 0x40, 1),
    "a record of 65,535 bytes between others": Buffer.concat([first, u8(22, 3, 1, 0xff, 0xff)]),
  },
  protocol_version: {
    "a record of another protocol between others": Buffer.concat([first, u8(22, 2)]),
  },
  decode_error: {
    "a message of no length": recordsOf(u8(1, 0, 0, 0)),
    "a message longer than its parts": recordsOf(padded),
    "a session id of 33 bytes": recordsOf(messageOf({ sessionId: Buffer.alloc(33) })),
    "no cipher suites": recordsOf(messageOf({ suites: Buffer.alloc(0) })),
    "an odd number of suite bytes": recordsOf(messageOf({ suites: Buffer.alloc(3) })),
    "no compression methods": recordsOf(messageOf({ compression: Buffer.alloc(0) })),
    "half an extension length": tail(u8(0)),
    "an extension block that is too long": tail(u16(1)),
    "bytes after the extensions": tail(u8(0, 0, 0)),
    "half an extension header": tail(long(u16(21))),
    "an extension beyond the block": tail(long(u16(21, 1))),
    "an empty server_name": helloOf(extension(0, Buffer.alloc(0))),
    "an empty name list": helloOf(extension(0, u16(0))),
    "an empty name": helloOf(serverName("")),
    "a name list beyond the extension": helloOf(
      extension(0, Buffer.concat([u16(9), nameEntry("a")])),
    ),
    "a name list before the end": helloOf(extension(0, Buffer.concat([u16(3), nameEntry("a")]))),
    "a name beyond its list": helloOf(extension(0, long(u8(0, 0, 9, 97)))),
    "a name of another type": helloOf(extension(0, long(nameEntry("a", 1)))),
    "a name and one of another type": helloOf(
      extension(0, long(Buffer.concat([nameEntry("a"), nameEntry("b", 1)]))),
    ),
    "an empty ALPN": helloOf(extension(16, Buffer.alloc(0))),
    "an empty ALPN list": helloOf(alpn()),
    "an empty ALPN name": helloOf(alpn("h2", "")),
    "an empty ALPN name after many": helloOf(alpn(...Array.from({ length: 200 }, () => "x"), "")),
    "an ALPN name beyond the list": helloOf(extension(16, long(u8(3, 65, 65)))),
    "an ALPN list beyond the extension": helloOf(extension(16, u16(9, 0x0141))),
    "an empty supported_versions": helloOf(extension(43, Buffer.alloc(0))),
    "an empty version list": helloOf(versions()),
    "an odd version list": helloOf(extension(43, short(Buffer.alloc(3)))),
    "bytes after the versions": helloOf(extension(43, u8(2, 3, 4, 0))),
    "an empty supported_groups": helloOf(extension(10, Buffer.alloc(0))),
    "no groups": helloOf(groups()),
    "one byte of groups": helloOf(extension(10, u8(0))),
    "no signature schemes": helloOf(signatures()),
    "an odd list of schemes for certificates": helloOf(extension(50, long(u8(4, 3, 4)))),
  },
  illegal_parameter: {
    "no null compression": recordsOf(messageOf({ compression: u8(1) })),
    "two host names": helloOf(extension(0, long(Buffer.concat([nameEntry("a"), nameEntry("b")])))),
    "two server_name extensions": helloOf(serverName("a"), serverName("a")),
    "two ALPN extensions": helloOf(alpn("h2"), alpn("h2")),
    "two supported_versions": helloOf(versions(0x0304), versions(0x0304)),
    "two supported_groups": helloOf(groups(29), groups(29)),
    "two signature_algorithms": helloOf(signatures(0x0403), signatures(0x0403)),
    "two unknown extensions of the same type": helloOf(
      extension(0x7777, u8(1)),
      alpn("h2"),
      extension(0x7777, u8(2)),
    ),
  },
  unrecognized_name: {
    "a name of 256 bytes": helloOf(serverName("a".repeat(256))),
    "a name of 300 bytes": helloOf(serverName("a.".repeat(150))),
    "a name with a zero byte": helloOf(serverName("shop\0.example")),
  },
};
