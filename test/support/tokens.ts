import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from "jose";
import { afterThisTest } from "./disposal";

export const JWT_SECRET = "a secret of more than thirty-two bytes";

/** The time `inMs` from now, in seconds since 1970; tokens accept fractions. */
export function seconds(inMs = 0): number {
  return (Date.now() + inMs) / 1_000;
}

/** A signed token of the user ana; `claims` replace or add claims, and undefined removes one. */
export async function signed(
  claims: JWTPayload = {},
  {
    key = secretKey(),
    alg = "HS256",
    kid,
  }: { key?: CryptoKey | Uint8Array; alg?: string; kid?: string } = {},
): Promise<string> {
  const payload = { sub: "ana", exp: seconds(60_000), ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg, ...(kid !== undefined && { kid }) }).sign(key);
}

export function secretKey(secret = JWT_SECRET): Uint8Array {
  return new TextEncoder().encode(secret);
}

/** A token of this header and these claims, with the given text as signature. */
export function unsigned(header: object, claims: object, signature = ""): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  return `${encode(header)}.${encode(claims)}.${signature}`;
}

/** An HTTP server of public keys (a JWKS URL). Stopped after the test. */
export class KeyServer {
  readonly url: string;
  /** The keys that it serves; undefined: it answers 500. */
  keys: JWK[] | undefined = [];
  requests = 0;

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${String(port)}/jwks.json`;
  }

  static async start(): Promise<KeyServer> {
    const server = createServer((_req, res) => {
      keyServer.requests += 1;
      if (keyServer.keys === undefined) res.writeHead(500).end();
      else res.setHeader("Content-Type", "application/json").end(JSON.stringify({ keys: keyServer.keys }));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const keyServer = new KeyServer((server.address() as AddressInfo).port);
    afterThisTest(() => {
      server.closeAllConnections();
      server.close();
    });
    return keyServer;
  }

  /** Creates a key and serves its public half; returns the private half. */
  async add(alg: string, kid: string): Promise<CryptoKey> {
    const { publicKey, privateKey } = await generateKeyPair(alg);
    this.keys = [...(this.keys ?? []), { ...(await exportJWK(publicKey)), alg, kid, use: "sig" }];
    return privateKey;
  }
}
