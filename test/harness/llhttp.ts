import { createRequire } from "node:module";

/** The first message of some bytes, or the part of it that arrived. */
export interface MessageReading {
  /** "partial", "whole", or why the message was refused. */
  readonly outcome: string;
  /** Empty for an answer. */
  readonly method: string;
  readonly target: string;
  /** 0 for a request. */
  readonly status: number;
  /** As `name: value`. Names are in lower case, and values have no white space around them. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** The bytes of the message with its body, if it is whole. */
  readonly bytes: number;
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly malloc: (bytes: number) => number;
  readonly llhttp_alloc: (type: number) => number;
  readonly llhttp_reset: (parser: number) => void;
  readonly llhttp_execute: (parser: number, at: number, bytes: number) => number;
  readonly llhttp_get_error_pos: (parser: number) => number;
  readonly llhttp_get_error_reason: (parser: number) => number;
  readonly llhttp_get_method: (parser: number) => number;
  readonly llhttp_message_needs_eof: (parser: number) => number;
  readonly llhttp_method_name: (method: number) => number;
}

/** The part of WebAssembly that is used. The types of Node do not have it. */
interface Assembly {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Exports };
}
const { WebAssembly: assembly } = globalThis as unknown as { readonly WebAssembly: Assembly };

const TYPES = { request: 1, response: 2 };
/** Codes of llhttp. */
const PAUSED = 21;
const PAUSED_UPGRADE = 22;
const PAUSED_H2_UPGRADE = 23;
const SKIP_BODY = 1;
const MAX_BYTES = 128 * 1024;

/** The parser that Node and undici use, as undici ships it. It is strict as by default. */
export class Llhttp {
  readonly #exports: Exports;
  readonly #parser: number;
  readonly #input: number;
  #method = "";
  #target = "";
  #status = 0;
  #body = "";
  #fields: string[] = [];
  #trailers: string[] = [];
  #isInTrailers = false;
  #isHead = false;

  constructor(type: keyof typeof TYPES) {
    const require = createRequire(import.meta.url);
    const code = require("undici/lib/llhttp/llhttp-wasm.js") as Uint8Array;
    const env = {
      wasm_on_message_begin: () => 0,
      wasm_on_url: (_: number, at: number, length: number) => {
        this.#target += this.#text(at, length);
        return 0;
      },
      wasm_on_status: () => 0,
      wasm_on_header_field: (_: number, at: number, length: number) => {
        this.#lines().push(`${this.#text(at, length).toLowerCase()}: `);
        return 0;
      },
      wasm_on_header_value: (_: number, at: number, length: number) => {
        const lines = this.#lines();
        lines.push((lines.pop() ?? "") + this.#text(at, length));
        return 0;
      },
      wasm_on_headers_complete: (parser: number, status: number) => {
        this.#isInTrailers = true;
        this.#status = status;
        if (type === "request") {
          const { llhttp_method_name: name, llhttp_get_method: method } = this.#exports;
          this.#method = this.#textTo0(name(method(parser)));
        }
        return this.#isHead ? SKIP_BODY : 0;
      },
      wasm_on_body: (_: number, at: number, length: number) => {
        this.#body += this.#text(at, length);
        return 0;
      },
      wasm_on_message_complete: () => PAUSED,
    };
    this.#exports = new assembly.Instance(new assembly.Module(code), { env }).exports;
    this.#parser = this.#exports.llhttp_alloc(TYPES[type]);
    this.#input = this.#exports.malloc(MAX_BYTES);
  }

  /** Reads the first message. `isHead` is whether it is an answer to a HEAD request. */
  read(bytes: Buffer, isHead = false): MessageReading {
    const { memory, llhttp_execute: execute, llhttp_reset: reset } = this.#exports;
    const { llhttp_message_needs_eof: needsEnd, llhttp_get_error_pos: errorAt } = this.#exports;
    const { llhttp_get_error_reason: errorReason } = this.#exports;
    this.#method = "";
    this.#target = "";
    this.#status = 0;
    this.#body = "";
    this.#fields = [];
    this.#trailers = [];
    this.#isInTrailers = false;
    this.#isHead = isHead;
    new Uint8Array(memory.buffer).set(bytes, this.#input);
    reset(this.#parser);
    const code = execute(this.#parser, this.#input, bytes.length);
    const isPaused = code === PAUSED || code === PAUSED_UPGRADE || code === PAUSED_H2_UPGRADE;
    const endsWithConnection = code === 0 && this.#isInTrailers && needsEnd(this.#parser) === 1;
    const reason = this.#textTo0(errorReason(this.#parser));
    const isWhole = isPaused || endsWithConnection;
    return {
      outcome: isWhole ? "whole" : code === 0 ? "partial" : reason,
      method: this.#method,
      target: this.#target,
      status: this.#status,
      fields: this.#fields.map(withoutBlankEnd),
      body: this.#body,
      trailers: this.#trailers.map(withoutBlankEnd),
      bytes: isPaused ? errorAt(this.#parser) - this.#input : bytes.length,
    };
  }

  #lines(): string[] {
    return this.#isInTrailers ? this.#trailers : this.#fields;
  }

  #text(at: number, length: number): string {
    return Buffer.from(this.#exports.memory.buffer, at, length).toString("latin1");
  }

  #textTo0(at: number): string {
    if (at === 0) return "";
    const bytes = Buffer.from(this.#exports.memory.buffer, at, 200);
    return bytes.toString("latin1", 0, bytes.indexOf(0));
  }
}

/** llhttp keeps the white space after a value. */
function withoutBlankEnd(line: string): string {
  const valueAt = line.indexOf(": ") + 2;
  return line.slice(0, valueAt) + line.slice(valueAt).replace(/[ \t]+$/, "");
}
