import { once } from 'node:events';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type JsonRecord, textAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { configMap, startTestApi, type TestApi, type TestApiOptions } from './support.ts';

let api: TestApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

const configMaps = '/api/v1/namespaces/default/configmaps';

const start = async (options?: TestApiOptions): Promise<TestApi> => {
  api = await startTestApi(options);
  return api;
};

const labelled = (name: string, label: string) => ({ ...configMap(name), metadata: { name, namespace: 'default', labels: { group: label } } });

const take = async (lines: AsyncIterator<JsonRecord>, count: number): Promise<string[]> => {
  const seen: string[] = [];
  while (seen.length < count) {
    const { value, done } = await lines.next();
    if (done) break;
    seen.push(`${textAt(value, 'type')} ${textAt(value, 'object', 'metadata', 'name') ?? textAt(value, 'object', 'reason')}`);
  }
  return seen;
};

describe('watching', () => {
  it('without a version tells first what exists, then what changes', async () => {
    const { store, open } = await start();
    store.create('configmaps', configMap('a'));
    const { lines, close } = await open(`${configMaps}?watch=true`);
    expect(await take(lines, 1)).toEqual(['ADDED a']);
    store.create('configmaps', configMap('b'));
    store.update('configmaps', 'default', 'a', (object) => Object.assign(object, { data: {} }));
    store.delete('configmaps', 'default', 'b');
    store.create('secrets', configMap('of-another-kind'));
    store.create('configmaps', { ...configMap('elsewhere'), metadata: { name: 'elsewhere', namespace: 'other' } });
    store.create('configmaps', configMap('c'));
    expect(await take(lines, 4)).toEqual(['ADDED b', 'MODIFIED a', 'DELETED b', 'ADDED c']);
    close();
  });

  it('from a version loses nothing that happened since', async () => {
    const { store, open, send } = await start();
    store.create('configmaps', configMap('a'));
    const version = textAt((await send('GET', configMaps)).body, 'metadata', 'resourceVersion');
    store.create('configmaps', configMap('b'));
    store.delete('configmaps', 'default', 'a');
    const { lines, close } = await open(`${configMaps}?watch=true&resourceVersion=${version}`);
    store.create('configmaps', configMap('c'));
    expect(await take(lines, 3)).toEqual(['ADDED b', 'DELETED a', 'ADDED c']);
    close();
  });

  it('with a selector tells objects that begin and cease to match as coming and going', async () => {
    const { store, open } = await start();
    store.create('configmaps', labelled('a', 'x'));
    store.create('configmaps', labelled('b', 'y'));
    const { lines, close } = await open(`${configMaps}?watch=true&labelSelector=group%3Dx`);
    expect(await take(lines, 1)).toEqual(['ADDED a']);
    const relabel = (name: string, group: string) => store.update('configmaps', 'default', name, ({ metadata }) => Object.assign(metadata, { labels: { group } }));
    relabel('b', 'x');
    relabel('a', 'y');
    store.delete('configmaps', 'default', 'a');
    store.delete('configmaps', 'default', 'b');
    const { value } = { value: await take(lines, 3) };
    expect(value).toEqual(['ADDED b', 'DELETED a', 'DELETED b']);
    close();
  });

  it('tells once a minute how far it came, to who asks for that', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { store, open } = await start();
    const asking = await open(`${configMaps}?watch=true&resourceVersion=0&allowWatchBookmarks=true`);
    const other = await open(`${configMaps}?watch=true&resourceVersion=0`);
    for (const name of ['a', 'b']) {
      store.create('secrets', configMap(name));
      await vi.advanceTimersByTimeAsync(60_000);
      const { value } = await asking.lines.next();
      expect(value).toEqual({ type: 'BOOKMARK', object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion: store.resourceVersion } } });
    }
    store.create('configmaps', configMap('c'));
    expect(await take(other.lines, 1)).toEqual(['ADDED c']);
    asking.close();
    other.close();
  });

  it('ends after timeoutSeconds, with a bookmark of how far it came', async () => {
    const { store, open } = await start();
    const { lines } = await open(`${configMaps}?watch=true&timeoutSeconds=1&allowWatchBookmarks=true`);
    store.create('secrets', configMap('unseen'));
    const { value } = await lines.next();
    expect(value).toMatchObject({ type: 'BOOKMARK', object: { kind: 'ConfigMap', metadata: { resourceVersion: store.resourceVersion } } });
    expect((await lines.next()).done).toBe(true);
  });

  it('marks the end of what exists when the client asks for a list in the stream', async () => {
    const { store, open } = await start();
    store.create('configmaps', configMap('a'));
    const query = 'watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
    const { lines, close } = await open(`${configMaps}?${query}`);
    expect(await take(lines, 1)).toEqual(['ADDED a']);
    const { value } = await lines.next();
    expect(valueAt(value, 'object', 'metadata', 'annotations')).toEqual({ 'k8s.io/initial-events-end': 'true' });
    close();
  });

  it('says 410 inside of the stream when its version is forgotten', async () => {
    const { store, open } = await start({ historyLength: 2 });
    for (const name of ['a', 'b', 'c', 'd']) store.create('configmaps', configMap(name));
    const { response, lines } = await open(`${configMaps}?watch=true&resourceVersion=1`);
    expect(response.statusCode).toBe(200);
    const { value } = await lines.next();
    expect(value).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: expect.stringMatching(/^too old resource version: 1 \(\d+\)$/) } });
    expect((await lines.next()).done).toBe(true);
  });

  it('shows tables of one row, of which only the first describes the columns', async () => {
    const { store, open } = await start();
    const { lines, close } = await open(`${configMaps}?watch=true`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    store.create('configmaps', configMap('a'));
    store.create('configmaps', configMap('b'));
    const [first, second] = [(await lines.next()).value, (await lines.next()).value];
    expect(first).toMatchObject({ object: { kind: 'Table', rows: [{ cells: ['a', 1, expect.any(String)] }], columnDefinitions: [{ name: 'Name' }, { name: 'Data' }, { name: 'Age' }] } });
    expect(valueAt(second, 'object', 'columnDefinitions')).toBeNull();
    close();
  });

  it('stops listening when the client goes', async () => {
    const { store, open } = await start();
    const { subscribe } = store;
    let listenerCount = 0;
    store.subscribe = (listener) => {
      listenerCount += 1;
      const stop = subscribe(listener);
      return () => {
        listenerCount -= 1;
        stop();
      };
    };
    const { close } = await open(`${configMaps}?watch=true`);
    expect(listenerCount).toBe(1);
    close();
    await vi.waitFor(() => expect(listenerCount).toBe(0), 60_000);
  });
});

describe('scripted faults', () => {
  it('watch-gone ends each watch with 410 after a few events', async () => {
    const { store, open } = await start({ faults: ['watch-gone'] });
    for (const name of ['a', 'b', 'c', 'd']) store.create('configmaps', configMap(name));
    const { lines } = await open(`${configMaps}?watch=true`);
    expect(await take(lines, 9)).toEqual(['ADDED a', 'ADDED b', 'ADDED c', 'ERROR Expired']);
  });

  it('watch-cut breaks the connection after a few events', async () => {
    const { store, open } = await start({ faults: ['watch-cut'] });
    const { response } = await open(`${configMaps}?watch=true`);
    const closed = once(response, 'error');
    for (const name of ['a', 'b', 'c']) store.create('configmaps', configMap(name));
    expect(await closed).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(response.complete).toBe(false);
  });

  it('api-down answers 503 to everything', async () => {
    const { send } = await start({ faults: ['api-down'] });
    expect((await send('GET', configMaps)).body).toMatchObject({ kind: 'Status', code: 503, reason: 'ServiceUnavailable' });
    expect((await send('GET', '/readyz')).code).toBe(503);
  });
});
