import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { readPresets } from '../../src/manifests/files.ts';
import { parseDocuments } from '../../src/validation/documents.ts';
import { defaultEnvironment, type Environment } from '../../src/validation/environment.ts';
import { createFacts, type FactKind } from '../../src/validation/facts.ts';
import { isMap, type JsonMap } from '../../src/validation/json.ts';
import { judge } from '../../src/validation/judge.ts';
import type { Verdict } from '../../src/validation/problem.ts';
import { projectFolder } from '../support/project.ts';

export const presets = await readPresets(join(projectFolder, 'presets'));

export interface Surroundings {
  environment?: Partial<Environment>;
  objects?: readonly JsonMap[];
  complete?: readonly FactKind[];
  stored?: unknown;
}

export const judgeObject = (object: unknown, { environment = {}, objects = [], complete = [], stored }: Surroundings = {}): Verdict => {
  const [document] = parseDocuments('w.yaml', stringify(object, { version: '1.1' }));
  if (!document) throw new Error('The document is empty.');
  const whole = { ...defaultEnvironment, ...environment };
  return judge(document, whole, createFacts({ presets, objects, complete, namespace: whole.namespace }), isMap(stored) ? stored : undefined);
};

/** A Workspace that nobody objects to. */
export const serving = parse(`
apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata: { name: phi, annotations: {} }
resource: { instanceType: Standard_NC24ads_A100_v4, labelSelector: { matchLabels: { apps: phi } } }
inference: { preset: { name: phi-4 } }
`);

export const tuning = parse(`
apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata: { name: tune, annotations: {} }
resource: { instanceType: Standard_NC24ads_A100_v4, labelSelector: { matchLabels: { apps: tune } } }
tuning:
  preset: { name: phi-4 }
  method: qlora
  input: { urls: ['https://example.com/train.parquet'] }
  output: { volumeSource: { persistentVolumeClaim: { claimName: results } } }
`);

/** The object with one value put in, or taken out with undefined: `with('resource.count', 2)`. */
export const change = (object: unknown, changes: Readonly<Record<string, unknown>>): JsonMap => {
  let changed = isMap(object) ? object : {};
  for (const [path, value] of Object.entries(changes)) changed = put(changed, path.split('/'), value);
  return changed;
};

const put = (object: JsonMap, [key = '', ...rest]: readonly string[], value: unknown): JsonMap => {
  const inner = object[key];
  if (rest.length > 0) return { ...object, [key]: put(isMap(inner) ? inner : {}, rest, value) };
  const { [key]: _, ...others } = object;
  return value === undefined ? others : { ...object, [key]: value };
};

export const configMap = (name: string, data: Readonly<Record<string, string>>): JsonMap => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
export const secret = (name: string, type: string, ...keys: string[]): JsonMap => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, type, data: Object.fromEntries(keys.map((key) => [key, 'eA=='])) });
export const gpuNode = (name: string, count = 1, memoryMiB = 81920): JsonMap => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { apps: 'phi', 'nvidia.com/gpu.product': 'NVIDIA-A100', 'nvidia.com/gpu.count': String(count), 'nvidia.com/gpu.memory': String(memoryMiB) } },
});
