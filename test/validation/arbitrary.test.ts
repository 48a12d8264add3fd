import { describe, expect, it } from 'vitest';
import { parseDocuments } from '../../src/validation/documents.ts';
import { judgeObject, serving, tuning } from './support.ts';

/** A small generator with a fixed seed: https://en.wikipedia.org/wiki/Linear_congruential_generator */
const createRandom = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

type Random = ReturnType<typeof createRandom>;

const keys = ['apiVersion', 'kind', 'metadata', 'name', 'resource', 'labelSelector', 'matchLabels', 'matchExpressions', 'count', 'inference', 'preset', 'template', 'adapters', 'source', 'volume', 'volumeSource', 'tuning', 'input', 'output', 'urls', 'method', '__proto__', 'constructor', 'toString', ''];
const texts = ['', 'x', 'kaito.sh/v1beta1', 'Workspace', 'phi-4', 'a/b', 'a//b', 'lora', 'http://[::1', 'https://%', '\u0000', '1'.repeat(300), 'Standard_NC6s_v3'];

const arbitrary = (random: Random, depth: number): unknown => {
  switch (random(depth > 0 ? 8 : 5)) {
    case 0:
      return null;
    case 1:
      return random(2) === 0;
    case 2:
      return [-1, 0, 1.5, 1e21, 2 ** 53][random(5)];
    case 3:
    case 4:
      return texts[random(texts.length)];
    case 5:
      return Array.from({ length: random(4) }, () => arbitrary(random, depth - 1));
    default:
      return Object.fromEntries(Array.from({ length: random(5) }, () => [keys[random(keys.length)] ?? '', arbitrary(random, depth - 1)]));
  }
};

/** A good document with arbitrary values here and there. */
const spoil = (value: unknown, random: Random): unknown => {
  if (random(9) === 0) return arbitrary(random, 3);
  if (Array.isArray(value)) return value.map((item) => spoil(item, random));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, key === 'apiVersion' || key === 'kind' ? inner : spoil(inner, random)]));
};

const toMap = (value: unknown): object => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {});

const full = { ...serving, inference: { ...serving.inference, config: 'c', adapters: [{ source: { name: 'a', image: 'x' }, strength: '1' }], template: { spec: { containers: [{ name: 'c' }] } } }, tuning: { ...tuning.tuning, config: 'c' } };

describe('any JSON at all', () => {
  it('is judged without a throw, and every problem has a place', () => {
    const random = createRandom(7);
    for (let round = 0; round < 1500; round += 1) {
      const object = round % 3 === 0 ? { apiVersion: 'kaito.sh/v1beta1', kind: 'Workspace', x: arbitrary(random, 4) } : { ...full, ...toMap(spoil(full, random)), [keys[random(keys.length)] ?? '']: arbitrary(random, 2) };
      const data = { 'training_config.yaml': JSON.stringify(arbitrary(random, 4)), 'inference_config.yaml': JSON.stringify(arbitrary(random, 4)) };
      const objects = [{ kind: 'ConfigMap', metadata: { name: 'c' }, data }, { kind: 'Node', metadata: { name: 'n', labels: { a: 'b' } } }];
      const around = { objects, environment: { nodeProvisioner: round % 2 === 0 ? ('byo' as const) : ('karpenter' as const) } };
      for (const stored of [undefined, spoil(full, random)]) {
        const { problems, verdict } = judgeObject(object, { ...around, stored });
        expect(verdict).toBe(problems.some(({ severity }) => severity === 'error') ? 'invalid' : 'valid');
        for (const { line, column, message, fix } of problems) {
          expect(Math.min(line, column)).toBeGreaterThan(0);
          expect(typeof message === 'string' && message !== '' && typeof fix === 'string' && fix !== '').toBe(true);
        }
      }
    }
  });

  it('is read without a throw when it is no YAML either', () => {
    const random = createRandom(11);
    const parts = ['---\n', ': ', '- ', '[', '}', '"', "'", '&a', '*a', '\t', '\n', ' ', '|', '>', '!!x', '?', '#', '%', '...\n', 'a', '\r\n', '\u0000'];
    for (let round = 0; round < 3000; round += 1) {
      const text = Array.from({ length: random(40) }, () => parts[random(parts.length)]).join('');
      expect(() => parseDocuments('a.yaml', text).map(({ locate }) => locate(['a', 0, 'b']))).not.toThrow();
    }
  });
});
