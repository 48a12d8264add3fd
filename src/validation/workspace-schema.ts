import type { Schema } from './schema.ts';

export const apiVersions = ['kaito.sh/v1beta1', 'kaito.sh/v1alpha1'] as const;
export type ApiVersion = (typeof apiVersions)[number];

const string: Schema = { type: 'string' };
const strings: Schema = { type: 'array', items: string };
const any: Schema = { type: 'any' };
const integer: Schema = { type: 'integer' };

const object = (fields: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({ type: 'object', fields, required });

const dataSource = object({ name: string, urls: strings, image: string, imagePullSecrets: strings, volumeSource: any });

const labelSelector = object({
  matchLabels: { type: 'map', values: string },
  matchExpressions: { type: 'array', items: object({ key: string, operator: string, values: strings }, ['key', 'operator']) },
});

const preset = (options: Readonly<Record<string, Schema>>): Schema =>
  object({ name: string, accessMode: { type: 'string', oneOf: ['public', 'private'], default: 'public' }, presetOptions: object({ image: string, imagePullSecrets: strings, ...options }) }, ['name']);

const workspace = (resource: Readonly<Record<string, Schema>>, presetOptions: Readonly<Record<string, Schema>>): Schema =>
  object({
    apiVersion: string,
    kind: string,
    // The API server has its own rules for these two.
    metadata: any,
    status: any,
    resource: object({ count: { type: 'integer', default: 1 }, labelSelector, preferredNodes: strings, ...resource }, ['labelSelector']),
    inference: object({ preset: preset(presetOptions), template: any, config: string, adapters: { type: 'array', items: object({ source: dataSource, strength: string }) } }),
    tuning: object(
      { preset: preset(presetOptions), method: string, config: string, input: dataSource, output: object({ image: string, imagePushSecret: string, volumeSource: any }) },
      ['input', 'output'],
    ),
  });

/** https://github.com/kaito-project/kaito/blob/056b8280/config/crd/bases/kaito.sh_workspaces.yaml */
export const workspaceSchemas: Readonly<Record<ApiVersion, Schema>> = {
  'kaito.sh/v1beta1': workspace(
    { instanceType: string, partition: object({ mode: { type: 'string', oneOf: ['mig', 'accelerator'], isAskedTwice: true }, profile: string, count: { type: 'integer', minimum: 1 } }, ['mode']) },
    { modelAccessSecret: string },
  ),
  'kaito.sh/v1alpha1': workspace({ instanceType: { type: 'string', default: 'Standard_NC24ads_A100_v4' } }, {}),
};

/** What the API server wants of every object's metadata; unknown fields there are its own affair. */
export const metadataSchema: Schema = object({ name: string, generateName: string, namespace: string, labels: { type: 'map', values: string }, annotations: { type: 'map', values: string }, generation: integer });
