import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { RESOURCE_KINDS } from "#model/document/resources.ts";
import type { FailureReply } from "#model/failure.ts";
import { uniqueVirtualIp } from "#harness/addresses.ts";
import type { ApiReply, ApiRequest } from "#harness/admin-client.ts";
import { BAD_BODIES, SECRET } from "#harness/bad-bodies.ts";
import { eventually } from "#harness/deadline.ts";
import { startDirector, type Director } from "#harness/director.ts";
import { rawConnect } from "#harness/socket-client.ts";

const JSON_TYPE = { "content-type": "application/json" };
const PATCH_TYPE = { "content-type": "application/merge-patch+json" };

/** The control process answers, whatever the engine of its workers. */
describe("the admin API", { concurrency: false }, () => {
  let director: Director;
  const ip = uniqueVirtualIp();

  before(async () => {
    const vnics = { front: { ip, listeners: [{ port: 8080, mode: "redirect" }] } };
    const document = {
      servers: { "web-1": { address: "127.0.0.1" }, "web-2": { address: "127.0.0.2" } },
      profiles: {
        shop: { servers: ["web-1"], vnics },
        blog: { servers: ["web-2"], standby: ["web-1"] },
      },
    };
    director = await startDirector({ document, engine: "node", workers: 1 });
  });

  const ask = (path: string, options: ApiRequest = {}): Promise<ApiReply> =>
    director.api(path, { deadlineMs: 60_000, ...options });
  const patch = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    ask(path, { method: "PATCH", body, headers: { ...PATCH_TYPE, ...headers } });
  const failureOf = ({ status, body }: ApiReply): string =>
    `${status} ${(body as FailureReply).code}`;
  const revision = async (): Promise<number> => (await director.status()).revision;
  /** Sends bytes, and resolves to all that comes back. */
  const exchange = async (...parts: readonly string[]): Promise<string> => {
    const client = await rawConnect({ path: director.socketPath });
    for (const part of parts) await client.send(part);
    return (await client.read.toEnd(30_000)).toString();
  };

  it("replies to conditional reads and changes as RFC 9110 section 13 says", async () => {
    const path = "/v1/servers/web-1";
    const { headers } = await ask(path);
    const tag = String(headers["etag"]);
    const document = String((await ask("/v1/document")).headers["etag"]);
    const read = async (conditions: Readonly<Record<string, string>>): Promise<number> => {
      const reply = await ask(path, { headers: conditions });
      if (reply.status === 304) assert.deepEqual([reply.headers["etag"], reply.body], [tag, ""]);
      return reply.status;
    };
    assert.equal(await read({ "if-none-match": tag }), 304);
    assert.equal(await read({ "if-none-match": `W/${tag}` }), 304);
    assert.equal(await read({ "if-none-match": `"a,b", ,"c",\t${tag} ` }), 304);
    assert.equal(await read({ "if-none-match": "*" }), 304);
    assert.equal(await read({ "if-none-match": '"other"' }), 200);
    assert.equal(await read({ "if-match": '"other"', "if-none-match": tag }), 412);
    assert.equal(await read({ "if-match": tag, "if-none-match": tag }), 304);
    assert.equal(await read({ "if-none-match": "other" }), 400);
    const head = await ask(path, { method: "HEAD" });
    assert.deepEqual([head.status, head.body, head.headers["etag"]], [200, "", tag]);
    assert.equal(
      (await ask(path, { method: "HEAD", headers: { "if-none-match": tag } })).status,
      304,
    );

    const body = { address: "127.0.0.1" };
    const change = async (conditions: Readonly<Record<string, string>>, to = path) => {
      const reply = await patch(to, body, conditions);
      return reply.status === 200 ? "200" : failureOf(reply);
    };
    assert.equal(await change({ "if-match": tag }), "200");
    assert.equal(await change({ "if-match": document }), "200");
    assert.equal(await change({ "if-match": `"x", ${tag}` }), "200");
    assert.equal(await change({ "if-match": "*" }), "200");
    assert.equal(await change({ "if-match": `W/${tag}` }), "412 revision-conflict");
    assert.equal(await change({ "if-none-match": "*" }), "412 already-exists");
    assert.equal(await change({ "if-none-match": `W/${tag}` }), "412 already-exists");
    assert.equal(
      await change({ "if-match": '"x"', "if-none-match": "*" }),
      "412 revision-conflict",
    );
    assert.equal(await change({ "if-match": "*" }, "/v1/servers/none"), "412 does-not-exist");
    const stale = await patch(path, body, { "if-match": '"x"' });
    assert.equal(stale.headers["etag"], tag);
    const tagAfter = async (to: string): Promise<unknown> =>
      (await ask(`${to}?dryRun=true`, { method: "PUT", body })).headers["etag"];
    assert.equal(await tagAfter(path), tag);
    assert.equal(await tagAfter("/v1/servers/none"), undefined);
    assert.equal(
      failureOf(await ask("/v1/document", { method: "PUT", body: {} })),
      "428 precondition-required",
    );
    assert.equal(failureOf(await ask("/v1/undo", { method: "POST" })), "428 precondition-required");
  });

  it("names the methods of each resource, and refuses others", async () => {
    for (const [path, methods] of [
      ["/v1/vnics", "GET, HEAD"],
      ["/v1/vnics/front.shop", "DELETE, GET, HEAD, PATCH, PUT"],
      ["/v1/vnics/front.shop/", "DELETE, GET, HEAD, PATCH, PUT"],
      ["/v1/undo", "POST"],
    ] as const) {
      const refused = await ask(path, { method: "TRACE" });
      assert.equal(failureOf(refused), "405 method-not-allowed", path);
      assert.equal(refused.headers["allow"], `${methods}, OPTIONS`);
      const options = await ask(path, { method: "OPTIONS" });
      assert.deepEqual([options.status, options.headers["allow"]], [204, `${methods}, OPTIONS`]);
    }
    const { headers } = await ask("/v1/vnics/front.shop", { method: "OPTIONS" });
    assert.equal(headers["accept-patch"], "application/merge-patch+json");
    assert.equal(failureOf(await ask("/v1/nothing", { method: "OPTIONS" })), "404 not-found");
  });

  it("finds nothing by a name that no resource has, whatever its characters", async () => {
    const names = ["a%2Fb", "a%0Ab", "%00", "__proto__", "constructor", "toString", "..%2F..", "."];
    for (const kind of RESOURCE_KINDS) {
      for (const name of [...names, "x".repeat(1_000), "x".repeat(5_000)]) {
        const reply = await ask(`/v1/${kind}/${name}`);
        assert.equal(failureOf(reply), "404 not-found", `${kind} ${name}`);
        assert.ok(JSON.stringify(reply.body).length < 1_000);
        const headers = { "if-match": "*" };
        const removed = await ask(`/v1/${kind}/${name}`, { method: "DELETE", headers });
        assert.match(failureOf(removed), /^(?:412 does-not-exist|404 not-found)$/, name);
      }
    }
    assert.equal(failureOf(await ask("/v1/servers/%ff")), "400 bad-request");
  });

  it("adds a listener only by the name that it then has", async () => {
    for (const port of ["018600", "0x48a8", "1.86e4", "%2018600", "x", "-1", "", "999999"]) {
      const body = { mode: "redirect" };
      const reply = await ask(`/v1/listeners/front.shop:${port}`, { method: "PUT", body });
      assert.equal(failureOf(reply), "400 bad-request", port);
    }
  });

  it("refuses a query with unknown keys, repeated keys or bad values", async () => {
    for (const path of [
      ...["/v1/status?x=1", "/v1/vnics?colour=blue", "/v1/document?effective=maybe"],
      ...["/v1/vnics?limit=1&limit=2", "/v1/vnics?limit=0", "/v1/vnics?limit=1001"],
      ...["/v1/servers?profile=shop", "/v1/history?before=x", "/v1/vnics?__proto__=1"],
    ]) {
      assert.equal(failureOf(await ask(path)), "400 bad-request", path);
    }
    for (const path of [
      "/v1/connections?client=nobody",
      "/v1/connections?client=10.0.0.1/33",
      "/v1/handshakes?client=10.0.0.*",
      "/v1/handshakes?group=cause&client=",
      "/v1/vnics?server=",
      "/v1/listeners?profile=",
    ]) {
      assert.equal(failureOf(await ask(path)), "400 bad-request", path);
    }
    const cut = await ask("/v1/connections?client=nobody", { method: "DELETE" });
    assert.equal(failureOf(cut), "400 bad-request");
    const both = { revision: 1, to: 1 };
    const headers = { "if-match": "*", ...JSON_TYPE };
    const undo = await ask("/v1/undo", { method: "POST", body: both, headers });
    assert.equal(failureOf(undo), "400 bad-request");
    const author = { "tlsd-author": "uid=1; uid=2" };
    assert.equal(failureOf(await patch("/v1/servers/web-1", {}, author)), "400 bad-request");
    const twice = await patch("/v1/servers/web-1?reason=a&reason=b", {});
    assert.equal(failureOf(twice), "400 bad-request");
  });

  it("lists page by page, and by filters", async () => {
    const names = async (path: string): Promise<readonly string[]> =>
      ((await ask(path)).body as readonly { readonly name: string }[]).map(({ name }) => name);
    assert.deepEqual(await names("/v1/servers"), ["web-1", "web-2"]);
    const page = await ask("/v1/servers?limit=1&name=web-*");
    const next = '</v1/servers?limit=1&name=web-*&after=web-1>; rel="next"';
    assert.equal(page.headers["link"], next);
    assert.equal(page.headers["etag"], (await ask("/v1/document")).headers["etag"]);
    assert.deepEqual(await names("/v1/servers?limit=1&name=web-*&after=web-1"), ["web-2"]);
    assert.deepEqual(await names("/v1/profiles?server=web-1"), ["blog", "shop"]);
    assert.deepEqual(await names("/v1/vnics?server=web-2"), []);
    assert.deepEqual(await names("/v1/vnics?profile=shop&server=web-1"), ["front.shop"]);
    assert.deepEqual(await names("/v1/listeners?name=*:80*"), ["front.shop:8080"]);
    assert.deepEqual(await names("/v1/listeners?name=*:81*"), []);
    const [listed] = (await ask("/v1/vnics")).body as readonly Record<string, unknown>[];
    const alone = await ask("/v1/vnics/front.shop");
    assert.deepEqual([listed?.["etag"], listed?.["written"]], [alone.headers["etag"], alone.body]);
    assert.deepEqual([listed?.["oper"], listed?.["ip"]], ["up", ip]);
  });

  it("takes media types with parameters and in capitals, and no other", async () => {
    const path = "/v1/servers/web-1?dryRun=true";
    const put = (type: string, more: Readonly<Record<string, string>> = {}) =>
      ask(path, {
        method: "PUT",
        body: { address: "127.0.0.1" },
        headers: { "content-type": type, ...more },
      });
    for (const type of ["application/json; charset=utf-8", 'APPLICATION/JSON;Charset="UTF-8"']) {
      assert.equal((await put(type)).status, 200, type);
    }
    for (const type of ["text/plain", "application/json; charset=latin1", "json", "a/b;c"]) {
      assert.equal(failureOf(await put(type)), "415 unsupported-media-type", type);
    }
    const zipped = await put("application/json", { "content-encoding": "gzip" });
    assert.equal(failureOf(zipped), "415 unsupported-media-type");
    const json = await ask(path, { method: "PATCH", body: {}, headers: JSON_TYPE });
    assert.equal(failureOf(json), "415 unsupported-media-type");
  });

  it("reads chunked bodies, HTTP/1.0 and Expect, and closes on what is late or no HTTP", async () => {
    const head = "PUT /v1/servers/web-1?dryRun=true HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    const type = "Content-Type: application/json\r\n";
    const chunks = '9\r\n{"address\r\ne\r\n":"127.0.0.9"}\r\n0\r\n\r\n';
    const chunked = await exchange(
      `${head}${type}Transfer-Encoding: chunked\r\n\r\n`,
      chunks.slice(0, 15),
      chunks.slice(15),
    );
    assert.match(chunked, /^HTTP\/1.1 200 /);
    const expected = await exchange(
      `${head}${type}Expect: 100-continue\r\nContent-Length: 23\r\n\r\n`,
      '{"address":"127.0.0.9"}',
    );
    assert.match(expected, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
    assert.match(await exchange("GET /healthz HTTP/1.0\r\n\r\n"), /^HTTP\/1.1 200 /);
    assert.match(await exchange(`${head}${type}\r\n`), /^HTTP\/1.1 400 .*needs a body/s);
    assert.match(await exchange("hello\r\n\r\n"), /^HTTP\/1.1 400 .*"code":"bad-request"/s);
    const slow = exchange(`${head}${type}Content-Length: 100\r\n\r\n`, '{"address":');
    assert.match(await slow, /^HTTP\/1.1 408 /);
  });

  it("says of a name that is to be removed where it is in use", async () => {
    const headers = { "if-match": "*" };
    const { status, body } = await ask("/v1/servers/web-1", { method: "DELETE", headers });
    const [problem] = (body as FailureReply).problems ?? [];
    assert.deepEqual(
      [status, problem?.path, problem?.message],
      [422, "profiles.shop.servers[0]", 'The server "web-1" would be removed, but is used here.'],
    );
  });

  it("bounds the bytes of all bodies together, and takes more when the first have ended", async () => {
    const head = `PUT /v1/document HTTP/1.1\r\nHost: x\r\nIf-Match: *\r\nContent-Type: application/json\r\n`;
    const hold = async () => {
      const client = await rawConnect({ path: director.socketPath });
      await client.send(`${head}Content-Length: ${16 * 1024 * 1024}\r\n\r\n{`);
      return client;
    };
    const held = await Promise.all([hold(), hold(), hold(), hold()]);
    const dryRun = () => patch("/v1/servers/web-1?dryRun=true", {});
    const refused = await eventually(async () => {
      const reply = await dryRun();
      return reply.status === 429 ? reply : undefined;
    });
    assert.match(failureOf(refused), /too-many-changes/);
    assert.equal(refused.headers["retry-after"], "1");
    assert.equal((await ask("/v1/status")).status, 200);
    for (const client of held) await client[Symbol.asyncDispose]();
    await eventually(async () => (await dryRun()).status === 200 || undefined);
  });

  it("refuses bad bodies of every kind, changes nothing, and shows no secret", async () => {
    const first = await revision();
    const paths: readonly (readonly [string, string])[] = [
      ...RESOURCE_KINDS.map((kind) => ["PUT", `/v1/${kind}/${nameOf(kind)}`] as const),
      ["PUT", "/v1/document"],
    ];
    for (const [method, path] of paths) {
      for (const { name, payload, status } of BAD_BODIES) {
        const headers = { ...JSON_TYPE, "if-match": "*", "if-none-match": '"x"' };
        if (path !== "/v1/document") Reflect.deleteProperty(headers, "if-match");
        const reply = await ask(path, { method, payload, headers }).catch((error: unknown) => {
          // A client that is still sending may see the connection close before it reads the reply.
          assert.ok(status.includes(413), `${path} ${name}: ${String(error)}`);
          return undefined;
        });
        if (reply === undefined) continue;
        const failure = reply.body as FailureReply;
        const text = JSON.stringify(failure);
        assert.ok(status.includes(reply.status), `${path} ${name}: ${reply.status} ${text}`);
        assert.ok(failure.hint !== "" && failure.code !== "internal", text);
        if (reply.status === 422) assert.notEqual(failure.problems?.[0]?.path, undefined, text);
        assert.doesNotMatch(text, new RegExp(SECRET), name);
      }
    }
    for (const payload of ["[]", '"x"', "null", '{"servers":{"a/b":{}}}', '{"servers":{"a":[]}}']) {
      const reply = await ask("/v1/document", { method: "PATCH", payload, headers: PATCH_TYPE });
      assert.equal(failureOf(reply), "422 document-invalid", payload);
    }
    assert.equal(await revision(), first);
    for (const line of director.logs) {
      const text = JSON.stringify(line);
      assert.ok(!text.includes(SECRET) && !/"event":"request-failed"/.test(text), text);
      for (const value of Object.values(line)) {
        if (typeof value === "string") assert.doesNotMatch(value, /[\p{Cc}]/u);
      }
    }
  });

  it("does not start a change whose client has left, and finishes one that has started", async () => {
    const first = await revision();
    const head = "PUT /v1/servers/gone HTTP/1.1\r\nHost: x\r\n";
    const half = await rawConnect({ path: director.socketPath });
    await half.send(`${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"add`);
    half.drop();
    await delay(50);
    assert.equal(await revision(), first);
    const whole = await rawConnect({ path: director.socketPath });
    const body = '{"address":"127.0.0.9"}';
    await whole.send(
      `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    whole.drop();
    // Whether it had started by then is not known, so the next change says that none is under way.
    const { body: reply } = await patch("/v1/servers/web-2", { address: "127.0.0.7" });
    const { revision: after } = reply as { readonly revision: number };
    const added = (await ask("/v1/servers/gone")).status === 200;
    assert.equal(after, first + (added ? 2 : 1));
  });

  it("answers probes while it reads a body of megabytes", async () => {
    const servers = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, at) => [`s-${at}`, { address: "127.0.0.1" }]),
    );
    const large = JSON.stringify({ servers }, undefined, 20);
    assert.ok(large.length > 1_500_000);
    await writeFile(join(director.dir, "large.json"), large);
    let longestMs = 0;
    const done = new AbortController();
    const probes = (async () => {
      while (!done.signal.aborted) {
        const fromMs = performance.now();
        assert.equal((await ask("/healthz")).status, 200);
        longestMs = Math.max(longestMs, performance.now() - fromMs);
      }
    })();
    const fromMs = performance.now();
    const headers = { ...JSON_TYPE, "if-match": "*" };
    const options = { method: "PUT", payload: large, headers };
    const { status, body } = await ask("/v1/document?dryRun=true", options);
    const tookMs = performance.now() - fromMs;
    done.abort();
    await probes;
    assert.equal(status, 200, JSON.stringify(body).slice(0, 300));
    assert.ok(longestMs < tookMs, `${longestMs} of ${tookMs} ms`);
    const twice = `${large.slice(0, -1)},"servers":{}}`;
    const refused = await ask("/v1/document", { ...options, payload: twice });
    assert.equal(failureOf(refused), "400 bad-request");
    assert.equal((refused.body as FailureReply).path, "servers");
    await eventually(async () => (await ask("/readyz")).status === 200);
  });
});

const nameOf = (kind: (typeof RESOURCE_KINDS)[number]): string =>
  ({
    ...{ servers: "web-1", profiles: "shop", vnics: "front.shop" },
    ...{ listeners: "front.shop:8080", certificates: "shop", policies: "partners" },
  })[kind];
