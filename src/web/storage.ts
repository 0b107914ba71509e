const PREFIX = "chat."; // the origin is the service's, and other pages may live there

/** What the browser did not take: storage is denied, or full. */
const memory = new Map<string, string>();

/**
 * What the browser keeps for this person: their name, drafts, what has not been sent, what has been read. Reading
 * gives `fallback` for what is not of its kind; where storage is denied or full, all goes on until the window closes.
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

/** For the time that this window is open. */
export function session(key: string): string | undefined {
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
    // It is asked for again.
  }
}

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** Texts by room. */
export function isTexts(value: unknown): value is Record<string, string> {
  return typeof value === "object" && value !== null && Object.values(value).every(isText);
}
