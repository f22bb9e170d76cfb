/** Names in the demo document `director.yaml`. The demo provides their files and endpoints. */
export const DEMO_CA_FILE = "demo-ca.pem";

export interface DemoSite {
  readonly profile: string;
  readonly server: string;
  readonly serverName: string;
  readonly endpointAddress: string;
  readonly endpointPort: number;
}

export const DEMO_SITES: readonly DemoSite[] = [
  {
    profile: "shop",
    server: "web-1",
    serverName: "shop.demo.test",
    endpointAddress: "127.0.2.1",
    endpointPort: 18080,
  },
  {
    profile: "pay",
    server: "web-2",
    serverName: "pay.demo.test",
    endpointAddress: "127.0.2.2",
    endpointPort: 18080,
  },
];

export const chainFileOf = ({ profile }: DemoSite): string => `demo-${profile}.pem`;
export const keyFileOf = ({ profile }: DemoSite): string => `demo-${profile}.key`;
