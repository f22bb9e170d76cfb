import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDocument } from "./parse-document.ts";

const port = { port: 8443, to: 8080, certificates: ["shop"] };
const unix = { port: 8444, to: "unix:/run/app.sock", certificates: ["shop"] };
const redirect = { port: 80, mode: "redirect" };
const servers = {
  up: { address: "192.0.2.1" },
  drained: { address: "192.0.2.2", admin: "drain" },
  down: { address: "192.0.2.3", admin: "down" },
};

const warningsOf = (profile: object, listeners: readonly object[] = [port]) => {
  const vnics = { front: { ip: "198.51.100.1", listeners } };
  const { document, problems } = parseDocument({
    ...{ servers, profiles: { shop: { vnics, ...profile } } },
    certificates: { shop: { chain: "shop.pem" } },
  });
  assert.ok(document !== undefined);
  return problems.map(({ code, path, message }) => {
    assert.deepEqual([code, path], ["no-server", "profiles.shop.servers"]);
    return message;
  });
};

const weightless = { server: "up", weight: 0 };

describe("lackOfServersOf", () => {
  it("finds that none of the servers and standby servers may get new connections, and says why", () => {
    const message = (causes: string) => [
      `No server of the profile may get new connections (${causes}), so the connections of its clients are closed.`,
    ];
    assert.deepEqual(warningsOf({ servers: [weightless] }), message("up has weight 0"));
    assert.deepEqual(warningsOf({ servers: ["drained"] }), message("drained has admin drain"));
    assert.deepEqual(
      warningsOf({ servers: ["down", weightless], standby: ["drained"] }),
      message("down has admin down, up has weight 0, drained has admin drain"),
    );
  });

  it("says only once that a profile has no server", () => {
    assert.deepEqual(warningsOf({}), [
      "The profile has no server, so the connections of its clients are closed.",
    ]);
  });

  it("is satisfied with one server or standby server, and if no listener needs a server", () => {
    assert.deepEqual(warningsOf({ servers: ["drained", "up"] }), []);
    assert.deepEqual(warningsOf({ servers: ["drained"], standby: ["up"] }), []);
    assert.deepEqual(warningsOf({ servers: ["drained"] }, [redirect]), []);
    assert.deepEqual(warningsOf({}, [redirect]), []);
  });

  it("knows that weights do not matter for unix sockets", () => {
    assert.deepEqual(warningsOf({ servers: [weightless] }, [unix]), []);
    assert.match(warningsOf({ servers: ["drained"] }, [unix])[0] ?? "", /admin drain/);
    assert.match(
      warningsOf({ servers: [weightless] }, [unix, port])[0] ?? "",
      /to its listeners that lead to a port are closed/,
    );
  });

  it("names three causes and counts the others", () => {
    const names = Array.from({ length: 5 }, (_, at) => `w${at}`);
    const { problems } = parseDocument({
      servers: Object.fromEntries(names.map((name) => [name, { address: "192.0.2.9" }])),
      profiles: {
        shop: {
          servers: names.map((server) => ({ server, weight: 0 })),
          vnics: { front: { ip: "198.51.100.1", listeners: [port] } },
        },
      },
      certificates: { shop: { chain: "shop.pem" } },
    });
    assert.match(
      problems[0]?.message ?? "",
      /\(w0 has weight 0, w1 has weight 0, w2 has weight 0, and 2 more\)/,
    );
  });
});
