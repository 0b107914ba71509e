/*
 * The limits of the protocol. Lengths count Unicode code points. The JSDoc of payloads.ts and events.ts repeats some
 * of them, because the schemas are generated from it; a test compares the two.
 */

export const MAX_USERNAME_LENGTH = 64;
export const MAX_MESSAGE_LENGTH = 4_000;
export const MAX_UUID_LENGTH = 64;
export const MAX_AVATAR_LENGTH = 2_048;
/** Of a room's label and of its name. */
export const MAX_ROOM_FIELD_LENGTH = 64;
export const MAX_OFFSET_LENGTH = 64;
export const MAX_TOKEN_LENGTH = 8_192;
/** Messages of one room that a client may have missed and still resume. */
export const MAX_MISSED_MESSAGES = 1_000;
/** Messages in one page of history. */
export const MAX_PAGE_LIMIT = 200;
export const DEFAULT_PAGE_LIMIT = 50;
/** How long an idempotency key is remembered at least. */
export const IDEMPOTENCY_KEY_TTL_MS = 10 * 60_000;
/** Lines in the `errors` of a refusal. */
export const MAX_ERROR_LINES = 10;
