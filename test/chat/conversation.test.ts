import { describe, expect, it } from 'vitest';
import { addTurn, clear, forgetOldest, parseConversation, renderConversation, setParameter, setSystem, startConversation, toMessages, undo, type Conversation } from '../../src/chat/conversation.ts';

const withTurns = (count: number, given: Partial<Conversation> = {}): Conversation => ({
  ...startConversation(),
  turns: Array.from({ length: count }, (_, index) => ({ prompt: `q${index + 1}`, answer: `a${index + 1}`, finishReason: 'stop' })),
  ...given,
});

const said = (conversation: Conversation): string[] => toMessages(conversation, 'now').map(({ role, content }) => `${role}: ${content}`);

describe('a conversation', () => {
  it('sends the system prompt, what was said, and the question', () => {
    expect(said(withTurns(1, { system: 'Be brief.' }))).toEqual(['system: Be brief.', 'user: q1', 'assistant: a1', 'user: now']);
  });

  it('sends no earlier turn without memory', () => {
    expect(said(withTurns(2, { hasMemory: false }))).toEqual(['user: now']);
  });

  it('does not send what it forgot, but keeps it', () => {
    const conversation = withTurns(2, { forgottenTurnCount: 1 });
    expect(said(conversation)).toEqual(['user: q2', 'assistant: a2', 'user: now']);
    expect(conversation.turns).toHaveLength(2);
  });

  it('forgets a quarter at a time until nothing is left to forget', () => {
    const counts: number[] = [];
    for (let next: Conversation | undefined = withTurns(8); next; next = forgetOldest(next)) counts.push(next.forgottenTurnCount);
    expect(counts).toEqual([0, 2, 4, 5, 6, 7, 8]);
    expect(forgetOldest(withTurns(3, { hasMemory: false }))).toBeUndefined();
  });

  it('takes the last turn back, and stays itself when there is none', () => {
    const { conversation, undone } = undo(withTurns(2, { forgottenTurnCount: 2 }));
    expect(undone?.prompt).toBe('q2');
    expect(conversation).toMatchObject({ turns: [{ prompt: 'q1' }], forgottenTurnCount: 1 });
    expect(undo(startConversation())).toEqual({ conversation: startConversation(), undone: undefined });
  });

  it('keeps its settings when it is cleared', () => {
    const conversation = setParameter(setSystem(withTurns(2), 'Be brief.'), 'temperature', 0.5);
    expect(clear(conversation)).toMatchObject({ system: 'Be brief.', parameters: { temperature: 0.5 }, turns: [] });
  });

  it('takes a parameter away again', () => {
    expect(setParameter(setParameter(startConversation(), 'seed', 7), 'seed', undefined).parameters).toEqual({});
  });

  it('does not change the value that it was made from', () => {
    const before = Object.freeze(startConversation());
    addTurn(before, { prompt: 'q', answer: 'a', finishReason: 'stop' });
    expect(before.turns).toEqual([]);
  });
});

describe('a saved conversation', () => {
  it('reads back as it was', () => {
    const conversation = withTurns(3, { system: 'Say "ja".\n', forgottenTurnCount: 1, parameters: { temperature: 0.2, stop: ['x'] } });
    expect(parseConversation(renderConversation(conversation), 'a.json')).toEqual(conversation);
  });

  it.each([
    ['not json', 'it is not a JSON object'],
    ['[]', 'it is not a JSON object'],
    ['{}', 'its version is undefined, and 1 was expected'],
    ['{"version":2}', 'its version is 2, and 1 was expected'],
    ['{"version":1,"turns":[{"prompt":1}]}', '"turns" is not a list of { prompt, answer, finishReason }'],
    ['{"version":1,"system":1}', '"system" is not a text'],
    ['{"version":1,"hasMemory":1}', '"hasMemory" is not true or false'],
    ['{"version":1,"forgottenTurnCount":5}', '"forgottenTurnCount" is not a number of turns'],
    ['{"version":1,"parameters":{"nope":1}}', '"parameters" has a name or a value that does not exist'],
  ])('refuses %s', (text, fact) => {
    expect(() => parseConversation(text, 'a.json')).toThrow(expect.objectContaining({ message: 'a.json is not a saved conversation.', fact, exitCode: 2 }));
  });
});
