const PREFIX = "chat."; // other pages of this origin may use the same storage

/** Values that the browser did not store, because storage is denied or full. */
const memory = new Map<string, string>();

/**
 * Reads a value that the browser keeps for this user; returns `fallback` if there is none or it is not valid. Where
 * storage is denied or full, values last until the window closes.
 */
export function load<T>(key: string, isValid: (value: unknown) => value is T, fallback: T): T {
  try {
    const value: unknown = JSON.parse(read(PREFIX + key) ?? "null");
    return isValid(value) ? value : fallback;
  } catch {
    return fallback;
  }
}

export function save(key: string, value: unknown): void {
  const text = JSON.stringify(value);
  try {
    localStorage.setItem(PREFIX + key, text);
    memory.delete(PREFIX + key);
  } catch {
    memory.set(PREFIX + key, text);
  }
}

function read(key: string): string | null {
  return memory.get(key) ?? localStorage.getItem(key);
}

/** Reads a text that is kept while this window is open. */
export function loadForSession(key: string): string | undefined {
  try {
    return sessionStorage.getItem(PREFIX + key) ?? undefined;
  } catch {
    return undefined;
  }
}

export function saveForSession(key: string, value: string): void {
  try {
    sessionStorage.setItem(PREFIX + key, value);
  } catch {
    // The user is asked for it again.
  }
}

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** A map of texts, e.g. by room. */
export function isTextMap(value: unknown): value is Record<string, string> {
  return typeof value === "object" && value !== null && Object.values(value).every(isText);
}
