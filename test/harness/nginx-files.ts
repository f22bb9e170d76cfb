import { join } from "node:path";

/** Returns the start of a configuration of nginx: it runs as one process in the foreground, and keeps its files in the folder. */
export const nginxMain = (folder: string): string => `daemon off;
master_process off;
pid ${join(folder, "nginx.pid")};
events { worker_connections 1024; }`;

/** Returns the settings of `http` that keep temporary files in the folder, and write no access log. */
export const nginxTemps = (folder: string): string =>
  [
    "access_log off;",
    ...["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (temp) => `${temp}_temp_path ${join(folder, temp)};`,
    ),
  ].join("\n  ");
