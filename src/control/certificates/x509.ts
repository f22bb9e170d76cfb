/** What writes certificates and requests. It needs the metadata API, which must be loaded before it, so it is imported from here only. */
import "reflect-metadata";

export * from "@peculiar/x509";
