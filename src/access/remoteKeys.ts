import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from "jose";
import type { ClientEventLog } from "../observability/logger";
import { ChatError, REFUSALS } from "../protocol/refusals";

const FETCH_TIMEOUT_MS = 5_000;
const COOLDOWN_MS = 5_000; // between fetches for tokens whose key is not known
const REFRESH_AFTER_MS = 10 * 60_000; // a revoked key is accepted for at most this long
const RETRY_AFTER_MS = 30_000; // after a refresh that failed
const MAX_AGE_MS = 24 * 60 * 60_000; // known keys are used this long while they cannot be refreshed

/** Errors that the token causes. */
const TOKEN_ERRORS = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

/**
 * Returns a function that finds a token's key among the public keys at `url` (RFC 7517). The keys are fetched with the
 * first token and refreshed every 10 minutes. If a refresh fails, the known keys are used for up to a day, so that an
 * outage of the key server does not lock clients out. Without known keys the function throws `Service is not ready`.
 */
export function remoteKeys(url: URL, log: ClientEventLog): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: MAX_AGE_MS,
  });
  let refreshAt = Infinity; // monotonic ms; Infinity until the first fetch
  const refresh = async () => {
    refreshAt = performance.now() + RETRY_AFTER_MS;
    try {
      await keys.reload();
      refreshAt = performance.now() + REFRESH_AFTER_MS;
    } catch (err) {
      log.error("public keys could not be refreshed", { err });
    }
  };
  return async (header, jws) => {
    if (performance.now() >= refreshAt) await refresh();
    try {
      const key = await keys(header, jws);
      if (refreshAt === Infinity) refreshAt = performance.now() + REFRESH_AFTER_MS;
      return key;
    } catch (err) {
      if (TOKEN_ERRORS.some((kind) => err instanceof kind)) throw err;
      log.error("public keys could not be fetched", { err });
      throw new ChatError(REFUSALS.notReady);
    }
  };
}
