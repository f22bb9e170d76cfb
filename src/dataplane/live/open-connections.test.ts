import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OpenConnections } from "./open-connections.ts";

describe("OpenConnections", () => {
  it("has room below the limit, and at the limit closes the oldest farewell", () => {
    const connections = new OpenConnections();
    const cut: string[] = [];
    for (const name of ["first", "second"]) {
      const farewell = {
        cut() {
          cut.push(name);
          connections.deleteFarewell(farewell);
        },
      };
      assert.equal(connections.hasPlace(2, 0), true);
      connections.addFarewell(farewell);
    }
    connections.add({ cut() {}, countBytes() {} });
    assert.equal(connections.hasPlace(3, 0), true);
    assert.deepEqual(cut, ["first"]);
    connections.add({ cut() {}, countBytes() {} });
    assert.equal(connections.hasPlace(3, 0), true);
    assert.deepEqual(cut, ["first", "second"]);
    connections.add({ cut() {}, countBytes() {} });
    assert.equal(connections.hasPlace(3, 0), false);
    assert.equal(connections.size, 3);
  });

  it("ends the connection that has waited longest for its endpoint, but not before it has waited a while", () => {
    const connections = new OpenConnections();
    const gaveUp: string[] = [];
    const [first, second, served] = ["first", "second", "served"].map((name, at) => {
      const connection = {
        cut() {},
        countBytes() {},
        reconsider() {},
        giveUp() {
          gaveUp.push(name);
          connections.delete(connection);
        },
      };
      connections.add(connection);
      connections.addWaiting(connection, at);
      return connection;
    });
    assert.ok(first && second && served);
    connections.deleteWaiting(served);
    assert.equal(connections.hasPlace(3, 99), false);
    assert.equal(connections.hasPlace(3, 100), true);
    assert.deepEqual(gaveUp, ["first"]);
    connections.add({ cut() {}, countBytes() {} });
    assert.equal(connections.hasPlace(3, 100), false);
    assert.equal(connections.hasPlace(3, 1_000), true);
    assert.deepEqual(gaveUp, ["first", "second"]);
    connections.add({ cut() {}, countBytes() {} });
    assert.equal(connections.hasPlace(3, 1_000), false);
  });

  it("is empty when all connections and farewells are closed, and closes both", async () => {
    const connections = new OpenConnections();
    const connection = {
      cut: () => connections.delete(connection),
      countBytes() {},
      reconsider() {},
      giveUp() {},
    };
    const farewell = { cut: () => connections.deleteFarewell(farewell) };
    connections.add(connection);
    connections.addFarewell(farewell);
    let isEmpty = false;
    const empty = connections.untilEmpty().then(() => (isEmpty = true));
    connections.delete(connection);
    await Promise.resolve();
    assert.equal(isEmpty, false);
    connections.add(connection);
    assert.equal(connections.cutAll(), 1);
    await empty;
  });
});
