/** What a rotation may make worse, as it is stored with a version that becomes active by itself. */
import type { RotationAllowances } from "./check-rotation.ts";

const ALLOWED_CODES = {
  allowsFewerNames: "fewer-names",
  allowsOtherKeyType: "other-key-type",
  allowsWeakerKey: "weaker-key",
} as const satisfies Readonly<Record<keyof RotationAllowances, string>>;

export const allowedCodesOf = (allowances: RotationAllowances): string[] =>
  Object.entries(ALLOWED_CODES).flatMap(([key, code]) =>
    allowances[key as keyof RotationAllowances] ? [code] : [],
  );

export const allowancesOf = (codes: readonly string[]): RotationAllowances => ({
  allowsFewerNames: codes.includes(ALLOWED_CODES.allowsFewerNames),
  allowsOtherKeyType: codes.includes(ALLOWED_CODES.allowsOtherKeyType),
  allowsWeakerKey: codes.includes(ALLOWED_CODES.allowsWeakerKey),
});
