/**
 * Text that came from a cluster or a model must not steer the terminal: no colours, no cursor moves, no window titles, no
 * clipboard writes. Escape sequences go as a whole, then every C0 and C1 control except newline and tab.
 */
export const sanitise = (text: string): string => {
  // Nearly every text is harmless, and a table has thousands of them.
  if (!controls.test(text) && text.isWellFormed()) return text;
  const sanitiser = createSanitiser();
  return sanitiser.push(text) + sanitiser.end();
};

export interface Sanitiser {
  push(text: string): string;
  /** What was held back and is harmless after all. */
  end(): string;
}

/**
 * The same over a stream. `util.stripVTControlCharacters` sees one string at a time, so half a sequence at the end of one
 * chunk and half at the start of the next would both pass it; this remembers where it is.
 */
export const createSanitiser = (): Sanitiser => {
  let state: State = 'text';
  /** The inside of an OSC, DCS, APC, PM or SOS string, in case it never ends and was text after all. */
  let held = '';
  let pendingSurrogate = '';

  const push = (text: string): string => {
    const input = pendingSurrogate + text;
    // A pair split over two chunks would be written as two replacement characters.
    const isSplit = /[\uD800-\uDBFF]$/.test(input);
    pendingSurrogate = isSplit ? input.slice(-1) : '';
    const whole = isSplit ? input.slice(0, -1) : input;
    if (state === 'text' && !controls.test(whole)) return whole;

    let output = '';
    for (const character of whole) {
      // A sequence that breaks off gives its last character back to be looked at as text.
      for (let isUsed = false; !isUsed; ) {
        const step = next[state](character, character.codePointAt(0) ?? 0);
        if (step.keep === 'hold') held += character;
        if (step.keep === 'emit') output += character;
        if (step.keep === 'release') output += held;
        if (step.state !== state && state === 'string') held = '';
        state = step.state;
        isUsed = step.keep !== 'again' && step.keep !== 'release';
      }
      if (state === 'string' && held.length > longestString) {
        output += held;
        held = '';
        state = 'text';
      }
    }
    return output;
  };

  const end = (): string => {
    const rest = held + pendingSurrogate;
    state = 'text';
    held = '';
    pendingSurrogate = '';
    return rest.toWellFormed();
  };

  return { push, end };
};

/** `stringEscape`: an ESC inside a string, which `\` turns into its end. */
type State = 'text' | 'escape' | 'csi' | 'string' | 'stringEscape';

/** Longer than any title or link; beyond it the opening was a stray byte and the rest is text. */
const longestString = 2048;

const controls = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/;

interface Step {
  state: State;
  /** `again` looks at the same character in the new state; `release` gives out what was held and then does so. */
  keep: 'emit' | 'drop' | 'hold' | 'release' | 'again';
}

/** ECMA-48 section 5.4 for the control sequences, xterm's ctlseqs for BEL as the end of a string. */
const next: Record<State, (character: string, code: number) => Step> = {
  text: (character, code) => {
    if (code === 0x1b) return { state: 'escape', keep: 'drop' };
    if (code === 0x9b) return { state: 'csi', keep: 'drop' };
    if (stringOpeners8Bit.has(code)) return { state: 'string', keep: 'drop' };
    return { state: 'text', keep: controls.test(character) ? 'drop' : 'emit' };
  },
  escape: (character, code) => {
    if (character === '[') return { state: 'csi', keep: 'drop' };
    if (stringOpeners7Bit.has(character)) return { state: 'string', keep: 'drop' };
    if (code >= 0x20 && code <= 0x2f) return { state: 'escape', keep: 'drop' };
    return code >= 0x30 && code <= 0x7e ? { state: 'text', keep: 'drop' } : { state: 'text', keep: 'again' };
  },
  csi: (_character, code) => {
    if (code >= 0x20 && code <= 0x3f) return { state: 'csi', keep: 'drop' };
    return code >= 0x40 && code <= 0x7e ? { state: 'text', keep: 'drop' } : { state: 'text', keep: 'again' };
  },
  string: (character, code) => {
    if (code === 0x07 || code === 0x9c) return { state: 'text', keep: 'drop' };
    if (code === 0x1b) return { state: 'stringEscape', keep: 'drop' };
    // No title or link spans lines: this string was never closed, and its content is text.
    if (character === '\n') return { state: 'text', keep: 'release' };
    return { state: 'string', keep: controls.test(character) ? 'drop' : 'hold' };
  },
  stringEscape: (character) => (character === '\\' ? { state: 'text', keep: 'drop' } : { state: 'escape', keep: 'again' }),
};

const stringOpeners7Bit = new Set([']', 'P', 'X', '^', '_']);
const stringOpeners8Bit = new Set([0x90, 0x98, 0x9d, 0x9e, 0x9f]);
