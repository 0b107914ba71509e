import { createRemoteJWKSet, type JWTVerifyGetKey } from "jose";
import type { ClientEventLog } from "../observability/logger";

const TIMEOUT = 5_000; // ms
const COOLDOWN = 5_000; // ms before keys are fetched again for a token whose key is not among them
const REFRESH_AFTER = 10 * 60_000; // ms: as long does a key that was taken back still count
const RETRY_AFTER = 30_000; // ms after keys could not be refreshed
const USABLE_FOR = 24 * 60 * 60_000; // ms that known keys are used while their server is away

/**
 * Finds a token's key among the public keys at `url` (RFC 7517). They are refreshed as they age; when that fails, those
 * that are known go on serving for a day, so that an outage of their server shuts nobody out.
 */
export function remoteKeys(url: URL, log: ClientEventLog): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: TIMEOUT,
    cooldownDuration: COOLDOWN,
    cacheMaxAge: USABLE_FOR,
  });
  let refreshAt = Infinity; // by the monotonic clock, ms; the first time they are fetched for a token
  const refresh = async () => {
    refreshAt = performance.now() + RETRY_AFTER;
    try {
      await keys.reload();
      refreshAt = performance.now() + REFRESH_AFTER;
    } catch (err) {
      log.error("public keys could not be refreshed", { err });
    }
  };
  return async (header, jws) => {
    if (performance.now() >= refreshAt) await refresh();
    const key = await keys(header, jws);
    if (refreshAt === Infinity) refreshAt = performance.now() + REFRESH_AFTER;
    return key;
  };
}
