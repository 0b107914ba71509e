import { join } from "node:path";
import { open } from "lmdb";

/** Whether the embedded log in this directory was closed in order. Without that, a start on another machine loses offsets. */
export async function isLogClean(directory: string): Promise<boolean> {
  const root = open({ path: join(directory, "log"), maxDbs: 3, readOnly: true });
  const states = root.openDB<string, string>({ name: "state", encoding: "string" });
  const { isClean } = JSON.parse(states.get("state") ?? "{}") as { isClean?: boolean };
  await root.close();
  return isClean === true;
}
