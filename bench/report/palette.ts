/** Readable on white and on near black; who a colour is for stays the same in all charts. */
const colors: Readonly<Record<string, string>> = {
  haproxy: "#868e96",
  nginx: "#b08800",
  hitch: "#a371f7",
  stunnel: "#d9534f",
  "director/bun": "#2f81f7",
  "director/node": "#2da44e",
};

export const colorOf = (subject: string): string => colors[subject] ?? "currentColor";

export function colorScaleOf(subjects: readonly string[]) {
  return { domain: subjects, range: subjects.map(colorOf) };
}

export const isDirector = (subject: string): boolean => subject.startsWith("director/");
