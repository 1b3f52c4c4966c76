/** Texts of users in searches. Whatever they typed, the search must not fail. */

/** The LIKE pattern for values that contain a text. */
export function containsPattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, "\\$&")}%`;
}

/** A pair of quotes without a word between them. */
const emptyPhrase = /"[^"\p{L}\p{N}]*"/gu;

/** A hyphen that starts no word and no phrase. */
const looseHyphen = /-(?=[^\p{L}\p{N}"]|$)/gu;

/**
 * Removes the operators of `websearch_to_tsquery` that have no operand. Postgres stacks them, and fails with more than 32 on its
 * stack (`tsquery stack too small`).
 */
export function webSearchText(text: string): string {
  return text
    .replace(emptyPhrase, " ")
    .replace(looseHyphen, " ")
    .replace(/-+"(?=[^"]*$)/, " ");
}
