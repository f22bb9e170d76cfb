import type { WrittenDocument } from "#model/document/written-document.ts";
import { DirectorError, type Problem } from "#model/failure.ts";
import { isJsonMap, tryEntry } from "#model/json.ts";
import {
  CERTIFICATE_NAME_PATTERN,
  certificateNameFaultOf,
} from "#model/document/certificate-name.ts";
import { isError, pathOf, problemKeyOf, problemOf } from "#model/problem.ts";
import type { Author } from "#model/records/revision.ts";
import { certificateUsesOf } from "../certificate-uses.ts";
import type { ChangeRequest, WantedDocument } from "../change/change.ts";
import type { DocumentWays } from "../change/document-ways.ts";
import { served, type WantParts } from "../change/wants.ts";
import type { CertificateStore } from "../certificates/certificate-store.ts";
import { spkiHashOfKey } from "../certificates/spki-hash.ts";
import type { MaterialReader } from "../reader/material-reader.ts";
import { certificateRefusal, filesSource } from "./certificate-refusal.ts";
import type {
  ImportWish,
  RemoveWish,
  RequestWish,
  RollbackWish,
  RotateWish,
} from "./certificate-wishes.ts";
import type { Inventory } from "./inventory.ts";
import {
  planImport,
  planRemoval,
  planRollback,
  planRotation,
  type PlanContext,
} from "./plan-wishes.ts";
import { readWished } from "./read-wished.ts";
import { ReadingLimit } from "./reading-limit.ts";
import { Refusals } from "./refusals.ts";
import { allowancesOf } from "./rotation-allowances.ts";
import { VersionDraft } from "./version-draft.ts";

type Want = ChangeRequest["want"];

export interface CertificateWantParts extends Pick<WantParts, "checkWanted"> {
  readonly certificates: Pick<CertificateStore, "inForce" | "warmUp">;
  readonly checkVersions: DocumentWays["checkVersions"];
  readonly inventory: Inventory;
  readonly reader: MaterialReader;
}

/**
 * What can be wanted of certificates in the inventory, as functions for `ChangeRequest.want`. Foreign files are read before the change
 * has its turn, so that other changes do not wait for them. All of the wishes come true or none. Everything rejects with DirectorError.
 */
export interface CertificateWants {
  import(wishes: readonly ImportWish[], by: Author): Promise<Want>;
  rotate(wishes: readonly RotateWish[], by: Author): Promise<Want>;
  rollback(wishes: readonly RollbackWish[], by: Author): Want;
  request(wish: RequestWish, by: Author): Promise<Want>;
  /** Removes a version that is not active. */
  remove(wish: RemoveWish, by: Author): Want;
  /** Makes a staged version active when its time has come. */
  activate(name: string, version: string, by: Author): Want;
}

export function buildCertificateWants(parts: CertificateWantParts): CertificateWants {
  const { inventory, reader, certificates, checkWanted, checkVersions } = parts;
  const limit = new ReadingLimit();

  /** Has `plan` fill a draft, which then is checked as a change of the document. `plan` returns the names that the document gets. */
  const wantOf =
    (by: Author, plan: (context: PlanContext) => Promise<readonly string[]>): Want =>
    async (state): Promise<WantedDocument> => {
      const inForce = served(state);
      // A change with an unknown outcome may have been saved.
      await inventory.read();
      const from = inventory.head;
      const nowMs = Date.now();
      const draft = new VersionDraft(inventory);
      const origin = { by, at: new Date(nowMs).toISOString() };
      const added = await plan({ inForce, draft, inventory, reader, origin, nowMs });
      const { written } = inForce;
      const document = withKept(written, added);
      const { candidates, changes, change, warnings } = draft;
      const terms = { isNew: true, candidates };
      const known = certificates.inForce;
      const checked =
        document === written && known !== undefined
          ? await checkVersions(written, known, candidates)
          : await checkWanted(document, written, known, terms);
      const names = changes.map(({ name }) => name);
      if (checked.document === undefined) {
        throw certificateRefusal(names.join(", "), checked.problems.filter(isError));
      }
      // The other problems of the document have been told when it was applied.
      const uses = certificateUsesOf(inForce.document);
      const ownPlaces = new Set(
        names.flatMap((name) => [
          pathOf("certificates", name),
          ...(uses.get(name) ?? []).map(({ path }) => path),
        ]),
      );
      const isOwn = ({ path }: Problem): boolean => document !== written || ownPlaces.has(path);
      const told = [...checked.problems.filter(isOwn), ...warnings];
      const problems = [...new Map(told.map((one) => [problemKeyOf(one), one])).values()];
      return {
        kind: "document",
        checked: { ...checked, problems },
        ...(changes.length === 0
          ? {}
          : { versions: { changes, save: (heads = []) => inventory.save(change, heads, from) } }),
      };
    };

  /** Says where to write before anything is read, because that helps also if what was sent is of no use. */
  const refuseFiles = async (wishes: readonly { readonly name: string }[]): Promise<void> => {
    const refusals = new Refusals();
    for (const { name } of wishes) {
      const known = tryEntry(certificates.inForce?.document.certificates ?? {}, name);
      if (known?.source !== "files") continue;
      await refusals.collect(name, () => Promise.reject(filesSource(name, known)));
    }
    refusals.throwIfAny();
  };

  /** Reads what all wishes have, so that a failure can name all of which the files are of no use. */
  const readAll = async <Wish extends { readonly name: string }, Read>(
    wishes: readonly Wish[],
    read: (wish: Wish) => Promise<Read>,
  ): Promise<readonly { readonly wish: Wish; readonly read: Read }[]> => {
    const refusals = new Refusals();
    const reads = await limit.readAll(wishes, (wish) =>
      refusals.collect(wish.name, async () => ({ wish, read: await read(wish) })),
    );
    refusals.throwIfAny();
    return reads.flat();
  };

  return {
    async import(wishes, by) {
      certificates.warmUp();
      refuseDuplicates(wishes);
      await refuseFiles(wishes.filter(({ replacesFiles }) => !replacesFiles));
      const reads = await readAll(wishes, (wish) => readWished(wish.name, wish, parts));
      return wantOf(by, (context) =>
        addedBy(reads, async ({ wish, read }) => planImport(wish, read, context)),
      );
    },

    async rotate(wishes, by) {
      certificates.warmUp();
      refuseDuplicates(wishes);
      await refuseFiles(wishes);
      const reads = await readAll(
        wishes,
        async (wish) => wish.material && (await readWished(wish.name, wish.material, parts)),
      );
      return wantOf(by, (context) =>
        addedBy(reads, ({ wish, read }) => planRotation(wish, read, context)),
      );
    },

    rollback(wishes, by) {
      certificates.warmUp();
      refuseDuplicates(wishes);
      return wantOf(by, async (context) => {
        for (const wish of wishes) await planRollback(wish, context);
        return [];
      });
    },

    async request({ name, names, keyType }, by) {
      await refuseFiles([{ name }]);
      // It takes long to load what writes requests, and few directors do.
      const { makeRequest, requestNameProblems } = await import("../certificates/make-request.ts");
      const problems = [...nameProblems(name), ...requestNameProblems(names, "names")];
      if (problems.length > 0) throw certificateRefusal(name, problems);
      const [made] = await limit.readAll([keyType], (type) => makeRequest(names, type));
      if (made === undefined) throw new TypeError("No request was made.");
      const { requestPem: request, keyPem } = made;
      return wantOf(by, async ({ inForce, draft, origin }) => {
        const known = tryEntry(inForce.document.certificates, name);
        if (known?.source === "files") throw filesSource(name, known);
        const spki = spkiHashOfKey(keyPem);
        draft.request(name, { request, spki, keyPem }, { ...origin, from: "request" });
        return [];
      });
    },

    remove: (wish, by) =>
      wantOf(by, async (context) => {
        planRemoval(wish, context);
        return [];
      }),

    activate: (name, version, by) =>
      wantOf(by, async (context) => {
        const record = context.draft.record(name);
        const staged = record.versions.find(({ id }) => id === version);
        if (staged?.activatesItself !== true) return [];
        const isServed = tryEntry(context.inForce.document.certificates, name) !== undefined;
        // The certificate was removed from the document meanwhile, and only an undo brings it back.
        if (!isServed) throw new DirectorError("no-version", `Certificate ${name} was removed.`);
        const allowances = allowancesOf(staged.allowed ?? []);
        const wish = { name, version, material: undefined, isStaged: false, ...allowances };
        await planRotation(wish, undefined, context);
        // Nobody looks on, so the version must not take the place of a newer one.
        const worse = context.draft.warnings.filter(({ code }) => code === "expires-earlier");
        if (worse.length > 0) throw certificateRefusal(name, worse);
        return [];
      }),
  };
}

/** Plans each wish. Resolves to the names that the document gets, or rejects with a failure that names all wishes that are refused. */
async function addedBy<Wished extends { readonly wish: { readonly name: string } }>(
  wished: readonly Wished[],
  plan: (one: Wished) => Promise<boolean>,
): Promise<readonly string[]> {
  const refusals = new Refusals();
  const added: string[] = [];
  for (const one of wished) {
    const { name } = one.wish;
    const [isAdded] = await refusals.collect(name, () => plan(one));
    if (isAdded === true) added.push(name);
  }
  refusals.throwIfAny();
  return added;
}

/** Adds the certificates at once, because the map of thousands of others is copied for it. */
function withKept(document: WrittenDocument, names: readonly string[]): WrittenDocument {
  if (names.length === 0) return document;
  const { certificates = {} } = document;
  const added = names.map((name) => [name, { source: "inventory" }] as const);
  return {
    ...document,
    certificates: Object.fromEntries([
      ...(isJsonMap(certificates) ? Object.entries(certificates) : []),
      ...added,
    ]),
  };
}

/** The document gets a certificate that was requested when a CA has signed it, and the name is not checked before. */
const nameProblems = (name: string): readonly Problem[] =>
  new RegExp(CERTIFICATE_NAME_PATTERN).test(name)
    ? []
    : [
        problemOf(
          "bad-certificate-name",
          pathOf("certificates", name),
          certificateNameFaultOf(name),
        ),
      ];

function refuseDuplicates(wishes: readonly { readonly name: string }[]): void {
  const names = wishes.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return;
  throw new DirectorError("bad-request", `Certificate ${twice} is named twice.`);
}
