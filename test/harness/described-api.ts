import type { RouteOptions } from "fastify";
import { addReferenceRoutes } from "#control/admin-api/add-reference-routes.ts";
import { addRoutes } from "#control/admin-api/add-routes.ts";
import { buildHttpApp, type HttpApp } from "#control/admin-api/build-http-app.ts";
import { buildOpenApi } from "#control/admin-api/reference/build-openapi.ts";
import type { OpenApi } from "#control/admin-api/reference/openapi.ts";
import { LogLevel } from "#control/telemetry/log-level.ts";
import { buildLog } from "#control/telemetry/log.ts";
import { fakeChangeApi, noInventory } from "./fake-change-api.ts";
import { sampleView } from "./sample-director.ts";

const nothing = (): Promise<never> => Promise.reject(new Error("This API is only described."));

/** The routes of the admin API, on a director that answers no request. */
export function describedApp(): HttpApp {
  const { logger: log } = buildLog({ level: "silent" });
  const built = buildHttpApp(log, nothing);
  addRoutes(built.app, {
    view: sampleView,
    api: fakeChangeApi(nothing),
    connections: { list: nothing, cut: nothing },
    failBack: () => undefined,
    setMasterKey: nothing,
    logLevel: new LogLevel(log),
    doctor: nothing,
    log,
    ...noInventory,
  });
  addReferenceRoutes(built.app, built.list, "0.0.0");
  return built;
}

/** The OpenAPI document of the admin API, and the routes that it describes. */
export async function describedApi(): Promise<{
  readonly openApi: OpenApi;
  readonly routes: readonly RouteOptions[];
}> {
  const { app, list } = describedApp();
  const openApi = await buildOpenApi(list.routes, "0.0.0");
  await app.close();
  return { openApi, routes: list.routes };
}
