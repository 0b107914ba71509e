import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from "jose";
import { afterThisTest } from "./disposal";

export const JWT_SECRET = "a secret of more than thirty-two bytes";

/** Seconds since the epoch, `inMs` from now; tokens take fractions of them. */
export function seconds(inMs = 0): number {
  return (Date.now() + inMs) / 1_000;
}

/** A token of ana's, changed by `claims`; undefined ones are left out. */
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

/** Header and claims as they stand in a token, with whatever signature. */
export function unsigned(header: object, claims: object, signature = ""): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  return `${encode(header)}.${encode(claims)}.${signature}`;
}

/** A real server of public keys. */
export class KeyServer {
  readonly url: string;
  /** What it serves; undefined: 500. */
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

  /** Serves another key; returns what signs for it. */
  async add(alg: string, kid: string): Promise<CryptoKey> {
    const { publicKey, privateKey } = await generateKeyPair(alg);
    this.keys = [...(this.keys ?? []), { ...(await exportJWK(publicKey)), alg, kid, use: "sig" }];
    return privateKey;
  }
}
