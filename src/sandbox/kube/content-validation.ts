import type { KubernetesObject } from '../../domain/kubernetes.ts';
import type { FieldProblem } from './errors.ts';
import { goJsonProblem } from './go-text.ts';
import { recordAt, textAt } from './json.ts';
import { configKey } from './names.ts';
import { byRule, problemAt, required } from './problems.ts';

const longestBytes = 1024 * 1024;

const keyProblems = (data: unknown, field: string): FieldProblem[] => Object.keys(recordAt(data)).flatMap((key) => byRule(`${field}[${key}]`, key, configKey));

const sizeProblems = (sizeBytes: number, field: string): FieldProblem[] =>
  sizeBytes > longestBytes ? [{ type: 'TooLong', field, detail: `may not be more than ${longestBytes} bytes` }] : [];

const sum = (data: unknown, encoding: BufferEncoding): number => Object.values(recordAt(data)).reduce<number>((total, text) => total + Buffer.byteLength(String(text), encoding), 0);

export const configMapProblems = ({ data, binaryData }: KubernetesObject & { data?: unknown; binaryData?: unknown }): FieldProblem[] => [
  ...keyProblems(data, 'data'),
  ...keyProblems(binaryData, 'binaryData'),
  ...Object.keys(recordAt(data))
    .filter((key) => Object.hasOwn(recordAt(binaryData), key))
    .map((key) => problemAt(`data[${key}]`, key, 'duplicate of key present in binaryData')),
  ...sizeProblems(sum(data, 'utf8') + sum(binaryData, 'base64'), '[]'),
];

/** What a Secret of a known type cannot be without. */
const neededKeys: Record<string, readonly string[]> = {
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

export const secretProblems = (secret: KubernetesObject): FieldProblem[] => {
  const type = textAt(secret, 'type') ?? '';
  const data = recordAt(secret, 'data');
  // One of the two will do.
  const needed = type === 'kubernetes.io/basic-auth' && !('username' in data) && !('password' in data) ? ['username', 'password'] : (neededKeys[type] ?? []);
  return [
    ...keyProblems(data, 'data'),
    ...sizeProblems(sum(data, 'base64'), 'data'),
    ...needed.filter((key) => !Object.hasOwn(data, key)).map((key) => required(`data[${key}]`)),
    ...(type.startsWith('kubernetes.io/docker') ? needed.flatMap((key) => jsonProblems(textAt(data, key), `data[${key}]`)) : []),
  ];
};

const jsonProblems = (encoded: string | undefined, field: string): FieldProblem[] => {
  if (encoded === undefined) return [];
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    return [problemAt(field, '<secret contents redacted>', goJsonProblem(text, error))];
  }
};
