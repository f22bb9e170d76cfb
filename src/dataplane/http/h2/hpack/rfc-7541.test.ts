import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeBlock, tableOf } from "#harness/field-blocks.ts";
import { HpackDecoder } from "./hpack-decoder.ts";

interface Example {
  readonly block: string;
  readonly lines: readonly string[];
  /** The dynamic table after the block. */
  readonly table: readonly string[];
}

const hexOf = (text: string): string => text.replaceAll(/\s/g, "");

const GET = ":method: GET";
const ROOT = ":path: /";
const HTTP = ":scheme: http";
const AUTHORITY = ":authority: www.example.com";
const NO_CACHE = "cache-control: no-cache";
const CUSTOM = "custom-key: custom-value";
const PRIVATE = "cache-control: private";
const DATE = "date: Mon, 21 Oct 2013 20:13:21 GMT";
const LATER = "date: Mon, 21 Oct 2013 20:13:22 GMT";
const LOCATION = "location: https://www.example.com";
const GZIP = "content-encoding: gzip";
const COOKIE = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const status = (code: number): string => `:status: ${code}`;

/** The three requests of C.3 and C.4. */
const requestsOf = (...blocks: readonly [string, string, string]): readonly Example[] => [
  { block: blocks[0], lines: [GET, HTTP, ROOT, AUTHORITY], table: [AUTHORITY] },
  {
    block: blocks[1],
    lines: [GET, HTTP, ROOT, AUTHORITY, NO_CACHE],
    table: [NO_CACHE, AUTHORITY],
  },
  {
    block: blocks[2],
    lines: [GET, ":scheme: https", ":path: /index.html", AUTHORITY, CUSTOM],
    table: [CUSTOM, NO_CACHE, AUTHORITY],
  },
];

/** The three answers of C.5 and C.6. */
const answersOf = (...blocks: readonly [string, string, string]): readonly Example[] => [
  {
    block: blocks[0],
    lines: [status(302), PRIVATE, DATE, LOCATION],
    table: [LOCATION, DATE, PRIVATE, status(302)],
  },
  {
    block: blocks[1],
    lines: [status(307), PRIVATE, DATE, LOCATION],
    table: [status(307), LOCATION, DATE, PRIVATE],
  },
  {
    block: blocks[2],
    lines: [status(200), PRIVATE, LATER, LOCATION, GZIP, COOKIE],
    table: [COOKIE, GZIP, LATER],
  },
];

const EXAMPLES: readonly (readonly [
  section: string,
  maxTableBytes: number,
  examples: readonly Example[],
])[] = [
  [
    "C.2.1, a literal with indexing",
    4_096,
    [
      {
        block: "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
        lines: ["custom-key: custom-header"],
        table: ["custom-key: custom-header"],
      },
    ],
  ],
  [
    "C.2.2, a literal without indexing",
    4_096,
    [
      {
        block: "040c 2f73 616d 706c 652f 7061 7468",
        lines: [":path: /sample/path"],
        table: [],
      },
    ],
  ],
  [
    "C.2.3, a literal that is never indexed",
    4_096,
    [
      {
        block: "1008 7061 7373 776f 7264 0673 6563 7265 74",
        lines: ["*password: secret"],
        table: [],
      },
    ],
  ],
  ["C.2.4, an indexed field", 4_096, [{ block: "82", lines: [GET], table: [] }]],
  [
    "C.3, requests without Huffman coding",
    4_096,
    requestsOf(
      "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "8286 84be 5808 6e6f 2d63 6163 6865",
      "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ),
  ],
  [
    "C.4, requests with Huffman coding",
    4_096,
    requestsOf(
      "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
      "8286 84be 5886 a8eb 1064 9cbf",
      "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ),
  ],
  [
    "C.5, answers without Huffman coding",
    256,
    answersOf(
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
       2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70
       6c65 2e63 6f6d`,
      "4803 3330 37c1 c0bf",
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d
       54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049
       5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e
       3d31`,
    ),
  ],
  [
    "C.6, answers with Huffman coding",
    256,
    answersOf(
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
       2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
      "4883 640e ffc1 c0bf",
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab
       77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f
       9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
    ),
  ],
];

describe("the examples of RFC 7541 appendix C", () => {
  for (const [section, maxTableBytes, examples] of EXAMPLES) {
    it(section, () => {
      const decoder = new HpackDecoder(maxTableBytes);
      for (const { block, lines, table } of examples) {
        assert.deepEqual(decodeBlock(decoder, hexOf(block)), { result: "whole", lines });
        assert.deepEqual(tableOf(decoder), table);
      }
    });
  }

  it("C.1, integers of one byte and of several", () => {
    for (const [block, limit] of [
      ["2a", 10],
      ["3f9a0a", 1_337],
    ] as const) {
      assert.equal(decodeBlock(new HpackDecoder(limit), block).result, "whole");
      assert.equal(decodeBlock(new HpackDecoder(limit - 1), block).result, "compression-error");
    }
  });
});
