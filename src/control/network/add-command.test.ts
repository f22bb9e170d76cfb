import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseCidr } from "#model/addresses/cidr.ts";
import {
  addCommandOf,
  defaultInterfaceOf,
  parseRoute,
  parseRouteIpv6,
  readNetworkFacts,
  type NetworkFacts,
} from "./add-command.ts";

const addressOn = (name: string, address: string, network: string) => ({
  ...{ name, address, network: parseCidr(network), isLoopback: name === "lo" },
});

const FACTS: NetworkFacts = {
  interfaces: [
    addressOn("lo", "127.0.0.1", "127.0.0.0/8"),
    addressOn("eth0", "192.0.2.2", "192.0.2.0/24"),
    addressOn("eth1", "192.0.2.130", "192.0.2.128/25"),
    addressOn("eth0", "2001:db8::2", "2001:db8::/64"),
    addressOn("eth1", "2001:db8:1::5", "2001:db8:1::/64"),
  ],
  defaultIpv4: "wan0",
  defaultIpv6: "wan6",
};

describe("the command that adds a virtual IP", () => {
  it("names the interface whose network has the address, the smallest network first", () => {
    assert.equal(addCommandOf("192.0.2.10", FACTS), "ip address add 192.0.2.10/32 dev eth0");
    assert.equal(addCommandOf("192.0.2.140", FACTS), "ip address add 192.0.2.140/32 dev eth1");
    assert.equal(addCommandOf("2001:db8::9", FACTS), "ip address add 2001:db8::9/128 dev eth0");
    assert.equal(addCommandOf("127.1.2.3", FACTS), "ip address add 127.1.2.3/32 dev lo");
  });

  it("else names the interface of the default route, else the loopback interface", () => {
    assert.equal(addCommandOf("203.0.113.1", FACTS), "ip address add 203.0.113.1/32 dev wan0");
    assert.equal(addCommandOf("2001:db8:9::", FACTS), "ip address add 2001:db8:9::/128 dev wan6");
    const none = { ...FACTS, defaultIpv4: undefined, defaultIpv6: undefined };
    assert.equal(addCommandOf("203.0.113.1", none), "ip address add 203.0.113.1/32 dev lo");
    assert.equal(addCommandOf("2001:db8:9::", none), "ip address add 2001:db8:9::/128 dev lo");
  });

  it("shows the interface if it has the address, which cannot be used yet", () => {
    assert.equal(addCommandOf("2001:db8:1::5", FACTS), "ip address show dev eth1");
  });

  it("reads the default route with the lowest metric from the tables of the kernel", () => {
    const ipv4 = [
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
      "slow0\t00000000\t010200C0\t0003\t0\t0\t600\t00000000\t0\t0\t0",
      "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0",
      "half0\t00000000\t010200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0",
      "none0\t00000000\t010200C0\t0201\t0\t0\t0\t00000000\t0\t0\t0",
      "",
    ].join("\n");
    assert.equal(defaultInterfaceOf(ipv4, parseRoute), "eth0");
    const zeros = "0".repeat(32);
    const ipv6 = [
      `${zeros} 00 ${zeros} 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0`,
      `${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo`,
      `${zeros} 00 ${zeros} 00 ${zeros} 00000001 00000001 00000000 00200200       lo`,
      `fd000000000000000000000000000000 40 ${zeros} 00 ${zeros} 00000100 00000001 00000000 00000001     eth9`,
    ].join("\n");
    assert.equal(defaultInterfaceOf(ipv6, parseRouteIpv6), "eth0");
    assert.equal(defaultInterfaceOf("", parseRouteIpv6), undefined);
  });

  it("reads the networks of this machine", () => {
    const { interfaces } = readNetworkFacts();
    const loopback = interfaces.find(({ address }) => address === "127.0.0.1");
    assert.deepEqual(loopback?.network, parseCidr("127.0.0.0/8"));
    assert.equal(loopback.isLoopback, true);
  });
});
