import type { FastifyInstance, FastifyRequest } from "fastify";
import Type, { type Static, type TObject } from "typebox";
import { ChangeReplySchema } from "#model/records/change-reply.ts";
import { CertificateVersionSchema } from "#model/records/certificate-version.ts";
import { REQUEST_KEY_TYPES } from "#model/tls/request-keys.ts";
import type { CertificateWants } from "#control/inventory/build-certificate-wants.ts";
import type { RollbackWish } from "#control/inventory/certificate-wishes.ts";
import type { Inventory } from "#control/inventory/inventory.ts";
import { shownVersionOf } from "#control/inventory/version-record.ts";
import { CHANGE_ROUTE, type ChangeApi } from "./change-api.ts";
import { authorOf, ChangeHeaders, ChangeQuery } from "./change-terms.ts";
import {
  ImportBody,
  importWishOf,
  RequestBody,
  RollbackBody,
  RotateBody,
  rotateWishOf,
  SeveralImports,
  SeveralRotations,
} from "./inventory-bodies.ts";
import { JSON_TYPE } from "./parse-body.ts";
import { absentResource, KINDS } from "./resource-kinds.ts";
import { bodyOf, parseWith, route } from "./route.ts";

/** 16 MiB of files, in base64. */
const MAX_BODY_BYTES = 24 * 1024 * 1024;
const NameParams = Type.Object({
  name: Type.String({
    description: "Name of the certificate.",
    examples: [KINDS.certificates.nameExample],
  }),
});

const VersionParams = Type.Object({
  ...NameParams.properties,
  version: Type.String({ description: "Number of the version.", examples: ["2"] }),
});

interface Named {
  readonly Params: { readonly name: string };
  readonly Querystring: ChangeQuery;
}

export interface InventoryRouteParts {
  readonly inventory: Pick<Inventory, "load" | "record">;
  readonly certificateWants: CertificateWants;
}

const EXAMPLE_FILES = [
  { name: "shop.pem", text: "the PEM of the chain" },
  { name: "shop.key", text: "the PEM of the key" },
];

/**
 * The routes by which certificates are imported, rotated and rolled back. Private keys are only in the bodies of requests, and never in
 * a reply.
 */
export function addInventoryRoutes(
  app: FastifyInstance,
  api: ChangeApi,
  { inventory, certificateWants: wants }: InventoryRouteParts,
): void {
  const described = { tags: ["certificates"], querystring: ChangeQuery, headers: ChangeHeaders };
  const options = { ...CHANGE_ROUTE, bodyLimit: MAX_BODY_BYTES };
  const withFiles = { type: JSON_TYPE, holdsFiles: true } as const;

  app.get<{ Params: Named["Params"] }>(
    "/v1/certificates/:name/versions",
    route({
      operationId: "listCertificateVersions",
      tags: ["certificates"],
      summary: "List the versions that the director keeps of one certificate, the newest first",
      params: NameParams,
      reply: Type.Array(CertificateVersionSchema),
    }),
    async ({ params: { name } }) => {
      await inventory.load();
      const { versions } = inventory.record(name);
      if (versions.length === 0) throw absentResource("certificates", name);
      return versions.map(shownVersionOf).toReversed();
    },
  );

  app.post<Named>(
    "/v1/certificates/:name",
    {
      ...route({
        ...described,
        operationId: "importCertificate",
        summary: "Import a certificate, which the director then keeps",
        params: NameParams,
        body: { ...withFiles, schema: ImportBody, example: { files: EXAMPLE_FILES } },
        reply: ChangeReplySchema,
      }),
      ...options,
    },
    (request, reply) => {
      const wish = importWishOf(request.params.name, parsedBody(ImportBody, request));
      return api.runPrepared(request, reply, () => wants.import([wish], authorIn(request)));
    },
  );

  app.post<Named>(
    "/v1/certificates/:name/rotate",
    {
      ...route({
        ...described,
        operationId: "rotateCertificate",
        summary: "Make another version of a certificate active, or keep it for later",
        params: NameParams,
        body: {
          ...{ ...withFiles, schema: RotateBody, isOptional: true },
          example: { files: EXAMPLE_FILES },
        },
        reply: ChangeReplySchema,
      }),
      ...options,
    },
    (request, reply) => {
      const wish = rotateWishOf(request.params.name, parsedBody(RotateBody, request));
      const prepare = () => wants.rotate([wish], authorIn(request));
      return api.runPrepared(request, reply, prepare, "certificates");
    },
  );

  app.post<Named>(
    "/v1/certificates/:name/rollback",
    {
      ...route({
        ...described,
        operationId: "rollBackCertificate",
        summary: "Make an earlier version of a certificate active again",
        params: NameParams,
        body: { schema: RollbackBody, type: JSON_TYPE, example: {}, isOptional: true },
        reply: ChangeReplySchema,
      }),
      ...CHANGE_ROUTE,
    },
    (request, reply) => {
      const { version, force = false } = parsedBody(RollbackBody, request);
      const wish: RollbackWish = { name: request.params.name, version, isForced: force };
      const prepare = async () => wants.rollback([wish], authorIn(request));
      return api.runPrepared(request, reply, prepare, "certificates");
    },
  );

  app.post<Named>(
    "/v1/certificates/:name/requests",
    {
      ...route({
        ...described,
        operationId: "requestCertificate",
        summary:
          "Make a key and a request for a CA, which a rotation with the signed chain completes",
        params: NameParams,
        body: {
          ...{ schema: RequestBody, type: JSON_TYPE },
          example: { names: ["shop.example"], keyType: "ecdsa" },
        },
        reply: ChangeReplySchema,
      }),
      ...CHANGE_ROUTE,
    },
    (request, reply) => {
      const { names, keyType = REQUEST_KEY_TYPES[0] } = parsedBody(RequestBody, request);
      const wish = { name: request.params.name, names, keyType };
      const prepare = () => wants.request(wish, authorIn(request));
      return api.runPrepared(request, reply, prepare, "certificates");
    },
  );

  app.delete<{ Params: Static<typeof VersionParams>; Querystring: ChangeQuery }>(
    "/v1/certificates/:name/versions/:version",
    {
      ...route({
        ...described,
        operationId: "removeCertificateVersion",
        summary: "Remove a version that is not active; its private key is erased",
        params: VersionParams,
        reply: ChangeReplySchema,
      }),
      ...CHANGE_ROUTE,
    },
    (request, reply) => {
      const prepare = async () => wants.remove(request.params, authorIn(request));
      return api.runPrepared(request, reply, prepare, "certificates");
    },
  );

  app.post<{ Querystring: ChangeQuery }>(
    "/v1/imports",
    {
      ...route({
        ...described,
        operationId: "importCertificates",
        summary: "Import several certificates in one change, all of them or none",
        body: {
          ...{ ...withFiles, schema: SeveralImports },
          example: { certificates: [{ name: "shop", files: EXAMPLE_FILES }] },
        },
        reply: ChangeReplySchema,
      }),
      ...options,
    },
    (request, reply) => {
      const { certificates } = parsedBody(SeveralImports, request);
      const wishes = certificates.map(({ name, ...rest }) => importWishOf(name, rest));
      return api.runPrepared(request, reply, () => wants.import(wishes, authorIn(request)));
    },
  );

  app.post<{ Querystring: ChangeQuery }>(
    "/v1/rotations",
    {
      ...route({
        ...described,
        operationId: "rotateCertificates",
        summary: "Rotate several certificates in one change, all of them or none",
        body: {
          ...{ ...withFiles, schema: SeveralRotations },
          example: { certificates: [{ name: "shop", files: EXAMPLE_FILES }] },
        },
        reply: ChangeReplySchema,
      }),
      ...options,
    },
    (request, reply) => {
      const { certificates } = parsedBody(SeveralRotations, request);
      const wishes = certificates.map(({ name, ...rest }) => rotateWishOf(name, rest));
      const prepare = () => wants.rotate(wishes, authorIn(request));
      return api.runPrepared(request, reply, prepare, "certificates");
    },
  );
}

const authorIn = ({ headers }: FastifyRequest) => authorOf(headers["tlsd-author"]);

/** A request without a body means an empty one. Messages name places and never contain values. */
function parsedBody<Schema extends TObject>(
  schema: Schema,
  request: FastifyRequest,
): Static<Schema> {
  const { body: given } = request;
  return parseWith(schema, given === undefined || given === null ? {} : bodyOf(request, JSON_TYPE));
}
