import { describe, expect, it } from 'vitest';
import { change, judgeObject, serving } from './support.ts';

const container = (fields: object): object => ({ spec: { containers: [{ name: 'c', ...fields }] } });
const adapter = (volumeSource: unknown): unknown => change(serving, { 'inference/adapters': [{ source: { name: 'a', volumeSource } }] });
const inTemplate = 'inference.template';
const notDecoded = (object: unknown): string[] => judgeObject(object).problems.filter(({ code }) => code === 'field-not-decoded').map(({ message }) => message.replace('decoding request failed: cannot decode incoming new object: ', ''));

/** What Go's encoding/json has answered about the types of k8s.io/api/core/v1. */
describe('a pod template that the webhook cannot decode', () => {
  it.each([
    ['a text', 'x', `json: cannot unmarshal string into Go struct field InferenceSpec.${inTemplate} of type v1.PodTemplateSpec`],
    ['containers that are no list', { spec: { containers: 'x' } }, `json: cannot unmarshal string into Go struct field PodSpec.${inTemplate}.spec.containers of type []v1.Container`],
    ['a name that is a number', container({ name: 5 }), `json: cannot unmarshal number into Go struct field Container.${inTemplate}.spec.containers.name of type string`],
    ['a policy that is none', container({ imagePullPolicy: false }), `json: cannot unmarshal bool into Go struct field Container.${inTemplate}.spec.containers.imagePullPolicy of type v1.PullPolicy`],
    ['a port with a fraction', container({ ports: [{ containerPort: 1.5 }] }), `json: cannot unmarshal number 1.5 into Go struct field ContainerPort.${inTemplate}.spec.containers.ports.containerPort of type int32`],
    ['a port beyond all ports', container({ ports: [{ containerPort: 99_999_999_999 }] }), `json: cannot unmarshal number 99999999999 into Go struct field ContainerPort.${inTemplate}.spec.containers.ports.containerPort of type int32`],
    ['a port that is neither number nor name', container({ livenessProbe: { httpGet: { port: true } } }), `json: cannot unmarshal bool into Go struct field HTTPGetAction.${inTemplate}.spec.containers.livenessProbe.ProbeHandler.httpGet.port of type int32`],
    ['a quantity that is none', container({ resources: { limits: { cpu: 'much' } } }), "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
    ['a quantity of a wrong unit', container({ resources: { limits: { cpu: '1Kk' } } }), "unable to parse quantity's suffix"],
    ['labels that are numbers', { metadata: { labels: { a: 1 } } }, `json: cannot unmarshal number into Go struct field ObjectMeta.${inTemplate}.metadata.labels of type string`],
    ['metadata with an unknown field', { metadata: { foo: 1 } }, 'json: unknown field "foo"'],
    ['a time that is none', { metadata: { creationTimestamp: 'x' } }, 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'],
    ['a day instead of a time', { metadata: { creationTimestamp: '2024-05-01' } }, 'parsing time "2024-05-01" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'],
    ['a month that there is not', { metadata: { creationTimestamp: '2024-13-01T00:00:00Z' } }, 'parsing time "2024-13-01T00:00:00Z": month out of range'],
    ['a day that there is not', { metadata: { creationTimestamp: '2024-02-30T00:00:00Z' } }, 'parsing time "2024-02-30T00:00:00Z": day out of range'],
    ['a time that is a number', { metadata: { creationTimestamp: 5 } }, `json: cannot unmarshal number into Go struct field ObjectMeta.${inTemplate}.metadata.creationTimestamp of type string`],
    ['a volume that is a text', { spec: { volumes: [{ name: 'v', emptyDir: 'x' }] } }, `json: cannot unmarshal string into Go struct field Volume.${inTemplate}.spec.volumes.VolumeSource.emptyDir of type v1.EmptyDirVolumeSource`],
  ])('has %s', (_, template, message) => {
    expect(notDecoded(change(serving, { inference: { template } }))).toEqual([message]);
  });

  it('is told from one that it can', () => {
    const template = { metadata: { labels: { a: 'b' }, creationTimestamp: '2024-05-01T10:00:00.5+02:00', deletionTimestamp: null }, spec: { tolerations: [{ tolerationSeconds: 5 }], containers: [{ name: 'c', resources: { limits: { cpu: 1, memory: '1.5Gi', x: '1e3' } }, livenessProbe: { httpGet: { port: 'http' } }, startupProbe: { tcpSocket: { port: 80 } } }] } };
    expect(notDecoded(change(serving, { inference: { template } }))).toEqual([]);
  });
});

describe('a volume that the webhook cannot decode', () => {
  it.each([
    ['is a text', 'x', 'json: cannot unmarshal string into Go struct field DataSource.inference.adapters.source.volumeSource of type v1.VolumeSource'],
    ['has a name of its own', { name: 'v', emptyDir: {} }, 'json: unknown field "name"'],
    ['has a number for its claim', { persistentVolumeClaim: { claimName: 7 } }, 'json: cannot unmarshal number into Go struct field PersistentVolumeClaimVolumeSource.inference.adapters.source.volumeSource.persistentVolumeClaim.claimName of type string'],
  ])('%s', (_, volumeSource, message) => {
    expect(notDecoded(adapter(volumeSource))).toEqual([message]);
  });
});
