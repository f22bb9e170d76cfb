import assert from "node:assert/strict";
import { it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { OpenApi, Operation } from "#control/admin-api/reference/openapi.ts";
import type { FailureReply } from "#model/failure.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import { startDirector } from "#harness/director.ts";
import { createTestCa } from "#harness/test-ca.ts";

/** The operations that need what those before them have made. All others come after these. */
const first = [
  ...["putDocument", "undo", "putDocument", "patchDocument"],
  ...["Server", "Profile", "Vnic", "Listener", "Certificate", "Policy"].flatMap((kind) =>
    ["put", "get", "patch"].map((verb) => `${verb}${kind}`),
  ),
];
const last = ["Listener", "Vnic", "Certificate", "Policy", "Profile", "Server"].map(
  (kind) => `delete${kind}`,
);

/** They keep certificates, after the one that is read from files is gone. */
const kept = [
  ...["importCertificates", "deleteCertificate", "importCertificate", "rotateCertificate"],
  ...["rollBackCertificate", "rotateCertificates", "requestCertificate"],
  ...["listCertificateVersions", "removeCertificateVersion"],
];

const secretPath = "/v1/certificates/shop";
/** The value of every secret that the document can have. A test of the schema names the fields. */
const SECRET = /the-planted-secret/;

interface Described {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

/** Makes a request of nothing but the examples of the OpenAPI document. */
function requestOf({ path, method, operation }: Described) {
  const { parameters = [], requestBody } = operation;
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  let target = path;
  for (const { name, in: place, required, example } of parameters) {
    if (required !== true && example === undefined) continue;
    assert.notEqual(example, undefined, `${operation.operationId} needs an example of ${name}`);
    if (place === "query") query.set(name, String(example));
    else if (place === "header") headers[name] = String(example);
    else target = target.replace(`{${name}}`, encodeURIComponent(String(example)));
  }
  const [[type, content] = []] = Object.entries(requestBody?.content ?? {});
  if (type !== undefined) headers["content-type"] = type;
  return {
    path: query.size === 0 ? target : `${target}?${query.toString()}`,
    options: { method: method.toUpperCase(), headers, body: content?.example },
  };
}

it("every operation does what the OpenAPI document says, from its own examples", async () => {
  const ca = await createTestCa();
  const issued = await ca.issue({ names: ["shop.example"] });
  /** Returns the body with a new certificate where the example has words for it. */
  const withPem = async (body: unknown): Promise<unknown> => {
    const json = JSON.stringify(body) ?? "";
    if (!json.includes("the PEM of")) return body;
    const { chainPem, keyPem } = await ca.issue({ names: ["shop.example"] });
    const inJson = (pem: string): string => JSON.stringify(pem).slice(1, -1);
    return JSON.parse(
      json
        .replaceAll("the PEM of the chain", inJson(chainPem))
        .replaceAll("the PEM of the key", inJson(keyPem)),
    ) as unknown;
  };
  const files = { "certs/shop.pem": issued.chainPem, "certs/shop.key": issued.keyPem };
  const director = await startDirector({ document: {}, engine: "node", workers: 1, files });
  const openApi = (await director.api("/openapi.json")).body as OpenApi;
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema(openApi, "api");
  const fits = (schema: object, value: unknown, name: string): void => {
    const text = JSON.stringify(schema).replaceAll('"#/', '"api#/');
    const validate = ajv.compile(JSON.parse(text) as object);
    assert.ok(validate(value), `${name}: ${ajv.errorsText(validate.errors)}`);
  };

  const all = Object.entries(openApi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const byId = new Map(all.map((one) => [one.operation.operationId, one]));
  const inOrder = [...first, ...last, ...kept];
  const others = [...byId.keys()].filter((id) => !inOrder.includes(id));
  assert.ok(others.length >= 10);
  const plantSecret = async (): Promise<void> => {
    const headers = { "content-type": "application/merge-patch+json" };
    const body = { passphrase: "the-planted-secret" };
    const reply = await director.api(secretPath, { method: "PATCH", headers, body });
    assert.equal(reply.status, 200);
    assert.doesNotMatch(JSON.stringify(reply.body), SECRET);
    for (const path of [secretPath, "/v1/document"]) {
      const { body: effective } = await director.api(`${path}?effective=true`);
      assert.match(JSON.stringify(effective), /"secret:hmac-sha256:/);
      assert.doesNotMatch(JSON.stringify(effective), SECRET);
    }
  };
  const change = async (body: object): Promise<void> => {
    const headers = { "content-type": "application/merge-patch+json" };
    const reply = await director.api("/v1/document", { method: "PATCH", headers, body });
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
  };
  /** The standby server serves, and the other one is up again. */
  const goOnStandby = async (): Promise<void> => {
    const [main, spare] = [{ address: "192.0.2.1" }, { address: "192.0.2.2" }];
    const listeners = [{ port: 8443, to: 8080, certificates: ["shop"] }];
    const vnics = { back: { ip: uniqueVirtualIp(), listeners } };
    const shop = { servers: ["main"], standby: ["spare"], failback: "manual", vnics };
    await change({ servers: { main, spare }, profiles: { shop } });
    await change({ servers: { main: { admin: "drain" } } });
    await change({ servers: { main: { admin: "up" } } });
  };
  for (const id of [...first, ...others, ...last, ...kept]) {
    if (id === "failBackProfile") await goOnStandby();
    const described = byId.get(id);
    assert.ok(described !== undefined, id);
    const { path, options } = requestOf(described);
    const sent = { ...options, body: await withPem(options.body) };
    const { status, headers, body } = await director.api(path, sent);
    if (id === "putCertificate") await plantSecret();
    // A backup must have the secrets, so that it can be restored.
    if (id !== "getBackup") assert.doesNotMatch(JSON.stringify(body), SECRET, id);
    assert.ok(status >= 200 && status < 300, `${id}: ${status} ${JSON.stringify(body)}`);
    const { content = {} } = described.operation.responses[status] ?? {};
    const type = String(headers["content-type"]).split(";")[0] ?? "";
    assert.deepEqual(Object.keys(content), [type], id);
    fits(content[type]?.schema ?? {}, body, id);
    // Every reply is so only at this moment.
    assert.equal(headers["cache-control"], "no-store", id);
    if (id === "failBackProfile") await change({ profiles: { shop: { vnics: { back: null } } } });
  }

  const failed = await director.api("/v1/servers/none");
  const { "4XX": failure } = byId.get("getServer")?.operation.responses ?? {};
  fits(failure?.content?.["application/problem+json"]?.schema ?? {}, failed.body, "a failure");
  assert.equal(failed.headers["content-type"], "application/problem+json");
  const { type, status } = failed.body as FailureReply;
  assert.deepEqual([type, status, failed.status], ["/docs#not-found", 404, 404]);

  assert.doesNotMatch(JSON.stringify(director.logs), SECRET);
  const page = await director.api("/docs");
  assert.match(String(page.headers["content-type"]), /^text\/html/);
  assert.match(String(page.headers["content-security-policy"]), /default-src 'none'/);
  assert.match(String(page.body), /<dt id="not-found">/);
});
