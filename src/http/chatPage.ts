import type { RequestHandler } from "express";
import { fileHandler } from "./staticFile";

const FILES = { "/chat": "index.html", "/chat/chat.css": "chat.css", "/chat/chat.js": "chat.js" };

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
      Object.entries(FILES).map(([path, file]) => [path, fileHandler(`dist/web/${file}`, headers)]),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
}
