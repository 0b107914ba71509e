import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RequestHandler } from "express";

// src/ and dist/ are equally deep. The page is always the built one.
const BUILT = join(__dirname, "../../dist/web");

/** The files of the page and their paths. */
const FILES = [
  { path: "/chat", file: "index.html", type: "html" },
  { path: "/chat/chat.css", file: "chat.css", type: "css" },
  { path: "/chat/chat.js", file: "chat.js", type: "js" },
];

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

export interface PageRoute {
  path: string;
  handler: RequestHandler;
}

/** Returns the routes of the chat page; none if the page has not been built. */
export function chatPageRoutes(): PageRoute[] {
  try {
    return FILES.map(({ path, file, type }) => {
      const content = readFileSync(join(BUILT, file));
      const handler: RequestHandler = (_req, res) => {
        res.set("Content-Security-Policy", CONTENT_SECURITY_POLICY);
        res.set("Cache-Control", "no-cache"); // an unchanged file costs a 304
        res.type(type).send(content);
      };
      return { path, handler };
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
