import { loadConfig, REMOVED_VARIABLES } from "../../src/config";

/** Names that loadConfig reads from its environment, without those that it only refuses. */
export function variablesRead(): string[] {
  const names = new Set<string>();
  const read = (_target: object, name: string) => void names.add(name);
  loadConfig(new Proxy({}, { get: read }));
  return [...names].filter((name) => !(name in REMOVED_VARIABLES));
}
