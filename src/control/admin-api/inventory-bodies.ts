/** The bodies of requests about certificates in the inventory, and what is wanted by them. */
import Type, { type Static, type TProperties } from "typebox";
import { DirectorError } from "#model/failure.ts";
import { REQUEST_KEY_TYPES } from "#model/tls/request-keys.ts";
import type { ImportFile } from "#control/certificates/import/find-parts.ts";
import type { ImportWish, RotateWish, WishedFiles } from "#control/inventory/certificate-wishes.ts";

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

export const ImportBody = body(
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

export const RotateBody = body(
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

export const RollbackBody = body(
  {
    version: versionNumber("The version. By default, it is the one that was active before."),
    force: flag("Whether a version is used that is not valid now."),
  },
  "An earlier version of a certificate.",
);

export const RequestBody = body(
  {
    names: Type.Array(Type.String(), {
      minItems: 1,
      description: "DNS names and IP addresses. The first is the common name too.",
    }),
    keyType: Type.Optional(
      Type.Enum([...REQUEST_KEY_TYPES], {
        default: REQUEST_KEY_TYPES[0],
        description: "Type of the key that the director makes.",
      }),
    ),
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

export const SeveralImports = severalOf(
  ImportBody.properties,
  "Certificates that the director is to keep.",
);
export const SeveralRotations = severalOf(RotateBody.properties, "Other versions of certificates.");

export const importWishOf = (
  name: string,
  { replaceFiles = false, ...material }: Static<typeof ImportBody>,
): ImportWish => ({ name, replacesFiles: replaceFiles, ...wishedFilesOf(material) });

export function rotateWishOf(name: string, given: Static<typeof RotateBody>): RotateWish {
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
