import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer, type Server } from "node:net";
import { describe, test, type TestContext } from "node:test";
import { connect, type ConnectionOptions } from "node:tls";
import { requirePackage } from "#harness/packages.ts";
import { type ClientHello, parseClientHello } from "./client-hello.ts";

const DEADLINE_MS = 10_000;

/** Accepts one connection on 127.0.0.1 and collects what it sends until the parser returns a result. */
class HelloCatcher {
  readonly #server: Server;
  readonly caught: Promise<Buffer>;

  private constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.caught = promise;
    const deadline = setTimeout(() => reject(new Error("no hello came")), DEADLINE_MS);
    this.#server = createServer((socket) => {
      let bytes = Buffer.alloc(0);
      socket.on("error", () => socket.destroy());
      socket.on("data", (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        if (parseClientHello(bytes).kind === "incomplete") return;
        clearTimeout(deadline);
        resolve(bytes);
        socket.destroy();
      });
    });
  }

  static async listen(): Promise<HelloCatcher> {
    const catcher = new HelloCatcher();
    await new Promise<void>((resolve) => catcher.#server.listen(0, "127.0.0.1", resolve));
    return catcher;
  }

  get port(): number {
    const own = this.#server.address();
    assert.ok(own !== null && typeof own === "object");
    return own.port;
  }

  close(): void {
    this.#server.close();
  }
}

function checkHello(bytes: Buffer): ClientHello {
  for (let length = 0; length < bytes.length; length += 1) {
    const { kind } = parseClientHello(bytes.subarray(0, length));
    if (kind !== "incomplete") assert.equal(kind, "hello", `after ${length} bytes`);
  }
  const result = parseClientHello(bytes);
  assert.ok(result.kind === "hello", result.kind);
  return result.hello;
}

/** The Debian package of each program. */
const packages = { openssl: "openssl", curl: "curl", "gnutls-cli": "gnutls-bin" } as const;

/** Returns what the program sends. The program is then killed, and the catcher closed. */
async function caughtFrom(
  catcher: HelloCatcher,
  program: string,
  programArguments: readonly string[],
): Promise<Buffer> {
  const child = spawn(program, programArguments, { stdio: "ignore" });
  return catcher.caught.finally(() => {
    child.kill("SIGKILL");
    catcher.close();
  });
}

/** Returns the hello of a program, or undefined if it is not installed. */
async function helloOfProgram(
  context: TestContext,
  program: keyof typeof packages,
  argumentsFor: (port: number) => readonly string[],
): Promise<{ readonly hello: ClientHello; readonly bytes: Buffer } | undefined> {
  if (!(await requirePackage(context, packages[program], program))) return undefined;
  const catcher = await HelloCatcher.listen();
  const bytes = await caughtFrom(catcher, program, argumentsFor(catcher.port));
  return { hello: checkHello(bytes), bytes };
}

const at = (port: number): string => `127.0.0.1:${port}`;

describe("openssl s_client", () => {
  test("server name, ALPN and TLS 1.3", async (context) => {
    const names = ["-servername", "WWW.Shop.example.", "-alpn", "h2,http/1.1"];
    const sent = await helloOfProgram(context, "openssl", (port) => {
      return ["s_client", "-connect", at(port), ...names];
    });
    if (sent === undefined) return;
    assert.equal(sent.hello.serverName, "www.shop.example");
    assert.deepEqual(sent.hello.alpn, ["h2", "http/1.1"]);
    assert.ok(sent.hello.versions.includes(0x0304) && sent.hello.cipherSuites.includes(0x1301));
    assert.ok(sent.hello.groups.includes(0x001d) && sent.hello.signatureSchemes.includes(0x0403));
  });

  test("a hello in records of 512 bytes", async (context) => {
    const protocols = Array.from(
      { length: 60 },
      (_, index) => `protocol-of-thirty-letters-${index}`,
    );
    const sent = await helloOfProgram(context, "openssl", (port) => {
      const more = ["-max_send_frag", "512", "-alpn", protocols.join(",")];
      return ["s_client", "-connect", at(port), "-servername", "a.example", ...more];
    });
    if (sent === undefined) return;
    assert.ok(sent.bytes.readUInt16BE(3) <= 512 && sent.bytes.length > 1_500);
    assert.deepEqual(sent.hello.alpn, protocols);
    assert.equal(sent.hello.serverName, "a.example");
  });

  for (const [option, version] of [
    ["-tls1", 0x0301],
    ["-tls1_1", 0x0302],
    ["-tls1_2", 0x0303],
    ["-tls1_3", 0x0304],
  ] as const) {
    test(`only the version of ${option}`, async (context) => {
      const sent = await helloOfProgram(context, "openssl", (port) => {
        return ["s_client", "-connect", at(port), option, "-cipher", "ALL:@SECLEVEL=0"];
      });
      if (sent !== undefined) assert.deepEqual(sent.hello.versions, [version]);
    });
  }
});

test("curl", async (context) => {
  const sent = await helloOfProgram(context, "curl", (port) => {
    const where = ["--resolve", `Shop.Example:${port}:127.0.0.1`, `https://Shop.Example:${port}/`];
    return ["--silent", "--insecure", "--noproxy", "*", "--tlsv1.2", ...where];
  });
  if (sent === undefined) return;
  assert.equal(sent.hello.serverName, "shop.example");
  assert.ok(sent.hello.alpn.includes("http/1.1"));
  assert.deepEqual(sent.hello.versions.slice(0, 2), [0x0304, 0x0303]);
});

test("curl that sends http to the TLS port", async (context) => {
  if (!(await requirePackage(context, "curl"))) return;
  const catcher = await HelloCatcher.listen();
  const url = `http://${at(catcher.port)}/`;
  const bytes = await caughtFrom(catcher, "curl", ["--silent", "--noproxy", "*", url]);
  assert.equal(parseClientHello(bytes).kind, "plaintext-http");
});

for (const [priority, versions] of [
  ["NORMAL", [0x0304, 0x0303]],
  ["NORMAL:-VERS-ALL:+VERS-TLS1.2", [0x0303]],
] as const) {
  test(`gnutls-cli with ${priority}`, async (context) => {
    const sent = await helloOfProgram(context, "gnutls-cli", (port) => {
      const names = ["--sni-hostname", "a.example", "--alpn", "h2", "--priority", priority];
      return ["--insecure", ...names, "--port", String(port), "127.0.0.1"];
    });
    if (sent === undefined) return;
    assert.equal(sent.hello.serverName, "a.example");
    assert.deepEqual(sent.hello.alpn, ["h2"]);
    assert.deepEqual(sent.hello.versions.slice(0, versions.length), versions);
  });
}

describe("the engine's own client", () => {
  const cases: readonly (readonly [string, ConnectionOptions, Partial<ClientHello>])[] = [
    [
      "with a name and ALPN",
      { servername: "A.Example", ALPNProtocols: ["h2", "x"] },
      { serverName: "a.example", alpn: ["h2", "x"] },
    ],
    ["with no name", {}, { serverName: undefined, alpn: [], hasSessionTicket: false }],
    ["with TLS 1.2 only", { maxVersion: "TLSv1.2" }, { legacyVersion: 0x0303, versions: [0x0303] }],
    ["with TLS 1.3 only", { minVersion: "TLSv1.3" }, { legacyVersion: 0x0303, versions: [0x0304] }],
  ];
  for (const [name, options, expected] of cases) {
    test(name, async () => {
      const catcher = await HelloCatcher.listen();
      const client = connect({ host: "127.0.0.1", port: catcher.port, ...options });
      client.on("error", () => client.destroy());
      const bytes = await catcher.caught.finally(() => catcher.close());
      client.destroy();
      const hello = checkHello(bytes);
      assert.deepEqual({ ...hello, ...expected }, hello);
    });
  }
});
