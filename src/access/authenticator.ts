import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from "jose";
import { MAX_TOKEN_LENGTH, MAX_USERNAME_LENGTH } from "../protocol/limits";
import { ChatError, REFUSALS } from "../protocol/refusals";
import type { ClientEventLog } from "../observability/logger";
import type { Identity } from "./identity";
import { remoteKeys } from "./remoteKeys";
import { RoomScope } from "./roomScope";

/** How tokens are signed, and what must stand in them. */
export interface AuthSettings {
  /** A secret shared with whoever issues the tokens, or where their public keys are. */
  key: { secret: string } | { jwksUrl: string };
  /** What `iss` must be; undefined: anything. */
  issuer: string | undefined;
  /** What `aud` must be or list; undefined: anything. */
  audience: string | undefined;
  /** The claim that says who the client is. */
  usernameClaim: string;
}

export interface AuthenticatorOptions extends AuthSettings {
  /** Names of all rooms; others in a token's `rooms` claim mean nothing. */
  rooms: readonly string[];
  log: ClientEventLog;
}

// By the kind of key: a public key must never serve as the secret of an HS256 signature.
const SYMMETRIC = ["HS256"];
const ASYMMETRIC = ["RS", "PS", "ES"].flatMap((family) => ["256", "384", "512"].map((bits) => family + bits));
const EDWARDS = ["EdDSA", "Ed25519"];

const CLOCK_SKEW = 5; // seconds that an issuer's clock may be ahead

/** What looking for a token's key throws because of the token. */
const IS_THE_TOKENS = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

/** Verifies JSON Web Tokens (RFC 7519). */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #findKey: JWTVerifyGetKey;
  readonly #algorithms: string[];

  constructor(options: AuthenticatorOptions) {
    const { key } = options;
    this.#options = options;
    if ("secret" in key) {
      const secret = new TextEncoder().encode(key.secret);
      this.#findKey = () => secret;
      this.#algorithms = SYMMETRIC;
    } else {
      this.#findKey = remoteKeys(new URL(key.jwksUrl), options.log);
      this.#algorithms = [...ASYMMETRIC, ...EDWARDS];
    }
  }

  /**
   * Rejects with the ChatError that refuses the client: `Unauthorized` for what is no good token, `Service is not
   * ready` when the public keys cannot be had, so that nobody knows.
   */
  async verify(token: unknown): Promise<Identity> {
    if (typeof token !== "string" || token.length > MAX_TOKEN_LENGTH) throw unauthorized();
    return this.#identityOf(await this.#claimsOf(token));
  }

  async #claimsOf(token: string): Promise<JWTPayload> {
    const { issuer, audience } = this.#options;
    try {
      const { payload } = await jwtVerify(token, (header, jws) => this.#keyFor(header, jws), {
        algorithms: this.#algorithms,
        clockTolerance: CLOCK_SKEW,
        ...(issuer !== undefined && { issuer }),
        ...(audience !== undefined && { audience }),
      });
      return payload;
    } catch (error) {
      // All else that goes wrong is the token's fault: a hostile one may fail anywhere in the reading of it.
      throw error instanceof ChatError ? error : unauthorized();
    }
  }

  /** The one place where a failure may be ours: the keys' server is down, or what it serves are no keys. */
  async #keyFor(...wanted: Parameters<JWTVerifyGetKey>): Promise<Awaited<ReturnType<JWTVerifyGetKey>>> {
    try {
      return await this.#findKey(...wanted);
    } catch (err) {
      if (IS_THE_TOKENS.some((kind) => err instanceof kind)) throw err;
      this.#options.log.error("public keys cannot be had", { err });
      throw new ChatError(REFUSALS.notReady);
    }
  }

  #identityOf(claims: JWTPayload): Identity {
    const { exp = Infinity, iat = -Infinity, rooms } = claims;
    const now = Date.now() / 1_000;
    // An expired token gets no grace: its connection would be closed again at once.
    if (exp <= now || iat > now + CLOCK_SKEW) throw unauthorized();
    const username = claims[this.#options.usernameClaim];
    if (typeof username !== "string" || username === "" || [...username].length > MAX_USERNAME_LENGTH)
      throw unauthorized();
    return { username, rooms: this.#roomsOf(rooms), expiresAt: exp * 1_000 };
  }

  /** A claim that cannot be read must not open every room. */
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
