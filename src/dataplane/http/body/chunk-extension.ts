import { BACKSLASH, EQUALS, HTAB, IS_TEXT, IS_TOKEN, QUOTE, SEMICOLON, SP } from "../head/ascii.ts";

/** The states of the reader, which say what was read last. */
const BEFORE = 0;
const AFTER_SEMICOLON = 1;
const NAME = 2;
const AFTER_NAME = 3;
const AFTER_EQUALS = 4;
const VALUE = 5;
const QUOTED = 6;
const ESCAPE = 7;
const CLOSED = 8;
const AFTER_VALUE = 9;

/**
 * Checks the extensions of a chunk (RFC 9112 section 7.1.1): `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`.
 */
export class ChunkExtension {
  #state = BEFORE;

  /** Whether the extensions may end here. White space at the end is refused. */
  get isWhole(): boolean {
    return this.#state === NAME || this.#state === VALUE || this.#state === CLOSED;
  }

  restart(): void {
    this.#state = BEFORE;
  }

  /** Returns false if the byte is not allowed here. */
  take(byte: number): boolean {
    const next = nextOf(this.#state, byte);
    if (next < 0) return false;
    this.#state = next;
    return true;
  }
}

/** Returns the next state, or -1 if the byte is not allowed. */
function nextOf(state: number, byte: number): number {
  const isBlank = byte === SP || byte === HTAB;
  switch (state) {
    case BEFORE:
      return isBlank ? BEFORE : afterElementOf(byte);
    case AFTER_SEMICOLON:
      if (IS_TOKEN[byte] === 1) return NAME;
      return isBlank ? AFTER_SEMICOLON : -1;
    case NAME:
      if (IS_TOKEN[byte] === 1) return NAME;
      if (isBlank) return AFTER_NAME;
      return byte === EQUALS ? AFTER_EQUALS : afterElementOf(byte);
    case AFTER_NAME:
      if (isBlank) return AFTER_NAME;
      return byte === EQUALS ? AFTER_EQUALS : afterElementOf(byte);
    case AFTER_EQUALS:
      if (IS_TOKEN[byte] === 1) return VALUE;
      if (byte === QUOTE) return QUOTED;
      return isBlank ? AFTER_EQUALS : -1;
    case VALUE:
      if (IS_TOKEN[byte] === 1) return VALUE;
      return isBlank ? AFTER_VALUE : afterElementOf(byte);
    case QUOTED:
      if (byte === QUOTE) return CLOSED;
      if (byte === BACKSLASH) return ESCAPE;
      return IS_TEXT[byte] === 1 ? QUOTED : -1;
    case ESCAPE:
      return IS_TEXT[byte] === 1 ? QUOTED : -1;
    default:
      return isBlank ? AFTER_VALUE : afterElementOf(byte);
  }
}

const afterElementOf = (byte: number): number => (byte === SEMICOLON ? AFTER_SEMICOLON : -1);
