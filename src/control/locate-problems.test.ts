import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { problemOf, type ProblemCode } from "#model/problem.ts";
import { locateProblems } from "./locate-problems.ts";
import { parseYaml } from "./parse-yaml.ts";

const TEXT = `servers:
  web-1: { address: 192.0.2.1, "adress": x }
profiles:
  shop: &shop
    servers: [web-1,
      web-2]
    vnics:
      front:
        listeners:
          - port: 443
          - { port: 80 }
  pay: *shop
certificates:
  "*.shop.example":
    chain: "no such file"
    key:
`;

function placesOf(text: string, ...problems: readonly [path: string, code?: ProblemCode][]) {
  const list = problems.map(([path, code = "bad-value"]) => problemOf(code, path, ""));
  const found = locateProblems(list, parseYaml(Buffer.from(text)));
  return list.map((problem) => {
    const { line, column } = found.get(problem) ?? {};
    return `${line}:${column}`;
  });
}

describe("locateProblems", () => {
  it("finds values, entries of lists, and the keys of maps and lists", () => {
    assert.deepEqual(
      placesOf(
        TEXT,
        ["servers.web-1.address"],
        ["servers.web-1"],
        ["profiles.shop.servers[1]"],
        ["profiles.shop.vnics.front.listeners"],
        ["profiles.shop.vnics.front.listeners[0]"],
        ["profiles.shop.vnics.front.listeners[1].port"],
        ['certificates["*.shop.example"].chain'],
      ),
      ["2:21", "2:3", "6:7", "9:9", "10:13", "11:21", "15:12"],
    );
  });

  it("finds the key of a problem that is about the key", () => {
    const path = "servers.web-1.adress";
    assert.deepEqual(placesOf(TEXT, [path, "unknown-key"], [path]), ["2:32", "2:42"]);
    assert.deepEqual(placesOf(TEXT, ['certificates["*.shop.example"].key']), ["16:5"]);
  });

  it("names the part in which a key is missing", () => {
    assert.deepEqual(
      placesOf(
        TEXT,
        ["profiles.shop.vnics.front.ip"],
        ["profiles.shop.vnics.front.listeners[0].endpointTls.ca"],
        ["policies.none"],
        [""],
        ['certificates["*.shop…]'],
      ),
      ["8:7", "10:13", "1:1", "1:1", "13:1"],
    );
  });

  it("follows an alias to the anchor", () => {
    assert.deepEqual(placesOf(TEXT, ["profiles.pay.servers[0]"], ["profiles.pay"]), [
      "5:15",
      "12:3",
    ]);
  });

  it("finds places in JSON, and none in an empty text", () => {
    const json = JSON.stringify({ servers: { "web-1": { address: 5 } } }, undefined, 2);
    assert.deepEqual(placesOf(json, ["servers.web-1.address"]), ["4:18"]);
    assert.deepEqual(placesOf("# nothing\n", ["servers"]), ["undefined:undefined"]);
  });
});
