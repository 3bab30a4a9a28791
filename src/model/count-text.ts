/** Numbers with their nouns, for people. */

/** Formats a count with its noun in the singular or plural: `1 prefix`, `1,024 peers`. @param noun in the singular. */
export function countText(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : pluralOf(noun)}`;
}

function pluralOf(noun: string): string {
  if (/(s|x|ch|sh)$/.test(noun)) return `${noun}es`;
  return /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}
