/**
 * Splits messages to a worker into messages of a bounded length, and puts them together again. A large `prepare` goes as several
 * parts, so that the worker parses and keeps one part after the other and serves connections between them. Any other message that
 * is too long, or a part with a single entry that is too long, goes as pieces of its text.
 */
import type { ListenerName } from "#model/names.ts";
import { MAX_FRAME_BYTES_TO_WORKER } from "./channel-limits.ts";
import type { Prepare, ToWorker, Unsent, UnsentPrepare } from "./messages.ts";

/** The lists of a `prepare`. */
const LISTS = [
  "listeners",
  "removed",
  "certificates",
  "removedCertificates",
  "vnics",
  "removedVnics",
  "absentIps",
  "opensOnly",
] as const satisfies readonly (keyof Prepare)[];
type ListName = (typeof LISTS)[number];

type Lists = Partial<Record<ListName, readonly unknown[]>> & Partial<Pick<Prepare, "material">>;

/** Some entries of the lists of the `prepare` that has the same number and follows. */
interface PreparePart {
  readonly type: "prepare-part";
  readonly number: number;
  readonly lists: Lists;
}

/** A piece of the text of a message. */
interface Piece {
  readonly type: "piece";
  /** A number that all pieces of the message have. */
  readonly of: number;
  readonly text: string;
  readonly isLast: boolean;
}

/** A message as it goes through the channel. */
export type BoundedMessage = ToWorker | PreparePart | Piece;

/** Room in a frame for everything that a part or piece has beside its entries or its text. */
const ENVELOPE_BYTES = 1_024;
const MAX_ENTRIES_BYTES = MAX_FRAME_BYTES_TO_WORKER - ENVELOPE_BYTES;
/** JSON writes a half of a surrogate pair in six bytes, and every other character in at most three. */
const MAX_PIECE_CHARACTERS = Math.floor(MAX_ENTRIES_BYTES / 6);

let lastPieced = 0;

/** Returns the messages in the order in which they must be sent. */
export function* boundedMessagesOf(message: Unsent): Iterable<BoundedMessage> {
  if (message.type === "prepare") yield* partsOf(message);
  else yield* piecesOf(message);
}

function* partsOf(prepare: UnsentPrepare): Iterable<BoundedMessage> {
  let part = new PartBuilder(prepare.number);
  let isFirst = true;
  for (const { bytes, addTo } of entriesOf(prepare)) {
    if (part.bytes > 0 && part.bytes + bytes > MAX_ENTRIES_BYTES) {
      yield* part.messages();
      part = new PartBuilder(prepare.number);
      isFirst = false;
    }
    part.bytes += bytes;
    addTo(part.lists);
  }
  if (isFirst && part.bytes <= MAX_ENTRIES_BYTES) {
    yield { ...prepare, material: part.materials };
    return;
  }
  yield* part.messages();
  yield { ...prepare, ...emptyListsOf(prepare), material: {} };
}

type GrowingLists = Partial<Record<ListName, unknown[]>> & { material?: Record<string, unknown> };

class PartBuilder {
  readonly lists: GrowingLists = {};
  readonly #number: number;
  bytes = 0;

  constructor(number: number) {
    this.#number = number;
  }

  get materials(): Prepare["material"] {
    return (this.lists as Lists).material ?? {};
  }

  messages(): Iterable<PreparePart | Piece> {
    const lists = this.lists as Lists;
    const part: PreparePart = { type: "prepare-part", number: this.#number, lists };
    return this.bytes > MAX_ENTRIES_BYTES ? piecesOf(part) : [part];
  }
}

interface Entry {
  readonly bytes: number;
  readonly addTo: (lists: GrowingLists) => void;
}

function* entriesOf(prepare: UnsentPrepare): Iterable<Entry> {
  for (const name of LISTS) {
    for (const entry of prepare[name] ?? []) {
      const addTo = (lists: GrowingLists): void => void (lists[name] ??= []).push(entry);
      yield { bytes: bytesOf(entry) + 1, addTo };
    }
  }
  for (const [id, read] of prepare.material) {
    const material = read();
    const addTo = (lists: GrowingLists): void => {
      (lists.material ??= {})[id] = material;
    };
    yield { bytes: bytesOf(id) + bytesOf(material) + 2, addTo };
  }
}

/** Keeps it apart whether the message is a trial. */
const emptyListsOf = (prepare: UnsentPrepare): Partial<Record<ListName, readonly never[]>> =>
  Object.fromEntries(LISTS.filter((name) => prepare[name] !== undefined).map((name) => [name, []]));

function* piecesOf<Message extends BoundedMessage>(message: Message): Iterable<Message | Piece> {
  const text = JSON.stringify(message);
  if (Buffer.byteLength(text) <= MAX_FRAME_BYTES_TO_WORKER) {
    yield message;
    return;
  }
  lastPieced += 1;
  for (let at = 0; at < text.length; at += MAX_PIECE_CHARACTERS) {
    const end = at + MAX_PIECE_CHARACTERS;
    const isLast = end >= text.length;
    yield { type: "piece", of: lastPieced, text: text.slice(at, end), isLast };
  }
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Puts the messages of one channel together. */
export class MessageAssembly {
  /** The texts of messages that are not complete, by the number of the message. */
  readonly #texts = new Map<number, string[]>();
  #parts: { readonly number: number; readonly lists: GrowingLists } | undefined;

  /** Returns the message that is complete with this one, or undefined if more must follow. */
  take(message: BoundedMessage): ToWorker | undefined {
    if (message.type === "piece") return this.#takePiece(message);
    if (message.type === "prepare") return this.#complete(message);
    if (message.type !== "prepare-part") return message;
    this.#takePart(message);
    return undefined;
  }

  #takePiece({ of, text, isLast }: Piece): ToWorker | undefined {
    const texts = this.#texts.get(of) ?? [];
    texts.push(text);
    this.#texts.set(of, texts);
    if (!isLast) return undefined;
    this.#texts.delete(of);
    return this.take(JSON.parse(texts.join("")) as BoundedMessage);
  }

  #takePart({ number, lists }: PreparePart): void {
    // Parts of another number belong to a change that was given up before it was complete.
    if (this.#parts?.number !== number) this.#parts = { number, lists: {} };
    const known = this.#parts.lists;
    for (const name of LISTS) {
      const entries = lists[name] ?? [];
      const into = (known[name] ??= []);
      for (const entry of entries) into.push(entry);
    }
    known.material = Object.assign(known.material ?? {}, lists.material);
  }

  #complete(prepare: Prepare): Prepare {
    const parts = this.#parts;
    this.#parts = undefined;
    if (parts?.number !== prepare.number) return prepare;
    const { opensOnly, ...lists } = parts.lists;
    const complete = { ...prepare, ...(lists as Partial<Prepare>) };
    return prepare.opensOnly === undefined
      ? complete
      : { ...complete, opensOnly: (opensOnly ?? []) as readonly ListenerName[] };
  }
}
