import { isRecord, listAt, textAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { type ConformanceCase, must, pathOf, send, seen, type TestServer, versionOf } from '../server.ts';
import { configMap } from './objects.ts';

const labels = { suite: 'watch' };
const selector = 'labelSelector=suite%3Dwatch';

/** The events of a watch until there are as many as wanted or the server ends it. Bookmarks count when asked for. */
const collect = async (server: TestServer, query: string, count: number, { accept, plural = 'configmaps' }: { accept?: string; plural?: string } = {}): Promise<unknown[]> => {
  const { lines, close } = await server.api.open(pathOf(server, `${plural}?watch=1&${query}`), accept ? { accept } : {});
  const events: unknown[] = [];
  try {
    for await (const line of lines) {
      events.push(JSON.parse(line));
      if (events.length >= count) break;
    }
  } finally {
    close();
  }
  return events;
};

/** A second may have passed on one server, and not on another. */
const withoutAge = (row: unknown): unknown => (isRecord(row) ? { ...row, cells: listAt(row, 'cells').map((cell) => (/^\d+s$/.test(String(cell)) ? '<age>' : cell)) } : row);

const brief = (event: unknown): unknown => ({ type: textAt(event, 'type'), name: textAt(event, 'object', 'metadata', 'name'), data: valueAt(event, 'object', 'data') });

const make = (server: TestServer, name: string, data: Record<string, string> = { key: 'value' }) => must(send(server, 'POST', 'configmaps', configMap(name, data, { labels })));

const replace = (server: TestServer, name: string, data: Record<string, string>, metadata = { labels }) => must(send(server, 'PUT', `configmaps/${name}`, configMap(name, data, metadata)));

const remove = (server: TestServer, name: string) => must(send(server, 'DELETE', `configmaps/${name}`));

export const watchCases: readonly ConformanceCase[] = [
  {
    title: 'a watch resumes after the version it is given and tells everything since, in order',
    async observe(server) {
      const { metadata } = await must(send(server, 'GET', `configmaps?${selector}`));
      const version = textAt({ metadata }, 'metadata', 'resourceVersion');
      await make(server, 'a');
      const b = await make(server, 'b');
      await replace(server, 'a', { key: 'other' });
      await remove(server, 'b');
      const all = await collect(server, `${selector}&resourceVersion=${version}`, 4);
      const rest = await collect(server, `${selector}&resourceVersion=${versionOf(b)}`, 2);
      const versions = all.map((event) => versionOf(valueAt(event, 'object')));
      return { all, rest: rest.map(brief), isRising: versions.every((found, index) => index === 0 || found > (versions[index - 1] ?? 0)) };
    },
  },
  {
    title: 'a watch without a version begins with what is there',
    async observe(server) {
      await make(server, 'a');
      await make(server, 'b');
      const events = await collect(server, `${selector}&timeoutSeconds=60`, 2);
      const zero = await collect(server, `${selector}&timeoutSeconds=60&resourceVersion=0`, 2);
      return { events: events.map(brief), zero: zero.map(brief) };
    },
  },
  {
    title: 'what ceases to match a selector is told as deleted, and what begins to as added',
    async observe(server) {
      const made = await make(server, 'a');
      await replace(server, 'a', { key: 'hidden' }, { labels: { suite: 'elsewhere' } });
      await replace(server, 'a', { key: 'unseen' }, { labels: { suite: 'elsewhere' } });
      await replace(server, 'a', { key: 'back' });
      await remove(server, 'a');
      const events = await collect(server, `${selector}&resourceVersion=${versionOf(made)}`, 3);
      return events;
    },
  },
  {
    title: 'one object is watched by its name',
    async observe(server) {
      const made = await make(server, 'a');
      await make(server, 'b');
      await replace(server, 'a', { key: 'other' });
      const byField = await collect(server, `fieldSelector=metadata.name%3Da&resourceVersion=${versionOf(made)}`, 1);
      const { lines, close } = await server.api.open(pathOf(server, `configmaps/a?watch=1&resourceVersion=${versionOf(made)}`));
      const byPath: unknown[] = [];
      for await (const line of lines) {
        byPath.push(JSON.parse(line));
        break;
      }
      close();
      return { byField: byField.map(brief), byPath: byPath.map(brief) };
    },
  },
  {
    title: 'a watch ends when its time is over, and a bookmark before that says how far it came',
    async observe(server) {
      const made = await make(server, 'a');
      const version = versionOf(made);
      const silent = await collect(server, `${selector}&resourceVersion=${version}&timeoutSeconds=1`, 9);
      return { silent };
    },
  },
  {
    title: 'initial events are told first, and a bookmark marks their end',
    async observe(server) {
      await make(server, 'a');
      await make(server, 'b');
      const events = await collect(server, `${selector}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`, 3);
      return events.map((event) => (textAt(event, 'type') === 'BOOKMARK' ? event : brief(event)));
    },
  },
  {
    title: 'initial events are refused without what must go with them',
    async observe(server) {
      return {
        withoutMatch: seen(await send(server, 'GET', 'configmaps?watch=1&timeoutSeconds=1&sendInitialEvents=true&allowWatchBookmarks=true')),
        matchAlone: seen(await send(server, 'GET', 'configmaps?watch=1&timeoutSeconds=1&resourceVersionMatch=NotOlderThan')),
        exact: seen(await send(server, 'GET', 'configmaps?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=1')),
        onAList: seen(await send(server, 'GET', 'configmaps?sendInitialEvents=true')),
      };
    },
  },
  {
    title: 'a version that is too old is answered 410 Expired, and ends a watch with it inside',
    needs: 'age',
    async observe(server) {
      const [event] = await collect(server, 'resourceVersion=1', 1);
      const list = seen(await send(server, 'GET', 'configmaps?resourceVersion=1&resourceVersionMatch=Exact'));
      // How far back the server remembers is its own affair.
      return JSON.parse(JSON.stringify({ event, list }).replaceAll(/\(\d+\)/g, '(<version>)'));
    },
  },
  {
    title: 'a version that is no number is refused, as is one from the future after a while',
    async observe(server) {
      const future = 'resourceVersion=900000000000000000';
      const initial = await collect(server, `${future}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`, 1);
      return {
        nonsense: seen(await send(server, 'GET', 'configmaps?watch=1&timeoutSeconds=1&resourceVersion=nonsense')),
        silent: await collect(server, `${future}&timeoutSeconds=1`, 1),
        initial: JSON.parse(JSON.stringify(initial).replaceAll(/current: \d+/g, 'current: <version>')),
      };
    },
  },
  {
    title: 'a watch of rows describes its columns once',
    async observe(server) {
      const made = await make(server, 'a');
      await replace(server, 'a', { key: 'other', more: 'yes' });
      await replace(server, 'a', { key: 'third' });
      const events = await collect(server, `${selector}&resourceVersion=${versionOf(made)}`, 2, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
      return events.map((event) => {
        const definitions = valueAt(event, 'object', 'columnDefinitions');
        return { type: textAt(event, 'type'), kind: textAt(event, 'object', 'kind'), columns: Array.isArray(definitions) ? definitions.map((column) => (isRecord(column) ? column['name'] : column)) : definitions, rows: listAt(event, 'object', 'rows').map(withoutAge) };
      });
    },
  },
  {
    title: 'a deletion that waits is told as a change first, and its end at the version at which it ended',
    async observe(server) {
      const made = await must(send(server, 'POST', 'configmaps', configMap('held', {}, { labels, finalizers: ['example.com/hold'] })));
      await send(server, 'DELETE', 'configmaps/held');
      await must(send(server, 'PATCH', 'configmaps/held', { metadata: { finalizers: null } }, { contentType: 'application/merge-patch+json' }));
      const events = await collect(server, `${selector}&resourceVersion=${versionOf(made)}`, 2);
      const [marked, gone] = events.map((event) => versionOf(valueAt(event, 'object')));
      return { events, isLater: (gone ?? 0) > (marked ?? 0) };
    },
  },
];
