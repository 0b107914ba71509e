import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { StoreError } from "../messageLog";

const CHECK_TIMEOUT_MS = 30_000;

/**
 * Throws a StoreError when the LMDB environment at the path is damaged or incomplete. Reads it, in about 0.2 s, only
 * when its file has changed since `markIntact`, so mostly after a crash. Another process reads, because LMDB maps the
 * file into memory and trusts it: a damaged page ends in a segmentation fault, a missing last page in a bus error.
 */
export function checkIntegrity(path: string): void {
  const mark = markFile(path);
  if (!existsSync(dataFile(path))) return;
  if (existsSync(mark) && readFileSync(mark, "utf8") === fingerprint(path)) return;
  const extension = extname(__filename); // of the compiled file, or of TypeScript during development
  const loader = extension === ".ts" ? ["-r", require.resolve("ts-node/register/transpile-only")] : [];
  const args = [...loader, join(__dirname, `readEveryRecord${extension}`), path];
  const options = { timeout: CHECK_TIMEOUT_MS, stdio: "ignore" } as const;
  const { status, error } = spawnSync(process.execPath, args, options);
  if (error !== undefined) throw new StoreError(`the file cannot be checked: ${error.message}`);
  if (status !== 0) throw new StoreError("the file is damaged; restore it, or remove it to start empty");
  rmSync(mark, { force: true });
}

/** Remembers the file as it is now. Call it after an orderly stop. */
export function markIntact(path: string): void {
  writeFileSync(markFile(path), fingerprint(path));
}

function fingerprint(path: string): string {
  const { size, mtimeMs } = statSync(dataFile(path));
  return `${String(size)} ${String(mtimeMs)}`;
}

const dataFile = (path: string) => join(path, "data.mdb");
const markFile = (path: string) => join(path, "intact");
