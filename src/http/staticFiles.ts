import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import type { RequestHandler } from "express";

/** The documents that `npm run schemas` generates, by their names under `/schemas/`. */
export const SCHEMA_FILES = ["payloads.json", "asyncapi.json", "openapi.json"] as const;
const PAGE_FILES = { "/chat": "index.html", "/chat/chat.css": "chat.css", "/chat/chat.js": "chat.js" };

/** The page needs only its own files. Whatever else a hostile message tries to load or run is blocked. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src https: data:", // avatars, and the page's own icon
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

/** Returns the routes of the chat page, path → handler; none if the page has not been built. */
export function chatPageRoutes(): Map<string, RequestHandler> {
  const headers = { "Content-Security-Policy": CONTENT_SECURITY_POLICY };
  try {
    return new Map(
      Object.entries(PAGE_FILES).map(([path, file]) => [path, fileHandler(`dist/web/${file}`, headers)]),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
}

/** Serves a file of the package. Reads it at once, so that a missing file throws before the server starts. */
export function fileHandler(path: string, headers: Record<string, string> = {}): RequestHandler {
  const content = readFileSync(join(__dirname, "../..", path)); // src/ and dist/ are equally deep
  // With Express's ETag a repeated request costs a 304, and a new version is seen at once.
  const allHeaders = { "Cache-Control": "no-cache", ...headers };
  return (_req, res) => void res.set(allHeaders).type(extname(path)).send(content);
}
