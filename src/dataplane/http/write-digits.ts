const ZERO = 0x30;
/** The code of `a` less the value of this digit. */
const LETTER_A = 0x61 - 10;

/** Writes a whole number of this base, at most 36, with letters in lower case. Returns the offset after it. No string is made. */
export function writeDigits(bytes: Buffer, start: number, value: number, base: number): number {
  let end = start + 1;
  for (let rest = Math.floor(value / base); rest > 0; rest = Math.floor(rest / base)) end += 1;
  let rest = value;
  for (let at = end - 1; at >= start; at -= 1) {
    const digit = rest % base;
    bytes[at] = digit < 10 ? ZERO + digit : LETTER_A + digit;
    rest = (rest - digit) / base;
  }
  return end;
}
