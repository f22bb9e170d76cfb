import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { RouteOptions } from "fastify";
import Type from "typebox";
import { FAILURES } from "#model/failure-catalog.ts";
import { describedApi, describedApp } from "#harness/described-api.ts";
import { buildOpenApi } from "./build-openapi.ts";
import { docsPage } from "./docs-page.ts";
import type { OpenApi, Operation } from "./openapi.ts";

let openApi: OpenApi;
let routes: readonly RouteOptions[];

before(async () => {
  ({ openApi, routes } = await describedApi());
});

const operations = (): readonly (readonly [string, Operation])[] =>
  Object.entries(openApi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
    ),
  );

/** Names every route that the document does not describe. */
function undescribed(all: readonly RouteOptions[], document: OpenApi): readonly string[] {
  return all
    .filter(({ method, url }) => {
      const path = url.replaceAll(/:(\w+)/g, "{$1}");
      const operation = document.paths[path]?.[String(method).toLowerCase()];
      const { operationId = "", summary = "", tags = [] } = operation ?? {};
      return method !== "HEAD" && (operationId === "" || summary === "" || tags.length === 0);
    })
    .map(({ method, url }) => `${String(method)} ${url}`);
}

describe("the OpenAPI document", () => {
  it("is valid OpenAPI 3.1, and every schema in it is valid JSON Schema", async () => {
    const { valid, errors } = await new Validator().validate({ ...structuredClone(openApi) });
    assert.ok(valid, JSON.stringify(errors));
    const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false });
    for (const [name, schema] of Object.entries(openApi.components.schemas)) {
      assert.ok(ajv.validateSchema(schema), `${name}: ${ajv.errorsText()}`);
    }
  });

  it("describes every route", () => {
    assert.ok(routes.length > 40);
    assert.deepEqual(undescribed(routes, openApi), []);
    const ids = operations().map(([, { operationId }]) => operationId);
    assert.deepEqual(
      ids.filter((id, at) => ids.indexOf(id) !== at),
      [],
    );
  });

  it("would be found to lack a route without a name, and describes one that says it itself", async () => {
    const { app, list } = describedApp();
    app.get("/v1/silent", () => ({}));
    const described = { operationId: "getOwn", summary: "Read", tags: ["state"] };
    const schema = { ...described, body: Type.Object({ depth: Type.Integer() }) };
    app.post("/v1/own", { schema }, () => ({}));
    const document = await buildOpenApi(list.routes, "0.0.0");
    assert.deepEqual(undescribed(list.routes, document), ["GET /v1/silent"]);
    const own = document.paths["/v1/own"]?.["post"];
    assert.deepEqual(own?.requestBody?.content["application/json"]?.schema["required"], ["depth"]);
    await app.close();
  });

  it("has an example for every body, which fits the schema of the body", () => {
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema(openApi, "api");
    let examples = 0;
    for (const [name, { requestBody }] of operations()) {
      for (const { schema, example } of Object.values(requestBody?.content ?? {})) {
        assert.notEqual(example, undefined, name);
        const text = JSON.stringify(schema).replaceAll('"#/', '"api#/');
        const validate = ajv.compile(JSON.parse(text) as object);
        assert.ok(validate(example), `${name}: ${ajv.errorsText(validate.errors)}`);
        examples += 1;
      }
    }
    assert.ok(examples >= 15);
  });

  it("says which listener has which keys", () => {
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema(openApi, "api");
    const validate = ajv.compile({ $ref: "api#/components/schemas/Listener" });
    assert.ok(validate({ port: 443, to: 8080, certificates: ["shop"] }));
    assert.ok(validate({ port: 80, mode: "redirect" }));
    assert.ok(!validate({ port: 80, mode: "redirect", certificates: ["shop"] }));
    assert.ok(!validate({ port: 80, mode: "http" }));
  });

  it("marks secrets as write-only, and says when If-Match is needed", () => {
    const certificate = JSON.stringify(openApi.components.schemas["Certificate"]);
    assert.match(certificate, /"passphrase":\{[^}]*"writeOnly":true/);
    const needed = operations().filter(([, { parameters = [] }]) =>
      parameters.some(({ name, required }) => name === "if-match" && required === true),
    );
    assert.deepEqual(
      needed.map(([name]) => name),
      ["PUT /v1/document", "POST /v1/undo"],
    );
    assert.doesNotMatch(JSON.stringify(openApi), /"(?:mark|planned|~kind)":/);
  });
});

describe("the page of the reference", () => {
  it("has every operation, and every failure under the reference of its replies", () => {
    const page = docsPage(openApi);
    for (const [name, { operationId }] of operations()) {
      assert.ok(page.includes(`<h3 id="${operationId}"><code>${name}</code></h3>`), name);
    }
    for (const code of Object.keys(FAILURES)) assert.ok(page.includes(`<dt id="${code}">`), code);
  });

  it("loads nothing, and has no link that leads nowhere", () => {
    const page = docsPage(openApi);
    assert.doesNotMatch(page, /<(?:script|link|img|iframe)|\ssrc=|@import|url\(/);
    for (const [, target = ""] of page.matchAll(/href="([^"]*)"/g)) {
      if (target === "/openapi.json") continue;
      assert.ok(page.includes(`id="${target.slice(1)}"`), target);
    }
  });
});
