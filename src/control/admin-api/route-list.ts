import type { FastifyInstance, RouteOptions } from "fastify";

/** The routes of an HTTP server, with HEAD routes. */
export interface RouteList {
  readonly routes: readonly RouteOptions[];
  /** Returns the methods of the resource at a path, or none if there is no such resource. */
  methodsOf(path: string): readonly string[];
}

/** Remembers every route that is added afterwards. */
export function listRoutes(app: FastifyInstance): RouteList {
  const routes: RouteOptions[] = [];
  app.addHook("onRoute", (route) => {
    routes.push(route);
  });
  return {
    routes,
    methodsOf(path) {
      const steps = stepsOf(path);
      const found = routes.filter(({ url }) => isAt(stepsOf(url), steps));
      return [...new Set(found.flatMap(({ method }) => method))].toSorted();
    },
  };
}

/** A slash at the end does not count, as in the router. */
const stepsOf = (path: string): readonly string[] => path.replace(/\/$/, "").split("/");

const isAt = (pattern: readonly string[], steps: readonly string[]): boolean =>
  pattern.length === steps.length &&
  pattern.every((step, at) => step === steps[at] || (step.startsWith(":") && steps[at] !== ""));
