import type { FastifyInstance } from "fastify";
import type { DirectorView } from "#control/director-view.ts";
import type { Doctor } from "#control/doctor/doctor.ts";
import type { LogLevel } from "#control/telemetry/log-level.ts";
import type { Logger } from "#control/telemetry/log.ts";
import { addBackupRoute } from "./add-backup-route.ts";
import { addCertificateRoute } from "./add-certificate-route.ts";
import { addConnectionRoutes, type Connections } from "./add-connection-routes.ts";
import { addDoctorRoute } from "./add-doctor-route.ts";
import { addDocumentRoutes } from "./add-document-routes.ts";
import { addFailbackRoute, type FailBack } from "./add-failback-route.ts";
import { addHandshakeRoutes } from "./add-handshake-routes.ts";
import { addInventoryRoutes, type InventoryRouteParts } from "./add-inventory-routes.ts";
import { addHistoryRoutes } from "./add-history-routes.ts";
import { addIdentityRoutes } from "./add-identity-routes.ts";
import { addListRoutes } from "./add-list-routes.ts";
import { addLogLevelRoute } from "./add-log-level-route.ts";
import { addMasterKeyRoute, type SetMasterKey } from "./add-master-key-route.ts";
import { addProbeRoutes } from "./add-probe-routes.ts";
import { addReloadRoute } from "./add-reload-route.ts";
import { addResourceRoutes } from "./add-resource-routes.ts";
import { addStatusRoutes } from "./add-status-routes.ts";
import type { ChangeApi } from "./change-api.ts";

/** What the routes of the admin API need. */
export interface RouteParts extends InventoryRouteParts {
  readonly view: DirectorView;
  readonly api: ChangeApi;
  readonly connections: Connections;
  readonly failBack: FailBack;
  readonly setMasterKey: SetMasterKey;
  readonly logLevel: LogLevel;
  readonly doctor: Doctor;
  readonly log: Logger;
}

/** Adds every route of the admin API but its reference. */
export function addRoutes(app: FastifyInstance, parts: RouteParts): void {
  const { view, api, connections, failBack, setMasterKey, logLevel, doctor, log } = parts;
  addDocumentRoutes(app, api);
  addListRoutes(app, view, api);
  addResourceRoutes(app, api);
  addCertificateRoute(app, view);
  addInventoryRoutes(app, api, parts);
  addIdentityRoutes(app, api);
  addFailbackRoute(app, view, failBack);
  addMasterKeyRoute(app, setMasterKey);
  addHistoryRoutes(app, api);
  addReloadRoute(app, api);
  addStatusRoutes(app, view);
  addConnectionRoutes(app, connections);
  addHandshakeRoutes(app, view);
  addDoctorRoute(app, doctor);
  addLogLevelRoute(app, logLevel);
  addProbeRoutes(app, view);
  addBackupRoute(app, api.parts.backup, log);
}
