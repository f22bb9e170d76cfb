import type { FastifyInstance } from "fastify";
import type { DirectorView } from "#control/director-view.ts";
import { addDocumentRoutes } from "./add-document-routes.ts";
import { addHistoryRoutes } from "./add-history-routes.ts";
import { addListRoutes } from "./add-list-routes.ts";
import { addProbeRoutes } from "./add-probe-routes.ts";
import { addReloadRoute } from "./add-reload-route.ts";
import { addResourceRoutes } from "./add-resource-routes.ts";
import { addStatusRoutes } from "./add-status-routes.ts";
import type { ChangeApi } from "./change-api.ts";

/** Adds every route of the admin API but its reference. */
export function addRoutes(app: FastifyInstance, view: DirectorView, api: ChangeApi): void {
  addDocumentRoutes(app, api);
  addListRoutes(app, view, api);
  addResourceRoutes(app, api);
  addHistoryRoutes(app, api);
  addReloadRoute(app, api);
  addStatusRoutes(app, view);
  addProbeRoutes(app, view);
}
