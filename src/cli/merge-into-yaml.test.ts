import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { parse, stringify } from "yaml";
import { parseYamlFile } from "#control/read-yaml-file.ts";
import type { Json, JsonMap } from "#model/json.ts";
import { mergeIntoYaml } from "./merge-into-yaml.ts";

/** Merges as `tlsd export --into director.yaml` does. */
const merge = (text: string, wanted: JsonMap, folder: string): string =>
  mergeIntoYaml(Buffer.from(text), wanted, folder, (bytes) =>
    parseYamlFile(bytes, "director.yaml"),
  );

const DEMO = readFileSync(new URL("../../director.yaml", import.meta.url), "utf8");

/** A file as an operator writes it, with comments in every place. */
const FILE = `# The head.
director: { data: data }   # start-up

# Hosts.
servers:
  # About web-1.
  web-1: { address: 192.0.2.1 }   # rack 1

  # About web-2.
  web-2:
    address: "192.0.2.2"   # quoted
profiles:
  shop:
    servers:
    - web-1   # first
    - web-2
    vnics:
      front:
        ip: 198.51.100.1
        listeners:
          # Plain HTTP.
          - port: 80
            mode: redirect
          # TLS.
          - port: 443   # https
            to: 8080
            certificates: [shop,   www]   # in this order
certificates:
  shop: { chain: certs/shop.pem, key: certs/shop.key }
  www:
    chain: certs/www.pem   # its chain
# The tail.
`;

const valueOf = (text: string): Record<string, Json> => parse(text) as Record<string, Json>;

/** Returns the file after the parts at these paths have changed. A part that becomes undefined is removed. */
function changed(parts: Readonly<Record<string, Json | undefined>>, text = FILE): string {
  // Parsed again, because aliases share objects.
  const { director: _, ...wanted } = JSON.parse(JSON.stringify(valueOf(text))) as JsonMap;
  for (const [path, part] of Object.entries(parts)) {
    const steps = path.split(".");
    const last = steps.pop() ?? "";
    const parent = steps.reduce<Record<string, Json | undefined>>(
      (node, step) => node[step] as unknown as Record<string, Json | undefined>,
      wanted,
    );
    if (part === undefined) delete parent[last];
    else parent[last] = part;
  }
  return merge(text, wanted, "/etc/tlsd");
}

/** The lines that are only in one of both texts. */
function difference(before: string, after: string): readonly string[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `- ${line.trim()}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+ ${line.trim()}`),
  ];
}

describe("mergeIntoYaml", () => {
  it("leaves a file alone that says the same", () => {
    assert.equal(changed({}), FILE);
    assert.equal(changed({}, DEMO), DEMO);
  });

  it("changes only the lines of what changes, and keeps their comments and format", () => {
    const after = changed({
      "servers.web-1.address": "192.0.2.9",
      "servers.web-2.address": "192.0.2.8",
      "profiles.shop.vnics.front.listeners.1.certificates": ["www"],
    });
    assert.deepEqual(difference(FILE, after), [
      "- web-1: { address: 192.0.2.1 }   # rack 1",
      '- address: "192.0.2.2"   # quoted',
      "- certificates: [shop,   www]   # in this order",
      "+ web-1: { address: 192.0.2.9 }   # rack 1",
      "+ address: 192.0.2.8   # quoted",
      "+ certificates: [ www ]   # in this order",
    ]);
  });

  it("adds keys in the order of the schema, and names at the end", () => {
    const after = changed({
      "servers.web-3": { address: "192.0.2.3" },
      "profiles.shop.vnics.front.admin": "down",
      "profiles.shop.vnics.front.listeners.1.policy": "modern",
      policies: { p: { base: "modern" } },
    });
    const lines = after.split("\n").map((line) => line.trim());
    const before = (line: string): string | undefined => lines[lines.indexOf(line) - 1];
    assert.equal(before("web-3:"), 'address: "192.0.2.2"   # quoted');
    assert.equal(before("admin: down"), "ip: 198.51.100.1");
    assert.equal(before("policy: modern"), "certificates: [shop,   www]   # in this order");
    assert.equal(before("policies:"), "chain: certs/www.pem   # its chain");
    assert.deepEqual(
      difference(FILE, after).filter((line) => line.startsWith("-")),
      [],
    );
  });

  it("removes what is gone with the comment directly above it, and no other", () => {
    const after = changed({ "servers.web-2": undefined, "certificates.www": undefined });
    assert.deepEqual(difference(FILE, after), [
      "- # About web-2.",
      "- web-2:",
      '- address: "192.0.2.2"   # quoted',
      "- www:",
      "- chain: certs/www.pem   # its chain",
    ]);
    assert.match(
      changed({ "servers.web-1": undefined }),
      /# Hosts\.\nservers:\n {2}# About web-1\./,
    );
    assert.match(changed({ servers: undefined }), /# start-up\nprofiles:/);
  });

  it("keeps comments within a value that is written anew", () => {
    const text = "servers:\n  web: { # a\n    address: 1.2.3.4, # b\n  } # c\n";
    const after = changed({ "servers.web.address": "1.2.3.5" }, text);
    for (const comment of ["# a", "# b", "# c"]) assert.ok(after.includes(comment), after);
    assert.deepEqual(valueOf(after), { servers: { web: { address: "1.2.3.5" } } });
  });

  it("keeps the comments of a file in flow style where they are", () => {
    const text = "{ # top\n  servers: { web-1: {address: 127.42.4.1} } # keep me\n}\n# end\n";
    const before = valueOf(text);
    const listeners = [{ port: 80, mode: "redirect" }];
    const shop = { servers: ["web-1"], vnics: { front: { ip: "::1", listeners } } };
    for (const [wanted, expected] of [
      [before, text],
      [{ servers: { "web-1": { address: "127.0.0.2" } } }, text.replace("127.42.4.1", "127.0.0.2")],
      [
        { ...before, profiles: { shop } },
        text.replace(
          "} # keep me",
          "}, # keep me\n  profiles: { shop: { servers: [ web-1 ], vnics: { front: { ip: ::1, listeners: [ { port: 80, mode: redirect } ] } } } }",
        ),
      ],
      [{}, "{ # top\n}\n# end\n"],
    ] as const) {
      assert.equal(merge(text, wanted, "/"), expected);
    }
    assert.equal(
      merge("# none\n{} # yet\n", { servers: { a: { address: "1.1.1.1" } } }, "/"),
      "# none\nservers:\n  a:\n    address: 1.1.1.1 # yet\n",
    );
  });

  it("keeps the comments of a value in flow style where they are", () => {
    const text = [
      "servers: { # why",
      "  # about a, b",
      "  a: { address: 1.1.1.1 }, # keep a,",
      "  b: { address: 1.1.1.2 }, # of b",
      "  # about c",
      "  c: { address: 1.1.1.3 } # keep c",
      "} # all",
      "",
    ].join("\n");
    const after = changed(
      { "servers.a.address": "2.2.2.2", "servers.b": undefined, "servers.d": { address: "d:4" } },
      text,
    );
    assert.equal(
      after,
      [
        "servers: { # why",
        "  # about a, b",
        "  a: { address: 2.2.2.2 }, # keep a,",
        "  # about c",
        "  c: { address: 1.1.1.3 }, # keep c",
        "  d: { address: d:4 }",
        "} # all",
        "",
      ].join("\n"),
    );
  });

  it("knows listeners by their ports, and keeps their order in the file", () => {
    const listeners = [
      { port: 80, mode: "redirect" },
      { port: 443, to: 9090, certificates: ["shop", "www"] },
    ];
    const path = "profiles.shop.vnics.front.listeners";
    const after = changed({ [path]: listeners.toReversed() });
    assert.deepEqual(difference(FILE, after), ["- to: 8080", "+ to: 9090"]);
    const one = changed({ [path]: listeners.slice(1) });
    assert.match(one, /listeners:\n +# Plain HTTP\.\n +# TLS\.\n +- port: 443 {3}# https\n/);
  });

  it("keeps a path relative that leads to the same file", () => {
    const shop = { chain: "/etc/tlsd/certs/shop.pem", key: "/etc/tlsd/keys/shop.key" };
    assert.deepEqual(difference(FILE, changed({ "certificates.shop": shop })), [
      "- shop: { chain: certs/shop.pem, key: certs/shop.key }",
      "+ shop: { chain: certs/shop.pem, key: /etc/tlsd/keys/shop.key }",
    ]);
  });

  it("writes a text anew whose aliases refer to what changes, with its comments", () => {
    const text = "servers:\n  a: &a { address: 1.1.1.1 } # one\n  b: *a # two\n";
    const after = changed({ "servers.a.address": "2.2.2.2" }, text);
    assert.deepEqual(valueOf(after), {
      servers: { a: { address: "2.2.2.2" }, b: { address: "1.1.1.1" } },
    });
    assert.match(after, /# one\n# two\n/);
  });

  it("keeps JSON as JSON, with its indentation and order", () => {
    const json = `${JSON.stringify({ servers: { b: { address: "1.1.1.1" } }, director: {} }, undefined, 4)}\n`;
    const wanted = {
      policies: {},
      servers: { a: { address: "1.1.1.2" }, b: { address: "1.1.1.1" } },
    };
    const after = merge(json, wanted, "/");
    assert.deepEqual(Object.keys(JSON.parse(after) as object), ["servers", "director", "policies"]);
    assert.match(after, /^\{\n {4}"servers": \{\n {8}"b"/);
  });

  it("fills an empty file, and refuses one that is no document", () => {
    assert.equal(merge("# nothing yet", {}, "/"), "# nothing yet\n{}\n");
    assert.equal(merge("# nothing yet\n", { servers: {} }, "/"), "# nothing yet\nservers: {}\n");
    for (const text of ["a: [", "- a\n", "text"]) {
      assert.throws(() => merge(text, {}, "/"), { code: "document-unreadable" });
    }
  });
});

const name = fc.constantFrom(
  "a",
  "b-c",
  "*.d.e",
  "true",
  "5",
  "f: g",
  "#h",
  "listeners",
  "servers",
);
const scalar = fc.oneof(
  fc.constantFrom<Json>(null, true, "", "x", "true", "1.5", "# no comment", "a: b", "'q'", "- x"),
  fc.constantFrom<Json>("two\nlines\n", " lead", "trail ", "unix:/a", "\u00e9\u{1f600}"),
  fc.integer(),
  fc.string(),
);
const { value: json } = fc.letrec<{ value: Json; map: JsonMap }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    scalar,
    tie("map"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .uniqueArray(fc.tuple(fc.nat(5), tie("map")), { selector: ([port]) => port, maxLength: 4 })
      .map((listeners) => listeners.map(([port, map]) => ({ ...map, port }))),
  ),
  map: fc.dictionary(name, tie("value"), { maxKeys: 5, noNullPrototype: true }),
}));
const map = fc.dictionary(name, json, { maxKeys: 6, noNullPrototype: true });
const style = fc.record({
  indentSeq: fc.boolean(),
  indent: fc.constantFrom(2, 4),
  collectionStyle: fc.constantFrom("any" as const, "any" as const, "flow" as const),
  lineWidth: fc.constantFrom(0, 20),
});

/** Listeners have no order. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = (value as readonly unknown[]).map(inOrder);
    const ports = items.map((item) => (Object(item) as { readonly port?: unknown }).port);
    const areListeners = ports.every((port) => typeof port === "number");
    return areListeners ? items.toSorted((one, other) => portIn(one) - portIn(other)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inOrder(each)]));
}

const portIn = (item: unknown): number => (item as { readonly port: number }).port;

/** Puts a comment line before each line that begins a key or an entry, and returns it with the name in it. */
const withComments = (text: string): string =>
  text.replace(/^( *)(?:- )?([a-z]\S*):/gm, (line, indent: string) => `${indent}# c\n${line}`);

describe("mergeIntoYaml, for any document", () => {
  it("gives exactly the wanted document, for any file", () => {
    fc.assert(
      fc.property(map, map, style, fc.boolean(), (present, wanted, format, hasComments) => {
        const plain = stringify(present, format);
        const commented = hasComments ? withComments(plain) : plain;
        fc.pre(JSON.stringify(parse(commented)) === JSON.stringify(parse(plain)));
        fc.pre(Object.keys(present).length > 0);
        const after = merge(commented, wanted, "/nowhere");
        assert.deepEqual(inOrder(parse(after) ?? {}), inOrder(wanted));
      }),
      { numRuns: 300 },
    );
  });

  it("loses no comment of a part that stays", () => {
    const entry = fc.record({ stays: fc.boolean(), changes: fc.boolean(), isFlow: fc.boolean() });
    const form = fc.constantFrom("block", "flow", "all flow");
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 8 }), form, (entries, shape) => {
        const lines = entries.map(({ isFlow }, at) =>
          isFlow || shape !== "block"
            ? `  # above ${at}.\n  w${at}: { a: 1, b: 2 }${shape === "block" ? "" : ","} # beside ${at}.`
            : `  # above ${at}.\n  w${at}: # beside ${at}.\n    # in ${at}.\n    a: 1 # at ${at}.\n    b: 2`,
        );
        const wanted = entries.flatMap(({ stays, changes }, at) =>
          stays ? [[`w${at}`, changes ? { a: 2, c: 3 } : { a: 1, b: 2 }] as const] : [],
        );
        fc.pre(wanted.length > 0);
        const open = { block: "servers:", flow: "servers: {", "all flow": "{ servers: {" }[shape];
        const close = { block: "", flow: "  }\n", "all flow": "} # both\n}\n" }[shape];
        const text = `# head\n${open}\n${lines.join("\n")}\n${close}# tail\n`;
        const after = merge(text, { servers: Object.fromEntries(wanted) }, "/");
        assert.deepEqual(parse(after), { servers: Object.fromEntries(wanted) });
        assert.ok(after.startsWith(`# head\n${open}\n`), after);
        const kept = text.match(/# .*$/gm)?.filter((comment) => {
          const at = /\d+/.exec(comment)?.[0];
          return at === undefined || entries[Number(at)]?.stays === true;
        });
        for (const comment of kept ?? [])
          assert.ok(after.includes(comment), `${comment}\n${after}`);
      }),
      { numRuns: 200 },
    );
  });
});
