import { quote } from '../go-text.ts';
import { isMap, textMap } from '../json.ts';
import type { Path } from '../problem.ts';
import type { Finding, Rule } from '../rule.ts';
import { subdomainProblems } from './names.ts';

const namePattern = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

const nameText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const keyText =
  "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
const valueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** https://github.com/kubernetes/apimachinery/blob/v0.36.0/pkg/util/validation/validation.go */
const keyProblems = (key: string): string[] => {
  const parts = key.split('/');
  if (parts.length > 2) return [keyText];
  const [prefix, name = ''] = parts.length === 2 ? parts : [undefined, ...parts];
  return [
    ...(prefix === undefined ? [] : prefix === '' ? ['prefix part must be non-empty'] : subdomainProblems(prefix).map((text) => `prefix part ${text}`)),
    ...(name === '' ? ['name part must be non-empty'] : Buffer.byteLength(name) > 63 ? ['name part must be no more than 63 bytes'] : []),
    ...(namePattern.test(name) ? [] : [nameText]),
  ];
};

const valueProblems = (value: string): string[] => [...(Buffer.byteLength(value) > 63 ? ['must be no more than 63 bytes'] : []), ...(value === '' || namePattern.test(value) ? [] : [valueText])];

const labelProblems = (labels: Readonly<Record<string, string>>, path: Path, field: string): Finding[] =>
  Object.entries(labels).flatMap(([key, value]) => [
    ...keyProblems(key).map((text) => told([...path, key], field, key, text, keyFix)),
    ...valueProblems(value).map((text) => told([...path, key], field, value, text, valueFix)),
  ]);

const told = (path: Path, field: string, value: string, text: string, fix: string): Finding => ({ path, message: `${field}: Invalid value: ${quote(value)}: ${text}`, fix });

const keyFix = "A key has at most 63 letters, digits and -_., after an optional prefix such as example.com/.";
const valueFix = 'A value has at most 63 letters, digits and -_., and starts and ends with a letter or digit.';

/** Annotations above this are refused all together. */
const annotationBytesMax = 256 * 1024;

export const labelRules: readonly Rule[] = [
  {
    code: 'label-invalid',
    source: 'kaito',
    severity: 'error',
    on: 'always',
    stage: 'schema',
    upstream: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set',
    check: ({ document }) => labelProblems(textMap(metadataOf(document)['labels']), ['metadata', 'labels'], 'metadata.labels'),
  },
  {
    code: 'annotation-invalid',
    source: 'kaito',
    severity: 'error',
    on: 'always',
    stage: 'schema',
    upstream: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set',
    check: ({ document }) => {
      const annotations = textMap(metadataOf(document)['annotations']);
      const path = ['metadata', 'annotations'];
      const bytes = Object.entries(annotations).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
      return [
        ...Object.keys(annotations).flatMap((key) => keyProblems(key.toLowerCase()).map((text) => told([...path, key], 'metadata.annotations', key, text, keyFix))),
        ...(bytes > annotationBytesMax ? [{ path, message: `metadata.annotations: Too long: may not be more than ${annotationBytesMax} bytes`, fix: 'Put it into a ConfigMap.' }] : []),
      ];
    },
  },
  {
    code: 'selector-label-invalid',
    source: 'kaito-ts',
    severity: 'error',
    on: 'create',
    upstream: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set',
    // KAITO does not look, and then cannot make the pods.
    check: ({ resource }) => labelProblems(resource.matchLabels, ['resource', 'labelSelector', 'matchLabels'], 'resource.labelSelector.matchLabels'),
  },
];

const metadataOf = (document: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => (isMap(document['metadata']) ? document['metadata'] : {});
