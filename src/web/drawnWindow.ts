const SIZE = 120; // entries, several screens
/** Entries by which the window moves. */
export const STEP = 40;

/**
 * The part of a timeline that is in the document: the entries from `start` to `end`, `end` excluded. `length` is always
 * the current length of the timeline.
 */
export class DrawnWindow {
  start = 0;
  end = 0;

  moveToEnd(length: number): void {
    this.start = Math.max(0, length - SIZE);
    this.end = length;
  }

  /** Moves the window by this number of entries (negative: towards older ones), as far as there are entries. */
  shiftBy(entries: number, length: number): void {
    this.start = Math.max(0, Math.min(this.start + entries, length - SIZE));
    this.end = Math.min(length, this.start + SIZE);
  }

  /**
   * Takes in the entries that were added at the end, after `forgotten` ones were removed at the beginning. Old entries
   * leave the window one STEP late, so that most calls change the document at its end only.
   */
  grow(length: number, forgotten: number): void {
    this.end = length;
    this.start = Math.max(0, this.start - forgotten, length - SIZE - STEP);
  }

  /** Entries were removed at the end. */
  clampTo(length: number): void {
    this.end = Math.min(this.end, length);
  }
}
