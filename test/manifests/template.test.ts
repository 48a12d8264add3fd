import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { UsageError } from '../../src/domain/errors.ts';
import { toJson, type Json } from '../../src/manifests/json.ts';
import { toCommandLine } from '../../src/manifests/shell.ts';
import { resolveTemplate, type Values } from '../../src/manifests/template.ts';

const resolve = (content: Json, values: Values): Json => resolveTemplate({ file: 'test.yaml', content }, values);

describe('resolveTemplate', () => {
  const values: Values = { workspace: { name: 'phi', count: 3, isSpot: false }, list: { items: [1, { a: 'b' }], none: [] }, map: { labels: { x: 'y' } }, absent: { part: undefined } };

  it.each<[string, Json, Json]>([
    ['a text', { name: '${workspace.name}' }, { name: 'phi' }],
    ['a number, which stays one', { replicas: '${workspace.count}' }, { replicas: 3 }],
    ['false, which stays it', { spot: '${workspace.isSpot}' }, { spot: false }],
    ['a map', { labels: '${map.labels}' }, { labels: { x: 'y' } }],
    ['a list', { args: '${list.items}' }, { args: [1, { a: 'b' }] }],
    ['the entries of a map, where it is merged, after what is written out', { x: 'own', '<<': '${map.labels}', z: 1 }, { x: 'own', z: 1 }],
    ['the entries of a map, where it is merged', { '<<': '${map.labels}', z: 1 }, { x: 'y', z: 1 }],
    ['the items of a list, in a list', ['first', '${list.items}', 'last'], ['first', 1, { a: 'b' }, 'last']],
    ['no items, in a list', ['first', '${list.none}'], ['first']],
    ['nothing, which takes its key away', { kept: 1, gone: '${absent.part}' }, { kept: 1 }],
    ['nothing, which takes its list item away', ['kept', '${absent.part}'], ['kept']],
    ['a text and a number inside a text', 'a-${workspace.name}-${workspace.count}', 'a-phi-3'],
    ['nothing where it is escaped', '$${workspace.name} and $$ and $HOME', '${workspace.name} and $$ and $HOME'],
    ['nothing in a key', { '${workspace.name}': 1 }, { '${workspace.name}': 1 }],
    ['nothing in what is no text', [1, true, null], [1, true, null]],
  ])('puts in %s', (_, content, resolved) => {
    expect(resolve(content, values)).toEqual(resolved);
  });

  it('does not read what it has put in', () => {
    expect(resolve({ a: '${x.y}' }, { x: { y: '${x.z}', z: 'secret' } })).toEqual({ a: '${x.z}' });
  });

  it('shares no part with the values', () => {
    const labels = { x: 'y' };
    const resolved = resolve({ one: '${map.labels}', two: '${map.labels}' }, { map: { labels } });
    if (typeof resolved !== 'object' || resolved === null || Array.isArray(resolved)) throw new Error('It is a map.');
    expect(resolved['one']).not.toBe(labels);
    expect(resolved['one']).not.toBe(resolved['two']);
  });

  it.each([
    ['an unknown placeholder', { spec: { items: [{ name: '${workspace.nam}' }] } }, 'spec.items[0].name: ${workspace.nam} is no placeholder.', 'Did you mean ${workspace.name}?'],
    ['a shell variable', { run: 'echo ${HOME}' }, 'run: ${HOME} is no placeholder.', 'A ${ that is meant, as in a shell script, is written $${.'],
    ['what every object inherits', { a: '${workspace.constructor}' }, 'a: ${workspace.constructor} is no placeholder.', 'A ${ that is meant, as in a shell script, is written $${.'],
  ])('names the file and the place of %s', (_, content, fact, hint) => {
    expect(() => resolve(content, values)).toThrow(
      expect.objectContaining({ constructor: UsageError, message: 'Template test.yaml cannot be filled in.', fact, hints: expect.arrayContaining([hint]) }),
    );
  });

  it('merges nothing but maps', () => {
    expect(() => resolve({ a: { '<<': '${list.items}' } }, values)).toThrow(expect.objectContaining({ fact: 'a.<<: Only a map can be merged into one.' }));
  });

  it('refuses a map, and nothing, inside a longer text', () => {
    expect(() => resolve({ a: 'x-${map.labels}' }, values)).toThrow(expect.objectContaining({ fact: 'a: ${map.labels} stands for more than a text here, and can only be a whole value.' }));
    expect(() => resolve({ a: 'x-${absent.part}' }, values)).toThrow(expect.objectContaining({ fact: expect.stringContaining('stands for nothing') }));
  });
});

describe('values', () => {
  const hostile = ['', ' ', '\n', '- a', 'a: b', '"', "'", '#', '${workspace.name}', '$${', '$(id)', '`id`', ';', '}', '{', '[', '&a', '*a', '!!js', '---', '\u0000', '\u2028', 'null', 'yes', '0x1', '1e3', '\t', '\\', 'é', '😀', '<<: {}', '__proto__'];
  const random = createRandom(20_261_124);
  const texts = [...hostile, ...Array.from({ length: 400 }, () => Array.from({ length: 1 + Math.floor(random() * 6) }, () => hostile[Math.floor(random() * hostile.length)] ?? '').join(''))];
  const template = { file: 'test.yaml', content: toJson(parse('metadata:\n  name: ${workspace.name}\nspec:\n  args: ["--name=${workspace.name}", "${workspace.name}"]\n  env:\n    - name: A\n      value: x ${workspace.name} y\n')) };

  it('cannot change the structure, whatever is in them', () => {
    for (const name of texts) {
      const expected = { metadata: { name }, spec: { args: [`--name=${name}`, name], env: [{ name: 'A', value: `x ${name} y` }] } };
      const resolved = resolveTemplate(template, { workspace: { name } });
      expect(resolved).toEqual(expected);
      expect(parse(stringify(resolved))).toEqual(expected);
    }
  });

  it('are one word each to a shell, whatever is in them', () => {
    for (const text of texts) expect(splitShellWords(toCommandLine(['run', text, 'end']))).toEqual(['run', text, 'end']);
  });

  it('are left as they are where a shell needs no quotes', () => {
    expect(toCommandLine(['python3', '/a/b.py', '--model=x/Y-1.0', '--kv={"a":true}'])).toBe(`python3 /a/b.py --model=x/Y-1.0 '--kv={"a":true}'`);
  });
});

/** Mulberry32: the same numbers on every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** POSIX quoting, as far as single quotes and backslashes go; what would be expanded outside of them is an error. */
function splitShellWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [, quoted, escaped, space, plain] of line.matchAll(/'([^']*)'|\\([^])|( )|([^])/g)) {
    if (space === undefined) {
      if (plain !== undefined && !/[\w@%+=:,./-]/.test(plain)) throw new Error(`A shell would see ${JSON.stringify(plain)} in ${line}`);
      word = (word ?? '') + (quoted ?? escaped ?? plain ?? '');
    } else {
      if (word !== undefined) words.push(word);
      word = undefined;
    }
  }
  return word === undefined ? words : [...words, word];
}
