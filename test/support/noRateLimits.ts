/** Settings that turn every rate limit off. */
export const NO_RATE_LIMITS = {
  MESSAGES_PER_SECOND: "0",
  PRESENCE_PER_SECOND: "0",
  TYPING_PER_SECOND: "0",
  HISTORY_PER_SECOND: "0",
};
