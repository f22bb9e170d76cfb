import { isServerName } from "../addresses/endpoint-text.ts";
import type { Problem } from "../failure.ts";
import { problemOf, quoted } from "../problem.ts";
import { durationMsOf } from "../units.ts";
import { statusRangesOf, type Health, type HealthOf } from "./health.ts";

/** Checks the rules of a health check that its schema cannot express. `path` is that of the listener. */
export function checkHealth(path: string, health: Health | undefined): readonly Problem[] {
  if (health === undefined) return [];
  const place = `${path}.health`;
  const schedule = checkSchedule(place, health);
  if (health.type === "http") return [...schedule, ...checkHttp(place, health)];
  if (health.type === "tls") {
    return [...schedule, ...checkName(`${place}.serverName`, health.serverName)];
  }
  return schedule;
}

/** A check that lasts until its timeout delays the next. */
function checkSchedule(place: string, { interval, timeout, fall }: Health): readonly Problem[] {
  if (durationMsOf(timeout) <= durationMsOf(interval)) return [];
  const message = `A check may take ${timeout}, but one should start every ${interval}, so it can take ${fall} x ${timeout} to find an endpoint down that does not answer.`;
  return [problemOf("timeout-above-interval", place, message)];
}

function checkHttp(
  place: string,
  { method, host, status, body }: HealthOf<"http">,
): readonly Problem[] {
  const problems: Problem[] = [];
  if (method === "HEAD" && body !== undefined) {
    const message = "The answer to HEAD has no body.";
    problems.push(problemOf("forbidden-key", `${place}.body`, message, "Use method GET."));
  }
  if (statusRangesOf(status).some(([first, last]) => first > last)) {
    const message = `${quoted(status)} has a range that ends before it begins.`;
    problems.push(problemOf("bad-value", `${place}.status`, message, "Write it as 200-399."));
  }
  return [...problems, ...checkPortOfHost(`${place}.host`, host)];
}

/** Checks the port at the end of a value that has the form of a Host header. */
export function checkPortOfHost(path: string, host = ""): readonly Problem[] {
  const [, port = ""] = /:(\d+)$/.exec(host) ?? [];
  if (Number(port) <= 65_535) return [];
  return [problemOf("bad-value", path, `${quoted(host)} has a port above 65535.`)];
}

function checkName(place: string, serverName: string | undefined): readonly Problem[] {
  if (serverName === undefined || isServerName(serverName)) return [];
  const message = `${quoted(serverName)} is not a name that a certificate can have.`;
  return [problemOf("bad-server-name", place, message)];
}
