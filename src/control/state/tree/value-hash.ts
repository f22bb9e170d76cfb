import { hash } from "node:crypto";
import type { Hash } from "../store.ts";

export const valueHashOf = (value: string): Hash => hash("sha256", value, "base64url");

export const isHash = (value: unknown): value is Hash =>
  typeof value === "string" && /^[A-Za-z0-9_-]{43}$/.test(value);
