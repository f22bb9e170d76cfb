/** Rules about the options of mode http that its schema cannot express. */
import type { Problem } from "../failure.ts";
import { problemOf } from "../problem.ts";
import { ageSecondsOf } from "../units.ts";
import { checkPortOfHost } from "./check-health.ts";
import type { Hsts } from "./http-options.ts";
import { checkCidrs, checkUnique, type ListenerContext } from "./mode-rules.ts";
import type { HttpListener } from "./modes/http.ts";
import { checkResponseFields } from "./response-fields.ts";

/** The lists that browsers ship with take no host below it (hstspreload.org). */
const MIN_PRELOAD_SECONDS = 31_536_000;

export const checkHttpOptions = (context: ListenerContext<HttpListener>): readonly Problem[] => {
  const { path, listener } = context;
  return [
    ...checkAlpn(context),
    ...checkCidrs(`${path}.trustedProxies`, listener.trustedProxies),
    ...checkPortOfHost(`${path}.host`, listener.host),
    ...checkUnique(`${path}.protocols`, listener.protocols),
    ...checkUnique(`${path}.clientFacts`, listener.clientFacts),
    ...checkHsts(context),
    ...checkResponseFields(`${path}.responseFields`, listener.responseFields),
    ...checkUses(context),
  ];
};

/** The mode speaks only the protocols that it implements, so it answers ALPN itself. */
function checkAlpn({
  document,
  path,
  listener: { policy },
}: ListenerContext<HttpListener>): readonly Problem[] {
  const own = Object.hasOwn(document.policies, policy) ? document.policies[policy] : undefined;
  if (own === undefined || own.alpn.length === 0) return [];
  const message = `Policy ${policy} sets alpn, but a listener of mode http offers its own protocols.`;
  return [problemOf("forbidden-key", `${path}.policy`, message, "Use a policy without `alpn`.")];
}

function checkHsts({
  path,
  listener: { hsts, responseFields },
}: ListenerContext<HttpListener>): readonly Problem[] {
  if (hsts === undefined) return [];
  const name = "strict-transport-security";
  const { set, remove } = responseFields;
  const isSet = [...Object.keys(set), ...remove].some((other) => other.toLowerCase() === name);
  return [
    ...(isSet
      ? [
          problemOf(
            "forbidden-key",
            `${path}.hsts`,
            "`responseFields` sets or removes Strict-Transport-Security too.",
            "Remove one of the two.",
          ),
        ]
      : []),
    ...checkPreload(`${path}.hsts.preload`, hsts),
  ];
}

function checkPreload(place: string, hsts: Hsts): readonly Problem[] {
  const { maxAge, includeSubDomains, preload } = hsts;
  if (!preload || (includeSubDomains && ageSecondsOf(maxAge) >= MIN_PRELOAD_SECONDS)) return [];
  const message =
    "Browsers put a host into their lists only with `includeSubDomains` and a `maxAge` of at least 365d.";
  return [problemOf("not-used", place, message)];
}

/** Warns of settings without effect. */
function checkUses({ path, listener }: ListenerContext<HttpListener>): readonly Problem[] {
  const { pool, accessLog, accessLogFormat, accessLogQuery, proxyProtocol } = listener;
  const problems: Problem[] = [];
  const warn = (key: string, message: string, hint: string): void =>
    void problems.push(problemOf("not-used", `${path}.${key}`, message, hint));
  if (accessLog === "off") {
    const hint = "Set `accessLog: full` or `accessLog: sampled`, or remove it.";
    const message = "It has no effect without `accessLog`.";
    if (accessLogFormat !== "json") warn("accessLogFormat", message, hint);
    if (accessLogQuery) warn("accessLogQuery", message, hint);
  }
  if (pool.reuse === "always" && proxyProtocol !== "none") {
    const message =
      "With `proxyProtocol`, a connection to an endpoint serves only one client connection.";
    warn("pool.reuse", message, "Remove one of the two.");
  }
  return problems;
}
