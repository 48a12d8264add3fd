/** Our scripts end with what they could not do: why stands before it. */
const scriptEnd = /^(\S+ cannot be (?:downloaded|pulled|pushed))\.$/;

/** What a container's log ends with, and why, where one of our scripts wrote it. */
export const lastLine = (text: string): string | undefined => {
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const last = lines.at(-1);
  const [, summary] = scriptEnd.exec(last ?? '') ?? [];
  const cause = summary === undefined ? undefined : lines.slice(0, -1).findLast((line) => !/^(Downloading|Trying again|The push failed)/.test(line));
  return cause === undefined ? last : `${summary}: ${cause}`;
};
