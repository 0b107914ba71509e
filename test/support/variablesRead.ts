import { loadConfig } from "../../src/config";

/** Names that loadConfig asks its environment for. */
export function variablesRead(): string[] {
  const names = new Set<string>();
  const read = (_target: object, name: string) => void names.add(name);
  loadConfig(new Proxy({}, { get: read }));
  return [...names];
}
