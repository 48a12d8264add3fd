import type { ContainerCommand } from './program.ts';

/**
 * The words that a container runs, whether it was given in exec form or as `/bin/sh -c "<line>"`. Quotes are honoured,
 * expansion is not: KAITO's commands have none.
 */
export const commandWords = ({ command, args }: ContainerCommand): string[] => {
  const words = [...command, ...args];
  const shell = words.findIndex((word) => /^-[a-z]*c$/.test(word));
  const isShell = /(?:^|\/)(?:ba|da)?sh$/.test(words[0] ?? '');
  return isShell && shell > 0 ? splitWords(words[shell + 1] ?? '') : words;
};

export const splitWords = (line: string): string[] => {
  const words: string[] = [];
  let word: string | undefined;
  for (const [, single, double, escaped, space, plain] of line.matchAll(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|(\s+)|([^\s'"\\]+)/gs)) {
    if (space !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + (single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? escaped ?? plain ?? '');
    }
  }
  if (word !== undefined) words.push(word);
  return words;
};

/** The script's own arguments: what follows its path, up to the end of that shell command. */
export const scriptArguments = (words: readonly string[], script: string): string[] => {
  const start = words.indexOf(script) + 1;
  const end = words.findIndex((word, index) => index >= start && /^(?:;|&&?|\|\|?|fi;?)$/.test(word));
  // A line may also end its last argument with the semicolon: `…=8; else …`.
  return words.slice(start, end < 0 ? undefined : end).map((word) => word.replace(/;$/, ''));
};
