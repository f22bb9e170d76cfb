import type { JsonMap } from "#model/json.ts";

/** The parts of an OpenAPI 3.1 document that the program uses. */
export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonMap>> };
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: RequestBody;
  readonly responses: Readonly<Record<string, Response>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description?: string;
  readonly example?: unknown;
  readonly schema: JsonMap;
}

type Content = Readonly<Record<string, { readonly schema: JsonMap; readonly example?: unknown }>>;

export interface RequestBody {
  readonly required: boolean;
  readonly content: Content;
}

interface Response {
  readonly description: string;
  readonly content?: Content;
}
