import { describe, expect, it } from 'vitest';
import { createChannel } from '../../src/flow/channel.ts';
import { follow } from '../support/following.ts';
import { settled } from '../support/manual-clock.ts';

describe('a channel', () => {
  it('tells in order what was pushed before and after reading began', async () => {
    const channel = createChannel<number>();
    channel.push(1);
    channel.push(2);
    const reading = follow(channel);
    await settled();
    channel.push(3);
    await settled();
    expect(reading.items).toEqual([1, 2, 3]);
    channel.close();
    await reading.result;
  });

  it('tells what was pushed before it was closed, and then ends', async () => {
    const channel = createChannel<string>();
    channel.push('last');
    channel.close();
    expect(await Array.fromAsync(channel)).toEqual(['last']);
  });

  it('ends for a reader who is waiting when it is closed', async () => {
    const channel = createChannel<string>();
    const reading = follow(channel);
    await settled();
    channel.close();
    await reading.result;
    expect(reading.items).toEqual([]);
  });
});
