/* The parts of the DOM that are used here. TypeScript's own DOM types would also apply to the code of the server. */
interface Element {
  scrollTop: number;
  textContent: string | null;
  children: Iterable<Element>;
  firstElementChild: Element | null;
  scrollWidth: number;
  parentElement: Element | null;
  childNodes: Iterable<{ nodeType: number; textContent: string | null }>;
  id: string;
  labels?: { length: number };
  checkVisibility(): boolean;
  getAttribute(name: string): string | null;
  matches(selector: string): boolean;
  getBoundingClientRect(): { top: number; bottom: number; width: number; height: number };
  querySelector(selector: string): Element | null;
}

interface Canvas {
  fillStyle: string;
  clearRect(x: number, y: number, width: number, height: number): void;
  fillRect(x: number, y: number, width: number, height: number): void;
  getImageData(x: number, y: number, width: number, height: number): { data: Iterable<number> };
}

interface PageWindow {
  getComputedStyle(element: Element): { color: string; backgroundColor: string; outlineStyle: string };
  document: {
    createElement(name: "canvas"): { getContext(kind: "2d"): Canvas };
    documentElement: Element;
    querySelector(selector: string): Element;
    querySelectorAll(selector: string): Element[];
  };
  requestAnimationFrame(callback: () => void): void;
}

/*
 * Functions that run in the chat page. Each is sent there as text, so it must not use anything outside itself.
 */

export function documentWidth(): number {
  return (globalThis as unknown as PageWindow).document.documentElement.scrollWidth;
}

/** Returns the contrast of every visible text with its background (WCAG 2.2, 1.4.3). */
export function contrasts(): { text: string; ratio: number }[] {
  const { document, getComputedStyle } = globalThis as unknown as PageWindow;
  const context = document.createElement("canvas").getContext("2d");
  const rgb = (colour: string): number[] => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour: number[]) => {
    const [r = 0, g = 0, b = 0] = colour.slice(0, 3).map((channel) => {
      const share = channel / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element: Element | null): number[] => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const hasText = (element: Element) => [...element.childNodes].some(({ nodeType, textContent }) => nodeType === 3 && textContent?.trim() !== ""); // prettier-ignore
  const seen = [...document.querySelectorAll("body *")].filter(
    (element) =>
      hasText(element) &&
      element.checkVisibility() &&
      !element.matches(":disabled, .visually-hidden, .sending *"),
  );
  return seen.map((element) => {
    const [one, other] = [rgb(getComputedStyle(element).color), behind(element)]
      .map(luminance)
      .sort((a, b) => b - a);
    return { text: element.textContent ?? "", ratio: ((one ?? 0) + 0.05) / ((other ?? 0) + 0.05) };
  });
}

/** Returns the outline style of the focused element; undefined if there is none. */
export function focusOutline(): string | undefined {
  const { document, getComputedStyle } = globalThis as unknown as PageWindow;
  const focused = [...document.querySelectorAll(":focus-visible")].at(-1);
  return focused && getComputedStyle(focused).outlineStyle;
}

/** Returns the ids of visible controls without an accessible name. */
export function unnamedControls(): string[] {
  const { document } = globalThis as unknown as PageWindow;
  const controls = [...document.querySelectorAll("button, a, input, textarea")].filter((one) =>
    one.checkVisibility(),
  );
  const isUnnamed = (one: Element) =>
    one.getAttribute("aria-label") === null &&
    one.textContent?.trim() === "" &&
    (one.labels?.length ?? 0) === 0;
  return controls.filter(isUnnamed).map(({ id }) => id);
}

/** Returns the tap targets that are narrower or lower than 44 px; links within text have other rules. */
export function smallTargets(): string[] {
  const { document } = globalThis as unknown as PageWindow;
  const targets = [...document.querySelectorAll("button, .room-list a, textarea")].filter((target) => target.checkVisibility()); // prettier-ignore
  return targets.flatMap((target) => {
    const { width, height } = target.getBoundingClientRect();
    return width >= 44 && height >= 44 ? [] : [`${target.id} ${String(width)} × ${String(height)}`];
  });
}

/** Scrolls to the top; returns by how many px the first visible message has moved when older ones are drawn above it. */
export async function scrollUpAndWait(): Promise<{ by: number; oldest: string }> {
  const { document, requestAnimationFrame } = globalThis as unknown as PageWindow;
  const scroller = document.querySelector("#scroller");
  const list = document.querySelector("#messages");
  const isAtBeginning = () =>
    document.querySelector("#edge").textContent?.startsWith("This is where") === true;
  scroller.scrollTop = 0;
  const { top } = scroller.getBoundingClientRect();
  const texts = () => [...list.children].map((entry) => entry.querySelector(".text") as Element);
  const anchor = texts().find((text) => text.getBoundingClientRect().bottom > top)?.textContent;
  const position = () =>
    texts()
      .find((text) => text.textContent === anchor)
      ?.getBoundingClientRect().top ?? NaN;
  const before = position();
  const first = list.firstElementChild;
  while (list.firstElementChild === first && !isAtBeginning())
    await new Promise<void>((resolve) => requestAnimationFrame(resolve));
  const hasMoved = list.firstElementChild !== first;
  const by = hasMoved ? position() - before : 0;
  return { by, oldest: list.querySelector(".text")?.textContent ?? "" };
}

/**
 * Scrolls up to the beginning. Returns the largest number of entries in the document, and of entries that were drawn
 * between two frames.
 */
export async function scrollToTheBeginning(): Promise<{ mostInDocument: number; mostDrawn: number }> {
  const { document, requestAnimationFrame } = globalThis as unknown as PageWindow;
  const scroller = document.querySelector("#scroller");
  let entries = document.querySelectorAll(".entry");
  let mostInDocument = entries.length;
  let mostDrawn = 0;
  while (document.querySelector("#edge").textContent?.startsWith("This is where") !== true) {
    scroller.scrollTop -= 700;
    await new Promise<void>((resolve) => requestAnimationFrame(resolve));
    const before = new Set(entries);
    entries = document.querySelectorAll(".entry");
    mostInDocument = Math.max(mostInDocument, entries.length);
    mostDrawn = Math.max(mostDrawn, [...entries].filter((entry) => !before.has(entry)).length);
  }
  return { mostInDocument, mostDrawn };
}
