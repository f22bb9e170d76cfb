import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { fillDefaults } from "#model/document/conform.ts";
import { DirectorError } from "#model/failure.ts";
import { LOG_LEVELS } from "#model/log-level.ts";
import { oneOf, shape, text, type ShapeOf } from "#model/shape.ts";
import { DURATION_PATTERN, durationMsOf } from "#model/units.ts";
import type { LogLevel } from "#control/telemetry/log-level.ts";
import { JSON_TYPE } from "./parse-body.ts";
import { bodyOf, parseWith, route } from "./route.ts";

const MAX_TIME = "24h";

const LogLevelRequest = Type.Object(
  {
    level: oneOf(LOG_LEVELS, "The level from now on."),
    for: Type.String({
      pattern: DURATION_PATTERN,
      default: "10m",
      description: `How long. Then the level of the start returns. At most ${MAX_TIME}.`,
    }),
  },
  { additionalProperties: false, description: "A level for a time." },
);

const LogLevelReplySchema = shape(
  {
    level: oneOf(LOG_LEVELS, "The level in force."),
    usual: oneOf(LOG_LEVELS, "The level of the start."),
    until: Type.Optional(
      text("When the level of the start returns, ISO 8601. Absent if it is in force."),
    ),
  },
  "The level of the log.",
);
export type LogLevelReply = ShapeOf<typeof LogLevelReplySchema>;

const replyOf = ({ level, usual, untilMs }: LogLevel): LogLevelReply => ({
  level,
  usual,
  ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }),
});

/** The route of the log level, which reverts by itself. */
export function addLogLevelRoute(app: FastifyInstance, logLevel: LogLevel): void {
  app.get(
    "/v1/log-level",
    route({
      operationId: "getLogLevel",
      tags: ["log"],
      summary: "Read the level of the log",
      reply: LogLevelReplySchema,
    }),
    () => replyOf(logLevel),
  );
  const put = route({
    operationId: "setLogLevel",
    tags: ["log"],
    summary: "Set the level of the log for a time, after which it reverts by itself",
    body: { schema: LogLevelRequest, type: JSON_TYPE, example: { level: "debug", for: "5m" } },
    reply: LogLevelReplySchema,
  });
  app.put("/v1/log-level", put, (request) => {
    const given = bodyOf(request, JSON_TYPE);
    const body = parseWith(LogLevelRequest, fillDefaults(LogLevelRequest, given));
    const forMs = durationMsOf(body.for);
    if (forMs < 1 || forMs > durationMsOf(MAX_TIME)) {
      throw new DirectorError("bad-request", `\`for\` is at least 1ms and at most ${MAX_TIME}.`);
    }
    logLevel.set(body.level, forMs);
    return replyOf(logLevel);
  });
}
