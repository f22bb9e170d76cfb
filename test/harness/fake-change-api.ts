import { parseDocument } from "#model/document/parse-document.ts";
import type { InventoryRouteParts } from "#control/admin-api/add-inventory-routes.ts";
import { ChangeApi, type Changes } from "#control/admin-api/change-api.ts";
import { ShownDocument } from "#control/admin-api/shown-document.ts";
import type { StateInForce } from "#control/change/change.ts";
import type { Wants } from "#control/change/wants.ts";
import { FakeDocumentStore } from "./fake-document-store.ts";

const { draft: document } = parseDocument({});
const snapshot = {
  number: 1,
  listeners: [],
  certificates: new Map(),
  vnics: [],
  absentIps: [],
  maxConnections: 1,
  relayMemoryBytes: 1,
};

/** A state with an empty document. */
export const emptyState: StateInForce = {
  revision: 7,
  isSaved: true,
  ticketEpochs: new Map(),
  document,
  written: {},
  sources: { certificates: new Map(), trusts: new Map() },
  absences: new Map(),
  held: new Set(),
  compiled: { snapshot, material: new Map() },
  changedAt: "2026-01-01T00:00:00.000Z",
};

const notWanted = () => () => Promise.reject(new Error("Nothing computes what is wanted."));
const wants: Wants = { file: notWanted, edit: notWanted, undo: notWanted };
/** What the routes of the inventory need, of a director that keeps no certificate. */
export const noInventory: InventoryRouteParts = {
  inventory: { load: async () => undefined, record: () => ({ nextVersion: 1, versions: [] }) },
  certificateWants: {
    import: async () => notWanted(),
    rotate: async () => notWanted(),
    rollback: notWanted,
    request: async () => notWanted(),
    remove: notWanted,
    activate: notWanted,
  },
};
async function* noBackup(): AsyncGenerator<string, void> {}
const fingerprintOf = (): string => "secret:hmac-sha256:0123456789abcdef";

/** The admin API's way to changes, on a director that answers every change with `change`. */
export const fakeChangeApi = (
  change: Changes["change"],
  inForce: StateInForce = emptyState,
): ChangeApi =>
  new ChangeApi({
    changes: {
      inForce,
      change,
      plan: () => Promise.reject(new Error("Nothing is planned.")),
    },
    wants,
    store: new FakeDocumentStore(),
    storeId: "store",
    fingerprintOf,
    shown: new ShownDocument(fingerprintOf, document.director),
    openConnections: () => 0,
    fullHandshakes: () => 0,
    backup: noBackup,
  });
