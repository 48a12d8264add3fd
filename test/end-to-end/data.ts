/** A dataset of conversations, as JSON lines. */
export const trainingRows = (count: number): string =>
  Array.from({ length: count }, (_, index) => `${JSON.stringify({ messages: [{ role: 'user', content: `Question ${index}?` }, { role: 'assistant', content: `Answer ${index}.` }] })}\n`).join('');
