/** What programs and people send by mistake or on purpose in place of a resource. */
export interface BadBody {
  readonly name: string;
  readonly payload: string | Uint8Array;
  /** The statuses of the refusal. */
  readonly status: readonly number[];
}

/** Appears in bodies where a secret could be, and must appear nowhere else. */
export const SECRET = "hunter2-canary";

const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
const json = (name: string, value: unknown): BadBody => ({
  name,
  payload: JSON.stringify(value),
  status: [422],
});
const text = (name: string, payload: string | Uint8Array, status = 400): BadBody => ({
  name,
  payload,
  status: [status],
});

/** Refused for every resource, and for the whole document. */
export const BAD_BODIES: readonly BadBody[] = [
  json("a text", "front"),
  json("a number", 7),
  json("a list", []),
  json("true", true),
  json("an unknown key", { colour: "blue" }),
  json("a key with a line end", { "a\nb\u001b[2J": 1 }),
  json("a key with a slash", { "a/b": 1 }),
  json("a key that looks like another", { аddress: "127.0.0.1" }),
  json("the settings of the start", { director: { data: "/tmp" } }),
  json("a secret at a wrong place", { passphrase: SECRET, colour: "blue" }),
  { ...text("a prototype", '{"__proto__":{"polluted":1}}'), status: [422] },
  { ...text("a constructor", '{"constructor":{"prototype":{"polluted":1}}}'), status: [422] },
  { ...text("a huge number", '{"priority":1e400}'), status: [422] },
  text("nothing", ""),
  text("white space", " \n"),
  text("what is not JSON", `{"passphrase":"${SECRET}`),
  text("what is not JSON after a secret", `{"passphrase":"${SECRET}",x}`),
  text("NaN", '{"priority":NaN}'),
  text("Infinity", '{"priority":-Infinity}'),
  text("YAML", "ip: 127.0.0.1\n"),
  text("a raw line end in a text", '{"a":"\n"}'),
  text("a key twice", `{"ip":"${SECRET}","ip":"127.0.0.1"}`),
  text("half a surrogate pair", '{"passphrase":"\\ud800"}'),
  text("what is not UTF-8", Buffer.from('{"a":"\xff"}', "latin1")),
  text("deep nesting", deep(65)),
  text("very deep nesting", deep(100_000)),
  text("a body of 20 MB", Buffer.alloc(20_000_000, 0x20), 413),
];
