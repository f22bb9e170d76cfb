import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasIpv6Loopback, uniqueVirtualIp } from "#harness/addresses.ts";
import { parseCidr } from "#model/addresses/cidr.ts";
import type { InterfaceAddress } from "./interfaces.ts";
import { bindProbe, LocalAddresses } from "./local-addresses.ts";

const on = (name: string, address: string, network: string): InterfaceAddress => ({
  ...{ name, address, network: parseCidr(network), isLoopback: name === "lo" },
});

/** A machine whose interfaces and usable addresses the test chooses. */
function machine() {
  const own = {
    interfaces: [on("lo", "127.0.0.1", "127.0.0.0/8")],
    usable: new Set<string>(),
    probed: [] as string[],
  };
  const addresses = new LocalAddresses(
    (ip) => {
      own.probed.push(ip);
      return Promise.resolve(own.usable.has(ip));
    },
    () => own.interfaces,
  );
  const absentOf = async (...ips: readonly string[]): Promise<readonly string[]> => [
    ...(await addresses.absentOf(ips)),
  ];
  return { own, addresses, absentOf };
}

describe("the addresses of this machine", () => {
  it("need no probe if an interface has them, or a loopback network, in IPv4", async () => {
    const { own, absentOf } = machine();
    own.interfaces.push(on("eth0", "192.0.2.2", "192.0.2.0/24"));
    assert.deepEqual(await absentOf("127.9.9.9", "192.0.2.2"), []);
    assert.deepEqual(own.probed, []);
    // The network of another interface does not make its addresses local.
    assert.deepEqual(await absentOf("192.0.2.3"), ["192.0.2.3"]);
  });

  it("include those of a local route, which no interface has", async () => {
    const { own, absentOf } = machine();
    own.usable.add("198.51.100.1");
    assert.deepEqual(await absentOf("198.51.100.1", "198.51.100.2"), ["198.51.100.2"]);
  });

  it("do not include an IPv6 address before duplicate address detection has ended", async () => {
    const { own, absentOf } = machine();
    own.interfaces.push(on("eth0", "2001:db8::1", "2001:db8::/64"));
    assert.deepEqual(await absentOf("2001:db8::1"), ["2001:db8::1"]);
    own.usable.add("2001:db8::1");
    assert.deepEqual(await absentOf("2001:db8::1"), []);
  });

  it("are probed again only if they are absent, if the interfaces have changed, or if it is asked for", async () => {
    const { own, addresses, absentOf } = machine();
    own.usable.add("198.51.100.1");
    const both = ["198.51.100.1", "198.51.100.2"];
    await absentOf(...both);
    await absentOf(...both);
    assert.deepEqual(own.probed.splice(0), [...both, "198.51.100.2"]);
    own.interfaces = [...own.interfaces, on("eth0", "192.0.2.2", "192.0.2.0/24")];
    own.usable.clear();
    assert.deepEqual(await absentOf("198.51.100.1"), ["198.51.100.1"]);
    own.usable.add("198.51.100.1");
    await absentOf("198.51.100.1");
    addresses.forget();
    own.probed.length = 0;
    await absentOf("198.51.100.1");
    assert.deepEqual(own.probed, ["198.51.100.1"]);
  });
});

describe("the probe", () => {
  it("tells addresses that can be bound from those that cannot", async () => {
    assert.equal(await bindProbe(uniqueVirtualIp()), true);
    assert.equal(await bindProbe("0.0.0.0"), true);
    assert.equal(await bindProbe("203.0.113.1"), false);
    assert.equal(await bindProbe("2001:db8::1"), false);
    if (hasIpv6Loopback) assert.equal(await bindProbe("::1"), true);
  });
});
