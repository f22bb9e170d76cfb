const folder = process.env["NODE_COMPILE_CACHE"];

/** Environment that lets a Node which a test starts read the compiled code that test/run.ts keeps. */
export const compileCache: Readonly<Record<string, string>> =
  folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
