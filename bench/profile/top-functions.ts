/** The part of a V8 CPU profile that self times need; both engines write it. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

export interface FunctionTime {
  readonly place: string;
  readonly selfMs: number;
  /** Of the time that was not idle. */
  readonly share: number;
}

const notWork = new Set(["(idle)", "(root)"]);

/** Functions by their own time, most first. */
export function topFunctionsOf(profile: CpuProfile, count: number): FunctionTime[] {
  const places = new Map(
    profile.nodes.map(({ id, callFrame }): [number, string | undefined] => [
      id,
      placeOf(callFrame),
    ]),
  );
  const selfUs = new Map<string, number>();
  let totalUs = 0;
  for (const [index, id] of profile.samples.entries()) {
    const place = places.get(id);
    const deltaUs = Math.max(0, profile.timeDeltas[index] ?? 0);
    if (place !== undefined) {
      selfUs.set(place, (selfUs.get(place) ?? 0) + deltaUs);
      totalUs += deltaUs;
    }
  }
  return [...selfUs]
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, count)
    .map(([place, us]) => ({ place, selfMs: us / 1_000, share: us / totalUs }));
}

/** Undefined for what is no work. */
function placeOf(frame: CpuProfile["nodes"][number]["callFrame"]): string | undefined {
  if (notWork.has(frame.functionName)) {
    return undefined;
  }
  const name = frame.functionName === "" ? "(anonymous)" : frame.functionName;
  const file = frame.url.replace(/^file:\/\//, "").replace(/^.*\/src\//, "src/");
  return file === "" ? name : `${name} ${file}:${frame.lineNumber + 1}`;
}
