import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mergePatch } from "#model/document/merge-patch.ts";
import type { JsonMap } from "#model/json.ts";
import type { NamedKind } from "#cli/named-kind.ts";
import { UsageError } from "#cli/usage-error.ts";
import { withListEdits } from "./edit-lists.ts";
import { parseSettings } from "./parse-settings.ts";
import { SETTING_SCHEMAS, settingsOf, trySettingSchema } from "./setting-schema.ts";

const parts = { folder: "/srv/tlsd", readInput: () => Promise.resolve(Buffer.from("007\r\nx")) };

const patchOf = async (kind: NamedKind, ...texts: readonly string[]): Promise<JsonMap> =>
  (await parseSettings(kind, texts, parts)).patch;

/** Returns what a set of `texts` makes of a part of the document. */
async function edited(kind: NamedKind, before: JsonMap, ...texts: readonly string[]) {
  const { patch, edits } = await parseSettings(kind, texts, parts);
  return mergePatch(before, withListEdits(before, patch, edits));
}

const refuses = (kind: NamedKind, text: string, message: RegExp): Promise<void> =>
  assert.rejects(parseSettings(kind, [text], parts), (error: unknown) => {
    assert.ok(error instanceof UsageError, String(error));
    assert.match(error.message, message);
    return true;
  });

describe("a setting", () => {
  it("has the type that the schema says", async () => {
    assert.deepEqual(
      await patchOf("listener", "to=8080", "strictServerName=true", "timeouts.idle=60s"),
      { to: 8080, strictServerName: true, timeouts: { idle: "60s" } },
    );
    assert.deepEqual(await patchOf("listener", "to=unix:/run/../run/shop.sock"), {
      to: "unix:/run/shop.sock",
    });
    assert.deepEqual(await patchOf("listener", "mode=egress", "to=[2001:db8::1]:443"), {
      mode: "egress",
      to: "[2001:db8::1]:443",
    });
    assert.deepEqual(await patchOf("vnic", "qos.rate=100m_1g", "qos.priority=5", "ip=::1"), {
      qos: { rate: "100m_1g", priority: 5 },
      ip: "::1",
    });
    assert.deepEqual(
      await patchOf(
        "listener",
        ...["mode=http", "hsts.maxAge=365d", "clientFacts=tls,ja4", "pool.maxIdle=20"],
        ...["responseFields.set.X-Frame-Options=DENY", "responseFields.remove=Server"],
      ),
      {
        mode: "http",
        hsts: { maxAge: "365d" },
        clientFacts: ["tls", "ja4"],
        pool: { maxIdle: 20 },
        responseFields: { set: { "X-Frame-Options": "DENY" }, remove: ["Server"] },
      },
    );
    // What looks like a number stays a text where the schema says text.
    assert.deepEqual(await patchOf("certificate", "passphrase=12345"), { passphrase: "12345" });
    assert.deepEqual(await patchOf("server", "address=a=b"), { address: "a=b" });
  });

  it("is a list with commas, and a list or a map in JSON", async () => {
    assert.deepEqual(await patchOf("profile", "servers=web-1, web-2"), {
      servers: ["web-1", "web-2"],
    });
    assert.deepEqual(await patchOf("profile", 'servers=["web-1"]', "standby=[]"), {
      servers: ["web-1"],
      standby: [],
    });
    assert.deepEqual(await patchOf("vnic", 'qos={"priority":7}'), { qos: { priority: 7 } });
    const listeners = 'listeners=[{"port":80,"mode":"redirect"}]';
    assert.deepEqual(await patchOf("vnic", listeners), {
      listeners: [{ port: 80, mode: "redirect" }],
    });
  });

  it("is removed without a value", async () => {
    const before = { base: "modern", clientAuth: { mode: "require", ca: "/ca.pem" } };
    assert.deepEqual(await edited("policy", before, "base=", "clientAuth.ca="), {
      clientAuth: { mode: "require" },
    });
  });

  it("has paths from the folder in which the command runs", async () => {
    assert.deepEqual(await patchOf("certificate", "chain=certs/../shop.pem", "key=/k.pem"), {
      chain: "/srv/tlsd/shop.pem",
      key: "/k.pem",
    });
    assert.deepEqual(await patchOf("policy", "clientAuth.ca=ca.pem"), {
      clientAuth: { ca: "/srv/tlsd/ca.pem" },
    });
  });

  it("is read from standard input if it is a secret and `-`", async () => {
    assert.deepEqual(await patchOf("certificate", "passphrase=-"), { passphrase: "007" });
    assert.deepEqual(await patchOf("server", "address=-"), { address: "-" });
  });

  it("refuses a secret that is empty or no text, instead of removing or altering it", async () => {
    for (const [input, message] of [
      ["", /is empty\. Remove the secret with `passphrase=`\./],
      ["\nhunter2\n", /is empty/],
      [Buffer.from("caf\u00e9", "latin1"), /is not UTF-8 text/],
    ] as const) {
      const readInput = (): Promise<Uint8Array> => Promise.resolve(Buffer.from(input));
      const parsed = parseSettings("certificate", ["passphrase=-"], { ...parts, readInput });
      await assert.rejects(parsed, message);
    }
    assert.deepEqual(await patchOf("certificate", "passphrase="), { passphrase: null });
  });

  it("adds to a list and takes from it", async () => {
    const before = { servers: ["web-1"], balance: "client-hash" };
    assert.deepEqual(await edited("profile", before, "servers+=web-2,web-1", "servers-=web-1"), {
      servers: ["web-2"],
      balance: "client-hash",
    });
    assert.deepEqual(await edited("profile", before, "standby+=web-3"), {
      ...before,
      standby: ["web-3"],
    });
    // An empty list is the default.
    assert.deepEqual(await edited("profile", before, "servers-=web-1"), { balance: "client-hash" });
    const weighted = { servers: [{ server: "web-1", weight: 3 }, "web-2"] };
    assert.deepEqual(await edited("profile", weighted, "servers+=web-1", "servers-=web-2"), {
      servers: [{ server: "web-1", weight: 3 }],
    });
    const heavier = 'servers+={"server":"web-2","weight":5}';
    assert.deepEqual(await edited("profile", weighted, heavier, "servers-=web-1"), {
      servers: [{ server: "web-2", weight: 5 }],
    });
    await assert.rejects(edited("policy", {}, "groups+=X25519"), /groups is not set/);
  });

  it("is refused, with what was meant, if the kind does not have it", async () => {
    await refuses(
      "listener",
      "timeouts.idel=1s",
      /^A listener has no setting "timeouts\.idel"\. Did you mean `timeouts\.idle`\?$/,
    );
    await refuses("server", "colour=red", /Settings are: address, admin\.$/);
    await refuses("server", "__proto__.polluted=1", /no setting/);
    await refuses("server", "address", /is not SETTING=VALUE/);
    await refuses("vnic", "qos.priority=high", /qos\.priority is a number, not "high"/);
    await refuses("listener", "strictServerName=yes", /true or false, not "yes"/);
    await refuses("vnic", "qos=5", /^qos is a map\. Set qos\.rate, .* or write it as JSON\.$/);
    await refuses("server", "address+=a", /address is not a list/);
    await refuses("vnic", 'qos={"priority":1,"priority":2}', /duplicated/);
    await refuses("vnic", "qos={", /is not JSON/);
    const twice = parseSettings("vnic", ["ip=::1", "ip=::2"], parts);
    await assert.rejects(twice, /ip is given twice/);
    const inner = parseSettings("vnic", ["qos={}", "qos.priority=1"], parts);
    await assert.rejects(inner, /given twice/);
  });
});

it("describes each setting, and those of one mode only", () => {
  for (const kind of Object.keys(SETTING_SCHEMAS) as readonly NamedKind[]) {
    const settings = settingsOf(kind);
    assert.ok(settings.length > 0);
    for (const { name, description } of settings) {
      assert.ok(description.length > 10, `${kind} ${name}`);
      assert.ok(trySettingSchema(SETTING_SCHEMAS[kind], name.split(".")) !== undefined, name);
    }
  }
  const [certificates] = settingsOf("listener").filter(({ name }) => name === "certificates");
  assert.match(certificates?.description ?? "", /Mode tcp and http only\.$/);
  const [verify] = settingsOf("listener").filter(({ name }) => name === "endpointTls.verify");
  assert.match(verify?.description ?? "", /Default: true\. Mode tcp, http and egress only\.$/);
  const [head] = settingsOf("listener").filter(({ name }) => name === "timeouts.head");
  assert.match(head?.description ?? "", /Default: 15s\. Mode http only\.$/);
  const [idle] = settingsOf("listener").filter(({ name }) => name === "timeouts.idle");
  assert.match(idle?.description ?? "", /Default: 300s\.$/);
});
