import { describe, expect, it } from 'vitest';
import { parseDocuments } from '../../src/validation/documents.ts';
import { readWorkspaceFiles, type Readers } from '../../src/validation/files.ts';

const workspace = (name: string): string => `apiVersion: kaito.sh/v1beta1\nkind: Workspace\nmetadata:\n  name: ${name}\n`;

describe('a stream of documents', () => {
  it('is read in order, without counting empty ones', () => {
    const documents = parseDocuments('a.yaml', `# only a remark\n---\n${workspace('a')}---\n---\n${workspace('b')}`);
    expect(documents.map(({ index, content }) => [index, content?.['metadata']])).toEqual([
      [0, { name: 'a' }],
      [1, { name: 'b' }],
    ]);
  });

  it.each([
    ['an unclosed list', 'a: [1\n', 'syntax', 7],
    ['a tab', 'a:\n\tb: 1\n', 'syntax', 7],
    ['a key twice', 'a: 1\na: 2\n', 'key-twice', 7],
    ['a list', '- a\n', 'not-a-map', 6],
    ['a text', 'hello\n', 'not-a-map', 6],
    ['no kind', 'apiVersion: v1\n', 'kind-missing', 6],
    ['an alias to nothing', 'a: *b\n', 'syntax', 6],
  ])('is not hidden by %s in it, which is a result of its own', (_, text, code, line) => {
    const documents = parseDocuments('a.yaml', `${workspace('a')}---\n${text}---\n${workspace('b')}`);
    expect(documents.map(({ content }) => content?.['kind'])).toEqual(['Workspace', undefined, 'Workspace']);
    expect(documents[1]?.broken).toMatchObject([{ code, severity: 'error' }]);
    expect(documents[1]?.broken[0]?.line).toBeGreaterThanOrEqual(line);
    expect(documents[1]?.broken[0]?.line).toBeLessThanOrEqual(line + 2);
  });

  it('tells each key that is there twice, in maps of any depth, but for merges', () => {
    const [document] = parseDocuments('a.yaml', `a: &a {x: 1}\nb: &b {y: 1}\nc:\n  <<: *a\n  <<: *b\n  d: [{e: 1, "e": 2}]\n  z: 1\n  z: 2\n`);
    expect(document?.broken.map(({ code, line, column }) => [code, line, column])).toEqual([
      ['key-twice', 6, 14],
      ['key-twice', 8, 3],
    ]);
  });

  it('may have as many keys as a ConfigMap can hold', () => {
    const keys = Array.from({ length: 30_000 }, (_, index) => `  k${index}: ""\n`).join('');
    const [document] = parseDocuments('a.yaml', `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n${keys}`);
    expect(document?.broken).toEqual([]);
  }, 4000);

  it('is read where files with marks of byte order were put together', () => {
    const documents = parseDocuments('a.yaml', `\uFEFF${workspace('a')}---\n\uFEFF${workspace('b')}---\n\n---\n`);
    expect(documents.map(({ content, broken }) => [content?.['kind'], broken.length])).toEqual([['Workspace', 0], ['Workspace', 0]]);
  });

  it('refuses values that grow without bound', () => {
    const levels = Array.from({ length: 9 }, (_, index) => `l${index + 1}: &l${index + 1} [${Array.from({ length: 9 }, () => `*l${index}`).join(', ')}]`);
    const [document] = parseDocuments('a.yaml', `l0: &l0 [x]\n${levels.join('\n')}\n`);
    expect(document?.broken).toMatchObject([{ code: 'syntax' }]);
  });

  it('may be JSON, and may be a List', () => {
    const documents = parseDocuments('a.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'v1', kind: 'Node' }, 5, { apiVersion: 'kaito.sh/v1beta1', kind: 'Workspace' }] }, undefined, 2));
    expect(documents.map(({ content, broken }) => content?.['kind'] ?? broken[0]?.code)).toEqual(['Node', 'not-a-map', 'Workspace']);
    expect(documents[2]?.locate(['kind'])).toEqual({ line: 12, column: 15 });
  });

  it('is YAML 1.1, as Go reads it', () => {
    const [document] = parseDocuments('a.yaml', 'apiVersion: v1\nkind: A\na: yes\nb: 2024-01-01\nc: .\nd: 1:30\ne: 010\n');
    expect(document?.content).toMatchObject({ a: true, b: '2024-01-01', c: '.', d: '1:30', e: 8 });
  });
});

describe('the place of a value', () => {
  const [, document] = parseDocuments('a.yaml', `${workspace('a')}---\n${workspace('b')}resource:\n  count: 2\n  labelSelector: &selector\n    matchLabels: {a: b}\ntuning:\n  input:\n    urls:\n      - one\n      - two\n`);

  it.each<[string, (string | number)[], number, number]>([
    ['a value', ['resource', 'count'], 11, 10],
    ['the key of a map', ['resource', 'labelSelector'], 12, 3],
    ['an item of a list', ['tuning', 'input', 'urls', 1], 18, 9],
    ['the nearest thing around what is missing', ['tuning', 'output', 'image'], 14, 1],
    ['the document, when nothing is near', ['inference'], 6, 1],
  ])('is that of %s', (_, path, line, column) => {
    expect(document?.locate(path)).toEqual({ line, column });
  });
});

describe('2,000 documents', () => {
  it('are one pass, in linear time', () => {
    const time = (count: number): number => {
      const text = Array.from({ length: count }, (_, index) => workspace(`w-${index}`)).join('---\n');
      // Of the processor, and of this thread alone: others take the rest of the wall's.
      const before = process.threadCpuUsage();
      expect(parseDocuments('a.yaml', text)).toHaveLength(count);
      const { user, system } = process.threadCpuUsage(before);
      return (user + system) / 1000;
    };
    time(500);
    const [few, many] = [time(1000), time(8000)];
    expect(time(2000)).toBeLessThan(2000);
    // Quadratic time would be 64 times.
    expect(many).toBeLessThan(few * 24 + 200);
  });
});

describe('files', () => {
  const missing = (): never => {
    throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
  };
  const contents: Readonly<Record<string, string>> = { 'd/b.yml': workspace('b'), 'd/a/z.yaml': workspace('z'), 'd/c.json': '{"apiVersion":"v1","kind":"Node"}', 'd/readme.md': 'x' };
  const readers: Readers = {
    readFile: async (path) => contents[path] ?? missing(),
    listFiles: async (path) => (path === 'd' ? Object.keys(contents) : path === 'empty' ? [] : path in contents ? undefined : missing()),
    readStdin: async () => workspace('piped'),
  };

  it('are those of a directory, sorted, whatever their depth', async () => {
    const documents = await readWorkspaceFiles(['d', '-'], readers);
    expect(documents.map(({ source, index }) => [source, index])).toEqual([
      ['d/a/z.yaml', 0],
      ['d/b.yml', 0],
      ['d/c.json', 0],
      ['-', 0],
    ]);
  });

  it('are read once, however often they are named', async () => {
    expect(await readWorkspaceFiles(['d/b.yml', 'd/b.yml', '-', '-'], readers)).toHaveLength(2);
  });

  it('are named when they are not there', async () => {
    await expect(readWorkspaceFiles(['nope.yaml'], readers)).rejects.toThrow('There is no file nope.yaml.');
    await expect(readWorkspaceFiles(['empty'], readers)).rejects.toThrow('has no .yaml');
  });
});
