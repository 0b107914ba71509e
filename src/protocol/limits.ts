/*
 * The limits of the protocol. Lengths count Unicode code points. The JSDoc of payloads.ts and events.ts repeats some
 * of them, because the schemas are generated from it; a test compares the two.
 */

export const MAX_USERNAME_LENGTH = 64;
export const MAX_MESSAGE_LENGTH = 4_000;
export const MAX_UUID_LENGTH = 64;
export const MAX_AVATAR_LENGTH = 2_048;
export const MAX_ROOM_FIELD_LENGTH = 64; // of a room's label and of its name
export const MAX_OFFSET_LENGTH = 64;
export const MAX_TOKEN_LENGTH = 8_192;
export const MAX_MISSED_MESSAGES = 1_000; // of one room, which a client may have missed and still resume
export const MAX_PAGE_LIMIT = 200; // messages in one page of history
export const DEFAULT_PAGE_LIMIT = 50;
export const MAX_PAGE_BYTES = 512 * 1024; // of the messages in one page of history, which then has fewer than `limit`
export const IDEMPOTENCY_KEY_TTL_MS = 10 * 60_000; // how long a key is remembered at least
export const MAX_ERROR_LINES = 10; // in the `errors` of a refusal
