/** A piece of text that the sandbox counts as one token; pieces joined give the text back. */
export const toTokens = (text: string): string[] =>
  // Words with their leading space in pieces of up to five letters, other characters one by one, surrogates together.
  text.match(/\s?[\p{L}\p{N}]{1,5}|\s+(?=\s)|\s?[^\s\p{L}\p{N}]|\s/gu) ?? [];

/** A chat as a client sends it, after validation; `content` is its text alone. */
export interface ChatMessage {
  role: string;
  content: string;
}

/** The template adds a role and two markers to each message, and opens the answer. */
export const countPromptTokens = (messages: readonly ChatMessage[]): number =>
  messages.reduce((total, { content }) => total + toTokens(content).length + 3, 1);
