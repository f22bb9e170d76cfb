import { isServerName } from "../addresses/endpoint-text.ts";
import type { Problem } from "../failure.ts";
import { problemOf, quoted } from "../problem.ts";
import { statusRangesOf, type Health, type HealthOf } from "./health.ts";

/** Checks the rules of a health check that its schema cannot express. `path` is that of the listener. */
export function checkHealth(path: string, health: Health | undefined): readonly Problem[] {
  if (health?.type === "http") return checkHttp(`${path}.health`, health);
  if (health?.type === "tls") {
    return checkName(`${path}.health.serverName`, health.serverName);
  }
  return [];
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
  const [, port = ""] = /:(\d+)$/.exec(host ?? "") ?? [];
  if (Number(port) > 65_535) {
    const message = `${quoted(host)} has a port above 65535.`;
    problems.push(problemOf("bad-value", `${place}.host`, message));
  }
  return problems;
}

function checkName(place: string, serverName: string | undefined): readonly Problem[] {
  if (serverName === undefined || isServerName(serverName)) return [];
  const message = `${quoted(serverName)} is not a name that a certificate can have.`;
  return [problemOf("bad-server-name", place, message)];
}
