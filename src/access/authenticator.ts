import { createRemoteJWKSet, customFetch, errors, jwtVerify } from "jose";
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from "jose";
import { MAX_TOKEN_LENGTH, MAX_USERNAME_LENGTH } from "../protocol/limits";
import { ChatError, REFUSALS } from "../protocol/refusals";
import { errorText, type ClientEventLog } from "../observability/logger";
import type { Identity } from "./identity";
import { RoomScope } from "./roomScope";

/** How tokens are signed, and which claims they need. */
export interface AuthSettings {
  /** The secret shared with the issuer (HS256), or the URL of the issuer's public keys (RFC 7517). */
  key: { secret: string } | { jwksUrl: string };
  /** The required `iss`; undefined: any. */
  issuer: string | undefined;
  /** The required `aud`, or a member of it; undefined: any. */
  audience: string | undefined;
  /** The claim with the client's username. */
  usernameClaim: string;
}

export interface AuthenticatorOptions extends AuthSettings {
  /** Names of all rooms. Other names in a token's `rooms` claim are ignored. */
  rooms: readonly string[];
  log: ClientEventLog;
}

// One list per kind of key: a public key must never be used as the secret of an HS256 signature.
const SYMMETRIC = ["HS256"];
const ASYMMETRIC = ["RS", "PS", "ES"].flatMap((family) => ["256", "384", "512"].map((bits) => family + bits));
const EDWARDS = ["EdDSA", "Ed25519"];
const CLOCK_SKEW_SECONDS = 5; // an issuer's clock may be ahead by this
const FETCH_TIMEOUT_MS = 5_000;
const COOLDOWN_MS = 5_000; // between fetches for tokens whose key is not known
const MIN_FETCH_INTERVAL_MS = 1_000; // also between fetches that fail
const REFRESH_AFTER_MS = 10 * 60_000; // a revoked key is accepted for at most this long
const RETRY_AFTER_MS = 30_000; // after a refresh that failed
const MAX_AGE_MS = 24 * 60 * 60_000; // known keys are used this long while they cannot be refreshed
/** Errors of the look-up that the token causes. */
const TOKEN_ERRORS = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

/** Verifies JSON Web Tokens (RFC 7519). */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #findKey: JWTVerifyGetKey;
  readonly #required: JWTVerifyOptions;

  constructor(options: AuthenticatorOptions) {
    const { key, issuer, audience, log } = options;
    this.#options = options;
    const algorithms = "secret" in key ? SYMMETRIC : [...ASYMMETRIC, ...EDWARDS];
    this.#required = { algorithms, issuer, audience, clockTolerance: CLOCK_SKEW_SECONDS };
    if ("secret" in key) {
      const secret = new TextEncoder().encode(key.secret);
      this.#findKey = () => secret;
    } else this.#findKey = remoteKeys(new URL(key.jwksUrl), log);
  }

  /**
   * Returns what a valid token says. Rejects with the ChatError that refuses the client: `Unauthorized` if the token is
   * missing or not valid, `Service is not ready` if the public keys could not be fetched.
   */
  async verify(token: unknown): Promise<Identity> {
    if (typeof token !== "string" || token.length > MAX_TOKEN_LENGTH) throw unauthorized();
    try {
      const { payload } = await jwtVerify(token, this.#findKey, this.#required);
      return this.#identityOf(payload);
    } catch (error) {
      // Every other error is the token's fault: a hostile token can make any step of its parsing throw.
      throw error instanceof ChatError ? error : unauthorized();
    }
  }

  #identityOf(claims: JWTPayload): Identity {
    const { exp = Infinity, iat = -Infinity, rooms, [this.#options.usernameClaim]: username } = claims;
    const now = Date.now() / 1_000;
    // No tolerance for an expired token: its connection would be closed again at once.
    if (exp <= now || iat > now + CLOCK_SKEW_SECONDS) throw unauthorized();
    if (typeof username !== "string" || username === "") throw unauthorized();
    if ([...username].length > MAX_USERNAME_LENGTH) throw unauthorized();
    return { username, rooms: this.#roomsOf(rooms), expiresAt: performance.now() + (exp - now) * 1_000 };
  }

  /** Refuses a malformed claim, which must not count as "every room". */
  #roomsOf(claim: unknown): RoomScope {
    if (claim === undefined) return RoomScope.ALL;
    if (!Array.isArray(claim) || !claim.every((name) => typeof name === "string")) throw unauthorized();
    const named = new Set<unknown>(claim);
    return RoomScope.of(this.#options.rooms.filter((room) => named.has(room)));
  }
}

function unauthorized(): ChatError {
  return new ChatError(REFUSALS.unauthorized);
}

/**
 * Returns a function that finds a token's key among the public keys at `url` (RFC 7517). The keys are fetched with the
 * first token and refreshed every 10 minutes. If a refresh fails, the known keys are used for up to a day, so that an
 * outage of the key server does not lock clients out. Without known keys the function throws `Service is not ready`.
 * However many clients send tokens, the keys are fetched once a second at most.
 */
function remoteKeys(url: URL, log: ClientEventLog): JWTVerifyGetKey {
  let fetchedAt = -Infinity; // monotonic ms
  const keys = createRemoteJWKSet(url, {
    [customFetch]: async (...request) => {
      if (performance.now() - fetchedAt < MIN_FETCH_INTERVAL_MS) throw new Error("fetched less than 1 s ago");
      fetchedAt = performance.now();
      return fetch(...request);
    },
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: MAX_AGE_MS,
  });
  let refreshAt = Infinity; // monotonic ms; Infinity until the first fetch
  const onFetched = () => (refreshAt = performance.now() + REFRESH_AFTER_MS);
  const onNotRefreshed = (error: unknown) =>
    log.error("public keys could not be refreshed", { reason: errorText(error) });
  return async (header, jws) => {
    if (performance.now() >= refreshAt) {
      refreshAt = performance.now() + RETRY_AFTER_MS;
      await keys.reload().then(onFetched, onNotRefreshed);
    }
    try {
      const key = await keys(header, jws);
      if (refreshAt === Infinity) onFetched();
      return key;
    } catch (error) {
      if (TOKEN_ERRORS.some((kind) => error instanceof kind)) throw error;
      log.error("public keys could not be fetched", { reason: errorText(error) });
      throw new ChatError(REFUSALS.notReady);
    }
  };
}
