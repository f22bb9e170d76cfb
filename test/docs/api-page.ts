import { describedApi } from "#harness/described-api.ts";
import type { OpenApi, Operation, Parameter } from "#control/admin-api/reference/openapi.ts";
import { codeOf, markdownTable, pageOf, sectionOf } from "./markdown.ts";

const INTRO = [
  "The admin API, over HTTP on the unix socket `tlsd.sock`. A running director shows the same at `/docs`, and as an OpenAPI 3.1",
  "document at `/openapi.json`. [The guide](../guide/api.md) has examples. Failures are problem details (RFC 9457) with a code of",
  "[failures](failures.md).",
].join("\n");

export async function apiPage(): Promise<string> {
  const { openApi } = await describedApi();
  const sections = openApi.tags.flatMap(({ name, description }) => {
    const rows = operationsOf(openApi, name);
    return rows.length === 0 ? [] : [sectionOf(name, description, ...rows)];
  });
  return pageOf("The admin API", INTRO, sections);
}

const operationsOf = ({ paths }: OpenApi, tag: string): readonly string[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      operation.tags.includes(tag)
        ? [operationOf(`${method.toUpperCase()} ${path}`, operation)]
        : [],
    ),
  );

function operationOf(name: string, { summary, parameters = [], requestBody }: Operation): string {
  const bodies = Object.entries(requestBody?.content ?? {}).map(([type, { example }]) =>
    [`Body, ${codeOf(type)}:`, `\`\`\`json\n${JSON.stringify(example, undefined, 2)}\n\`\`\``].join(
      "\n\n",
    ),
  );
  const table =
    parameters.length === 0
      ? []
      : [markdownTable(["parameter", "in", "default", "meaning"], parameters.map(cellsOf))];
  return [`### ${codeOf(name)}`, `${summary}.`, ...table, ...bodies].join("\n\n");
}

function cellsOf({ name, in: place, required, description = "", schema }: Parameter) {
  const byDefault = schema["default"];
  const text = byDefault === undefined ? "" : codeOf(JSON.stringify(byDefault));
  return [codeOf(name), place, required === true ? "**required**" : text, description];
}
