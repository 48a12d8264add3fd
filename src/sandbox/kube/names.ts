import { randomInt } from 'node:crypto';

/**
 * What the API allows as names, labels and their keys. Each rule answers with what is wrong, in the API's words:
 * https://github.com/kubernetes/kubernetes/tree/v1.36.3/staging/src/k8s.io/apimachinery/pkg/api/validate/content
 */
export type NameRule = (name: string) => string[];

const labelPattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomainPattern = `${labelPattern}(\\.${labelPattern})*`;
const keyPattern = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const valuePattern = `(${keyPattern})?`;
const configKeyPattern = '[-._a-zA-Z0-9]+';

/** Lengths are of bytes in labels and of characters in names, or so they are called. */
const rule = (pattern: string, maxLength: number, message: string, examples: readonly string[], unit: 'bytes' | 'characters' = 'characters'): NameRule => {
  const expression = new RegExp(`^${pattern}$`);
  const told = `${message} (e.g. ${examples.map((example) => `'${example}'`).join(',  or ')}, regex used for validation is '${pattern}')`;
  return (name) => [
    ...(Buffer.byteLength(name) > maxLength ? [`must be no more than ${maxLength} ${unit}`] : []),
    ...(expression.test(name) ? [] : [told]),
  ];
};

/** Names of nearly everything. */
export const subdomain = rule(
  subdomainPattern,
  253,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  ['example.com'],
);

const plainLabel = rule(
  labelPattern,
  63,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  ['my-name', '123-abc'],
);

/** Names of namespaces, containers and volumes: no dots, which is said first where dots are all that is wrong. */
export const label: NameRule = (name) => {
  const problems = plainLabel(name);
  const hasOnlyDots = problems.length > 0 && subdomain(name).length === 0 && Buffer.byteLength(name) <= 63;
  return hasOnlyDots ? ['must not contain dots'] : problems;
};

/** Host names, which say nothing of dots. */
export const hostName: NameRule = plainLabel;

const keyMessage = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const keyName = rule(keyPattern, 63, keyMessage, ['MyName', 'my.name', '123-abc'], 'bytes');

/** Keys of labels and annotations: `name` or `prefix.example/name`. */
export const labelKey: NameRule = (key) => {
  const [first = '', second, ...more] = key.split('/');
  if (more.length > 0) {
    return [`a valid label key ${keyName('').at(-1)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const prefix = second === undefined ? undefined : first;
  const name = second ?? first;
  return [
    ...(prefix === '' ? ['prefix part must be non-empty'] : []),
    ...(prefix ? subdomain(prefix).map((problem) => `prefix part ${problem}`) : []),
    ...(name === '' ? ['name part must be non-empty'] : []),
    ...keyName(name).map((problem) => `name part ${problem}`),
  ];
};

export const labelValue = rule(
  valuePattern,
  63,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ['MyValue', 'my_value', '12345'],
  'bytes',
);

/** Names of ports of containers. */
export const portName: NameRule = (name) => [
  ...(name.length > 15 ? ['must be no more than 15 characters'] : []),
  ...(/^[-a-z0-9]+$/.test(name) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
  ...(/^[-a-z0-9]+$/.test(name) && !/[a-z]/.test(name) ? ['must contain at least one letter (a-z)'] : []),
];

export const variableName: NameRule = (name) => (/^[ -<>-~]+$/.test(name) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]);

/** Keys inside ConfigMaps and Secrets. */
export const configKey: NameRule = (key) => [...configKeyLetters(key), ...(key === '.' || key === '..' ? [`must not be '${key}'`] : [])];

const configKeyLetters = rule(
  configKeyPattern,
  253,
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  ['key.name', 'KEY_NAME', 'key-name'],
);

/** Letters that cannot spell a word by accident. */
const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';

/** A name from `generateName`: five letters more, and never longer than a DNS label. */
export const generateName = (prefix: string): string =>
  prefix.slice(0, 58) + Array.from({ length: 5 }, () => suffixLetters[randomInt(suffixLetters.length)]).join('');
