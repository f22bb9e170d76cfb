import type { FastifyInstance, FastifyRequest } from "fastify";

/**
 * Lets requests begin one after the other, with a turn of the event loop between two, so that many large replies at a time do not
 * keep the process from everything else. Requests for which `isUrgent` returns true begin at once.
 */
export function takeTurns(
  app: FastifyInstance,
  isUrgent: (request: FastifyRequest) => boolean,
): void {
  const waiting: (() => void)[] = [];
  const beginNext = (): void => {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(beginNext);
  };
  app.addHook("preHandler", (request, _reply, done) => {
    if (isUrgent(request)) {
      done();
      return;
    }
    waiting.push(done);
    if (waiting.length === 1) setImmediate(beginNext);
  });
}
