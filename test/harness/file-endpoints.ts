import { createHash } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { freePort } from "./addresses.ts";
import { endProcess } from "./child-process.ts";
import { startEndpoint } from "./endpoint.ts";
import { closeAtTestEnd } from "./lifetime.ts";
import { startReal } from "./real-endpoints.ts";
import { makeTempFolder, writeFiles } from "./temp-folder.ts";
import { nginxMain, nginxTemps } from "./nginx-files.ts";

// Not by import, which would load Node's fetch into each test file.
const { createServer } = process.getBuiltinModule("node:http");

/** A real HTTP server that stores what is sent with PUT, and answers GET and HEAD with it, in ranges and with 304 too. */
export interface FileEndpoint {
  readonly port: number;
  stop(): Promise<void>;
  /** Starts it again, on the same port and with the same files. */
  start(): Promise<void>;
}

const apacheModules = "/usr/lib/apache2/modules";

function nginxConfig(folder: string, listen: string): string {
  return `
${nginxMain(folder)}
http {
  ${nginxTemps(folder)}
  client_max_body_size 0;
  server {
    listen ${listen};
    root ${join(folder, "files")};
    location / { dav_methods PUT; }
  }
}
`;
}

function apacheConfig(folder: string, listen: string): string {
  const modules = ["mpm_event", "authz_core", "dav", "dav_fs"];
  return `
ServerName shop.example
Listen ${listen}
PidFile ${join(folder, "apache.pid")}
ErrorLog ${join(folder, "error.log")}
${modules.map((name) => `LoadModule ${name}_module ${apacheModules}/mod_${name}.so`).join("\n")}
User nobody
Group nogroup
DavLockDB ${join(folder, "files", "lock")}
DocumentRoot ${join(folder, "files")}
<Directory ${join(folder, "files")}>
  Require all granted
  Dav On
</Directory>
`;
}

async function startProgram(
  program: string,
  host: string,
  configOf: (folder: string, listen: string) => string,
  argsOf: (folder: string, config: string) => readonly string[],
): Promise<FileEndpoint> {
  const folder = await makeTempFolder();
  const port = await freePort(host);
  await mkdir(join(folder, "files"));
  // A server that root has started becomes another user.
  await chmod(join(folder, "files"), 0o777);
  await writeFiles(folder, { conf: configOf(folder, `${host}:${port}`) });
  const run = () => startReal(program, argsOf(folder, join(folder, "conf")), host, port);
  let running = await run();
  return {
    port,
    stop: () => endProcess(running.process),
    start: async () => void (running = await run()),
  };
}

/** What a server in this process stores, by path. */
type Files = Map<string, Buffer>;

const etagOf = (file: Buffer): string =>
  `"${createHash("sha256").update(file).digest("hex").slice(0, 16)}"`;

/** Returns status, fields and body of the answer to GET or HEAD. */
function answerOf(
  file: Buffer | undefined,
  { "if-none-match": known, range }: IncomingMessage["headers"],
): readonly [status: number, fields: Readonly<Record<string, string>>, body: Buffer] {
  if (file === undefined) return [404, {}, Buffer.alloc(0)];
  const etag = etagOf(file);
  if (known === etag) return [304, { etag }, Buffer.alloc(0)];
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  if (from === undefined) return [200, { etag }, file];
  const contentRange = `bytes ${from}-${to}/${file.length}`;
  return [206, { etag, "content-range": contentRange }, file.subarray(+from, Number(to) + 1)];
}

async function answerByNode(
  files: Files,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { url = "", method, headers } = request;
  if (method === "PUT") {
    files.set(url, await buffer(request));
    response.writeHead(201).end();
    return;
  }
  if (url === "/hints") {
    response.writeProcessing();
    response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
  }
  const [status, fields, body] = answerOf(files.get(url), headers);
  const length = status === 304 ? {} : { "content-length": body.length };
  response.writeHead(status, { ...fields, ...length }).end(method === "HEAD" ? undefined : body);
}

async function startNode(host: string): Promise<FileEndpoint> {
  const files: Files = new Map();
  const server = createServer((request, response) => {
    answerByNode(files, request, response).catch(() => response.destroy());
  });
  const endpoint = await startEndpoint((socket) => void server.emit("connection", socket), {
    host,
  });
  return {
    port: endpoint.port,
    stop: () => endpoint.close(),
    start: () => endpoint.listen(),
  };
}

function buildFastify(files: Files): FastifyInstance {
  const app = fastify({ bodyLimit: Number.MAX_SAFE_INTEGER, forceCloseConnections: true });
  app.addContentTypeParser("*", (_request: unknown, payload: IncomingMessage) => buffer(payload));
  app.put("/*", (request, reply): FastifyReply => {
    files.set(request.url, request.body instanceof Buffer ? request.body : Buffer.alloc(0));
    return reply.code(201).send();
  });
  // It answers HEAD by the same route.
  app.get("/*", (request, reply): FastifyReply => {
    const [status, fields, body] = answerOf(files.get(request.url), request.headers);
    return reply.code(status).headers(fields).send(body);
  });
  return app;
}

async function startFastify(host: string): Promise<FileEndpoint> {
  const files: Files = new Map();
  const port = await freePort(host);
  let app = buildFastify(files);
  await app.listen({ host, port });
  closeAtTestEnd(() => app.close());
  return {
    port,
    stop: () => app.close(),
    start: async () => {
      app = buildFastify(files);
      await app.listen({ host, port });
    },
  };
}

/** How each server is started, and the Debian package and program that it needs. */
export const FILE_ENDPOINTS = {
  nginx: {
    needs: ["nginx-light", "nginx"],
    start: (host) =>
      startProgram("nginx", host, nginxConfig, (folder, config) => [
        ...["-p", folder, "-e", "stderr"],
        ...["-c", config],
      ]),
  },
  apache: {
    needs: ["apache2", "apache2"],
    start: (host) =>
      startProgram("apache2", host, apacheConfig, (folder, config) => [
        ...["-d", folder, "-f", config],
        "-DFOREGROUND",
      ]),
  },
  fastify: { needs: undefined, start: startFastify },
  node: { needs: undefined, start: startNode },
} as const satisfies Readonly<
  Record<
    string,
    {
      readonly needs: readonly [packageName: string, program: string] | undefined;
      readonly start: (host: string) => Promise<FileEndpoint>;
    }
  >
>;
