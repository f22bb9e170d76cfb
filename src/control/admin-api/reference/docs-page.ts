import { FAILURES } from "#model/failure-catalog.ts";
import type { OpenApi, Operation, Parameter } from "./openapi.ts";

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{background:#f4f5f7;padding:.75rem;overflow:auto}
h2{border-bottom:1px solid #d0d5db;margin-top:3rem}h3{margin-top:2rem}table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid #e3e6ea;padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top}
dt{margin-top:1rem;font-weight:600}dd{margin:0}
@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#15181c}pre{background:#20242a}a{color:#8ab4f8}}`;

/** Renders the reference as a page that loads nothing. Each failure has its code as its anchor. */
export function docsPage(openApi: OpenApi): string {
  const { info, tags, paths, components } = openApi;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return own.length === 0
      ? ""
      : `<h2 id="tag-${name}">${escaped(name)}</h2>\n<p>${textOf(description)}</p>\n${own.map(operationOf).join("\n")}`;
  });
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<h3 id="schema-${name}">${name}</h3>\n<details><summary>${textOf(descriptionOf(schema))}</summary>\n${jsonOf(schema)}</details>`,
  );
  const failures = Object.entries(FAILURES).map(
    ([code, { status, text, hint }]) =>
      `<dt id="${code}"><code>${code}</code> (${status})</dt>\n<dd>${textOf(text)} ${textOf(hint)}</dd>`,
  );
  return [
    '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${escaped(info.title)} API</title>\n<style>${STYLE}</style>`,
    `<h1>${escaped(info.title)} API ${escaped(info.version)}</h1>`,
    `<p>${textOf(info.description)}</p>`,
    `<p>As a document for programs: <a href="/openapi.json">/openapi.json</a>. ${tags.map(({ name }) => `<a href="#tag-${name}">${name}</a>`).join(" · ")} · <a href="#schemas">schemas</a> · <a href="#failures">failures</a></p>`,
    ...sections.filter((section) => section !== ""),
    `<h2 id="schemas">schemas</h2>`,
    ...schemas,
    `<h2 id="failures">failures</h2>\n<dl>`,
    ...failures,
    "</dl>\n</html>\n",
  ].join("\n");
}

function operationOf({
  path,
  method,
  operation,
}: {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}): string {
  const { operationId, summary, parameters = [], requestBody, responses } = operation;
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema, example }]) =>
      `<p>Body: <code>${escaped(type)}</code>, ${schemaName(schema)}</p>\n${example === undefined ? "" : jsonOf(example)}`,
  );
  const replies = Object.entries(responses).map(([status, { description, content = {} }]) => {
    const names = Object.values(content).map(({ schema }) => schemaName(schema));
    return `<tr><td>${status}</td><td>${textOf(description)} ${names.join(" ")}</td></tr>`;
  });
  return [
    `<h3 id="${operationId}"><code>${method.toUpperCase()} ${escaped(path)}</code></h3>`,
    `<p>${textOf(summary)}.</p>`,
    ...(parameters.length === 0 ? [] : [`<table>${parameters.map(rowOf).join("\n")}</table>`]),
    ...bodies,
    `<table>${replies.join("\n")}</table>`,
  ].join("\n");
}

function descriptionOf({ description }: { readonly description?: unknown }): string {
  return typeof description === "string" ? description : "";
}

const rowOf = ({ name, in: place, required = false, description = "" }: Parameter): string =>
  `<tr><td><code>${escaped(name)}</code></td><td>${place}${required ? ", required" : ""}</td><td>${textOf(description)}</td></tr>`;

function schemaName(schema: { readonly $ref?: unknown; readonly items?: unknown }): string {
  const { $ref, items } = schema;
  if (typeof $ref === "string") {
    const name = $ref.slice($ref.lastIndexOf("/") + 1);
    return `<a href="#schema-${name}">${name}</a>`;
  }
  return typeof items === "object" && items !== null ? `list of ${schemaName(items)}` : "JSON";
}

const jsonOf = (value: unknown): string =>
  `<pre>${escaped(JSON.stringify(value, undefined, 2))}</pre>`;

const escaped = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");

/** Text between backticks is code. */
const textOf = (text: string): string => escaped(text).replaceAll(/`([^`]*)`/g, "<code>$1</code>");
