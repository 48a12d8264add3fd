/** One word of a POSIX shell, whatever is in it. */
const quoteShellWord = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`);

export const toCommandLine = (words: readonly string[]): string => words.map(quoteShellWord).join(' ');
