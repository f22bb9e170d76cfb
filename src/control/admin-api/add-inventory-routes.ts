import type { FastifyInstance, FastifyRequest } from "fastify";
import Type, { type Static, type TObject, type TProperties } from "typebox";
import { DirectorError } from "#model/failure.ts";
import { ChangeReplySchema } from "#model/records/change-reply.ts";
import { CertificateVersionSchema } from "#model/records/certificate-version.ts";
import { REQUEST_KEY_TYPES } from "#model/tls/request-keys.ts";
import type { ImportFile } from "#control/certificates/import/find-parts.ts";
import type { CertificateWants } from "#control/inventory/build-certificate-wants.ts";
import type {
  ImportWish,
  RollbackWish,
  RotateWish,
  WishedFiles,
} from "#control/inventory/certificate-wishes.ts";
import type { Inventory } from "#control/inventory/inventory.ts";
import { shownVersionOf } from "#control/inventory/version-record.ts";
import { CHANGE_ROUTE, type ChangeApi } from "./change-api.ts";
import { authorOf, ChangeHeaders, ChangeQuery } from "./change-terms.ts";
import { JSON_TYPE } from "./parse-body.ts";
import { absentResource, KINDS } from "./resource-kinds.ts";
import { bodyOf, parseWith, route } from "./route.ts";

/** 16 MiB of files, in base64. */
const MAX_BODY_BYTES = 24 * 1024 * 1024;
/** How many certificates one request imports or rotates. */
const MAX_CERTIFICATES = 1_000;
const MAX_FILES = 16;
const MAX_PASSPHRASE_LENGTH = 1_024;

const body = <Properties extends TProperties>(properties: Properties, description: string) =>
  Type.Object(properties, { additionalProperties: false, description });

const flag = (description: string) => Type.Optional(Type.Boolean({ description }));

const versionNumber = (description: string) =>
  Type.Optional(Type.String({ pattern: "^[1-9][0-9]{0,8}$", description }));

const FileSchema = body(
  {
    name: Type.Optional(
      Type.String({ maxLength: 200, description: "How messages name the file, e.g. `shop.pem`." }),
    ),
    text: Type.Optional(Type.String({ description: "The contents, if they are text." })),
    base64: Type.Optional(Type.String({ description: "The contents in base64 instead." })),
  },
  "A file: PEM in any order, DER or PKCS #12.",
);

const passphrase = Type.Optional(
  Type.String({
    maxLength: MAX_PASSPHRASE_LENGTH,
    description: "The passphrase of an encrypted private key or of PKCS #12.",
  }),
);

const filesOption = Type.Array(FileSchema, {
  minItems: 1,
  maxItems: MAX_FILES,
  description: "The certificate, its chain and its key, in any order.",
});

const keepRoot = flag("Whether a root in the files stays at the end of the chain.");

const ImportBody = body(
  {
    files: filesOption,
    passphrase,
    keepRoot,
    replaceFiles: flag(
      "Whether a certificate of the document that is read from files is kept in the inventory from then on.",
    ),
  },
  "A certificate that the director is to keep.",
);

const RotateBody = body(
  {
    files: Type.Optional(filesOption),
    passphrase,
    keepRoot,
    version: versionNumber(
      "A version that is kept, in place of files. Without files, it is by default the newest one that is staged.",
    ),
    stage: flag("Whether the version is only kept, and becomes active by a later rotation."),
    allowFewerNames: flag("Whether the new version may lack names of the active one."),
    allowOtherKeyType: flag("Whether the new version may have another type of key."),
    allowWeakerKey: flag("Whether the key of the new version may be weaker."),
  },
  "Another version of a certificate.",
);

const RollbackBody = body(
  {
    version: versionNumber("The version. By default, it is the one that was active before."),
    force: flag("Whether a version is used that is not valid now."),
  },
  "An earlier version of a certificate.",
);

const RequestBody = body(
  {
    names: Type.Array(Type.String(), {
      minItems: 1,
      description: "DNS names and IP addresses. The first is the common name too.",
    }),
    keyType: Type.Enum([...REQUEST_KEY_TYPES], {
      default: REQUEST_KEY_TYPES[0],
      description: "Type of the key that the director makes.",
    }),
  },
  "A request for a certificate.",
);

const nameOption = Type.String({ description: "Name of the certificate." });

const severalOf = <Properties extends TProperties>(properties: Properties, description: string) =>
  body(
    {
      certificates: Type.Array(body({ name: nameOption, ...properties }, "One certificate."), {
        minItems: 1,
        maxItems: MAX_CERTIFICATES,
        description: "Each certificate once.",
      }),
    },
    description,
  );

const SeveralImports = severalOf(
  ImportBody.properties,
  "Certificates that the director is to keep.",
);
const SeveralRotations = severalOf(RotateBody.properties, "Other versions of certificates.");

const NameParams = Type.Object({
  name: Type.String({
    description: "Name of the certificate.",
    examples: [KINDS.certificates.nameExample],
  }),
});

interface Named {
  readonly Params: { readonly name: string };
  readonly Querystring: ChangeQuery;
}

export interface InventoryRouteParts {
  readonly inventory: Pick<Inventory, "record">;
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

  app.get<{ Params: Named["Params"] }>(
    "/v1/certificates/:name/versions",
    route({
      operationId: "listCertificateVersions",
      tags: ["certificates"],
      summary: "List the versions that the director keeps of one certificate, the newest first",
      params: NameParams,
      reply: Type.Array(CertificateVersionSchema),
    }),
    ({ params: { name } }) => {
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
        body: { schema: ImportBody, type: JSON_TYPE, example: { files: EXAMPLE_FILES } },
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
          ...{ schema: RotateBody, type: JSON_TYPE, isOptional: true },
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

  app.post<{ Querystring: ChangeQuery }>(
    "/v1/imports",
    {
      ...route({
        ...described,
        operationId: "importCertificates",
        summary: "Import several certificates in one change, all of them or none",
        body: {
          ...{ schema: SeveralImports, type: JSON_TYPE },
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
          ...{ schema: SeveralRotations, type: JSON_TYPE },
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

const importWishOf = (
  name: string,
  { replaceFiles = false, ...material }: Static<typeof ImportBody>,
): ImportWish => ({ name, replacesFiles: replaceFiles, ...wishedFilesOf(material) });

function rotateWishOf(name: string, given: Static<typeof RotateBody>): RotateWish {
  const { files, version, stage = false } = given;
  if (files !== undefined && version !== undefined) {
    throw new DirectorError("bad-request", "Give either files or a version that is kept.");
  }
  if (files === undefined && stage) {
    throw new DirectorError("bad-request", "Only a version that comes with its files is staged.");
  }
  return {
    ...{ name, version, isStaged: stage },
    material: files === undefined ? undefined : wishedFilesOf({ ...given, files }),
    allowsFewerNames: given.allowFewerNames === true,
    allowsOtherKeyType: given.allowOtherKeyType === true,
    allowsWeakerKey: given.allowWeakerKey === true,
  };
}

const wishedFilesOf = ({
  files,
  passphrase: secret,
  keepRoot: keepsRoot = false,
}: Pick<Static<typeof ImportBody>, "files" | "passphrase" | "keepRoot">): WishedFiles => ({
  files: files.map(fileOf),
  passphrase: secret,
  keepsRoot,
});

function fileOf({ name, text, base64 }: Static<typeof FileSchema>, at: number): ImportFile {
  if ((text === undefined) === (base64 === undefined)) {
    const detail = "Each file has either `text` or `base64`.";
    throw new DirectorError("bad-request", detail, { path: `/files/${at}` });
  }
  const bytes = text === undefined ? Buffer.from(base64 ?? "", "base64") : Buffer.from(text);
  return { name: name ?? `file ${at + 1}`, bytes };
}
