export interface ShopOptions {
  readonly ip: string;
  /** 8443, unless told. */
  readonly port?: number;
  /** The servers of the profile by name, each an address. */
  readonly servers: Readonly<Record<string, string>>;
  /** Port on the servers, or `unix:/path`. */
  readonly to: number | string;
  /** Added to the listener of `front.shop`, or in place of what is there. */
  readonly listener?: object;
  readonly vnic?: object;
  readonly profile?: object;
  /** Added to the document, e.g. `policies` or more `certificates`. */
  readonly more?: object;
}

/** A document with one listener, of the vNIC `front.shop`, that serves certificate `shop` from shop.pem and shop.key. */
export function shopDocument(options: ShopOptions): object {
  const listener = {
    port: options.port ?? 8443,
    to: options.to,
    certificates: ["shop"],
    ...options.listener,
  };
  const servers = Object.entries(options.servers).map(([name, address]) => [name, { address }]);
  return {
    servers: Object.fromEntries(servers),
    profiles: {
      shop: {
        servers: Object.keys(options.servers),
        vnics: { front: { ip: options.ip, listeners: [listener], ...options.vnic } },
        ...options.profile,
      },
    },
    certificates: { shop: { chain: "shop.pem", key: "shop.key" } },
    ...options.more,
  };
}
