/** As much of the DOM as is used here; its own types would be there for the server's code too. */
interface Element {
  scrollTop: number;
  textContent: string | null;
  children: Iterable<Element>;
  firstElementChild: Element | null;
  scrollWidth: number;
  getBoundingClientRect(): { top: number; bottom: number };
  querySelector(selector: string): Element | null;
}

interface PageWindow {
  document: {
    documentElement: Element;
    querySelector(selector: string): Element;
    querySelectorAll(selector: string): Element[];
  };
  requestAnimationFrame(callback: () => void): void;
}

/*
 * Functions that run in the chat page. Each stands alone: it goes there as text.
 */

export function documentWidth(): number {
  return (globalThis as unknown as PageWindow).document.documentElement.scrollWidth;
}

/** Scrolls to the top, and says how far what was there has moved once more is drawn. */
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

/** Scrolls up without end, and says how much was in the document at most, and how long frames took, ms. */
export async function scrollToTheBeginning(): Promise<{ most: number; frames: number[] }> {
  const { document, requestAnimationFrame } = globalThis as unknown as PageWindow;
  const scroller = document.querySelector("#scroller");
  const frames: number[] = [];
  let most = 0;
  let last = performance.now();
  while (document.querySelector("#edge").textContent?.startsWith("This is where") !== true) {
    scroller.scrollTop -= 700;
    await new Promise<void>((resolve) => requestAnimationFrame(resolve));
    frames.push(performance.now() - last);
    last = performance.now();
    most = Math.max(most, document.querySelectorAll(".entry").length);
  }
  return { most, frames };
}
