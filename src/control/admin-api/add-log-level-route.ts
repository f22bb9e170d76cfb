import type { FastifyInstance } from "fastify";
import Type, { type Static } from "typebox";
import { FailureSchema } from "#model/failure-schema.ts";
import { DirectorError } from "#model/failure.ts";
import { oneOf, shape, text, type ShapeOf } from "#model/shape.ts";
import { DURATION_PATTERN, durationMsOf } from "#model/units.ts";
import type { LogLevel } from "#control/telemetry/log-level.ts";
import { LOG_LEVELS } from "#control/telemetry/log.ts";

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
export type LogLevelRequest = Static<typeof LogLevelRequest>;

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
  const response = { 200: LogLevelReplySchema, "4xx": FailureSchema, "5xx": FailureSchema };
  const tags = ["log"];
  const getSchema = {
    operationId: "getLogLevel",
    summary: "The level of the log.",
    tags,
    response,
  };
  const putSchema = {
    operationId: "setLogLevel",
    summary: "Sets the level of the log for a time, after which it reverts by itself.",
    ...{ tags, body: LogLevelRequest, response },
  };
  app.get("/v1/log-level", { schema: getSchema }, () => replyOf(logLevel));
  app.put<{ Body: LogLevelRequest }>("/v1/log-level", { schema: putSchema }, ({ body }) => {
    const forMs = durationMsOf(body.for);
    if (forMs < 1 || forMs > durationMsOf(MAX_TIME)) {
      throw new DirectorError("bad-request", `\`for\` is at least 1ms and at most ${MAX_TIME}.`);
    }
    logLevel.set(body.level, forMs);
    return replyOf(logLevel);
  });
}
