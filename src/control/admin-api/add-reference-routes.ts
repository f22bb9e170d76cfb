import type { FastifyInstance } from "fastify";
import type { RouteList } from "./route-list.ts";
import { textRoute } from "./route.ts";

interface Reference {
  readonly json: string;
  readonly page: string;
}

/** Adds the OpenAPI document of all routes, and a page to read. Both are built when they are first asked for. */
export function addReferenceRoutes(app: FastifyInstance, list: RouteList, version: string): void {
  let built: Promise<Reference> | undefined;
  const reference = (): Promise<Reference> => {
    built ??= buildReference(list, version);
    return built;
  };
  const document = textRoute({
    operationId: "getOpenApi",
    tags: ["reference"],
    summary: "Read this reference as an OpenAPI 3.1 document",
    type: "application/json",
  });
  app.get("/openapi.json", document, async (_request, reply) => {
    const { json } = await reference();
    return reply.type("application/json").send(json);
  });
  const page = textRoute({
    operationId: "getDocs",
    tags: ["reference"],
    summary: "Read this reference as a page",
    type: "text/html",
  });
  app.get("/docs", page, async (_request, reply) => {
    const { page: html } = await reference();
    // The page has its own style, and loads nothing.
    const policy = "default-src 'none'; style-src 'unsafe-inline'";
    return reply.header("content-security-policy", policy).type("text/html").send(html);
  });
}

async function buildReference({ routes }: RouteList, version: string): Promise<Reference> {
  const { buildOpenApi } = await import("./reference/build-openapi.ts");
  const { docsPage } = await import("./reference/docs-page.ts");
  const openApi = await buildOpenApi(routes, version);
  return { json: JSON.stringify(openApi), page: docsPage(openApi) };
}
